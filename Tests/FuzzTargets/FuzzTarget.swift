import Catalog
import Codec
import Domain
import NIOCore
import Search
import Tabular
import Wire

/// What decodes bytes that may come from anyone, or from a damaged disk: no bytes may trap, and what is
/// read and written again must stay the same.
///
/// Each is run by libFuzzer (`Tests/fuzz/run`), and over its corpus in the ordinary tests.
package enum FuzzTarget: String, CaseIterable, Sendable {
    case frames
    case requests
    case scopes
    case batches
    case blocks
    case rows
    case keys
    case csv
    case ndjson
    case inference
    case search
    case definitions

    package func run(_ bytes: [UInt8]) {
        switch self {
        case .frames: Self.frames(bytes)
        case .requests: Self.requests(bytes)
        case .scopes: Self.scopes(bytes)
        case .batches: Self.batches(bytes)
        case .blocks: Self.blocks(bytes)
        case .rows: Self.rows(bytes)
        case .keys: Self.keys(bytes)
        case .csv: Self.table(bytes, .csv)
        case .ndjson: Self.table(bytes, .ndjson)
        case .inference: Self.inference(bytes)
        case .search: Self.search(bytes)
        case .definitions: Self.definitions(bytes)
        }
    }
}

extension FuzzTarget {
    /// The first byte says how the stream is cut.
    private static func frames(_ bytes: [UInt8]) {
        guard let cut = bytes.first else { return }
        var whole = ByteBuffer(bytes: bytes.dropFirst())
        var frames: [Frame] = []
        var decoder = FrameDecoder()
        var failed = false
        do {
            while let frame = try decoder.decode(buffer: &whole) { frames.append(frame) }
        } catch {
            failed = true
        }
        // However it is cut, the same frames come.
        var stream = ByteBuffer()
        var inPieces = FrameDecoder()
        var count = 0
        do {
            var rest = bytes.dropFirst()
            while !rest.isEmpty {
                stream.writeBytes(rest.prefix(Int(cut) + 1))
                rest = rest.dropFirst(Int(cut) + 1)
                while let frame = try inPieces.decode(buffer: &stream) {
                    precondition(count < frames.count && frame == frames[count])
                    count += 1
                }
            }
            precondition(!failed && count == frames.count)
        } catch {
            precondition(failed && count == frames.count)
        }
    }

    /// The first two bytes choose the operation's number of names.
    private static func scopes(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let operations = Wire.Operation.allCases
        let operation = operations[Int(first) % operations.count]
        let control = ByteBuffer(bytes: bytes.dropFirst())
        if case .named(let fields) = operation.scope {
            _ = try? RequestScope(of: control, fields: fields)
        } else {
            _ = try? RequestScope(of: control, fields: [])
        }
    }

    /// The first byte is the number of columns, the next ones are their types; the batch is behind them.
    private static func batches(_ bytes: [UInt8]) {
        guard let first = bytes.first, bytes.count > Int(first % 16) + 1 else { return }
        let count = Int(first % 16)
        let schema = Schema(
            fields: (0..<count).map { Schema.Field(name: "c\($0)", type: type(bytes[$0 + 1])) }
        )
        let payload = Array(bytes[(count + 1)...])
        guard let batch = try? BatchCodec.decode(payload, schema: schema) else { return }
        let again = BatchCodec.encode(batch)
        let decoded = try? BatchCodec.decode(again, schema: schema)
        precondition(decoded.map(BatchCodec.encode) == again)
    }

    /// The first byte is the type, the next two the number of rows, then come encoding and validity; the
    /// checksum is made to fit, so that what is behind it is reached.
    private static func blocks(_ bytes: [UInt8]) {
        guard bytes.count >= 5 else { return }
        let rows = Int(bytes[1]) | Int(bytes[2]) << 8
        let type = type(bytes[0])
        var block = [bytes[3], bytes[4], 0, 0, bytes[1], bytes[2], 0, 0] + bytes[5...]
        let checksum = unsafe block.withUnsafeBytes { unsafe Checksum.xxh64($0) }
        block = (0..<8).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) } + block
        let column = unsafe block.withUnsafeBytes { raw in
            try? unsafe BlockCodec.decode(raw, type: type, rows: rows)
        }
        guard let column else { return }
        precondition(column.count == rows)
        let again = BlockCodec.encode(column)
        let decoded = unsafe again.withUnsafeBytes { raw in
            try? unsafe BlockCodec.decode(raw, type: type, rows: rows)
        }
        precondition(decoded.map(BlockCodec.encode) == again)
    }

    private static func keys(_ bytes: [UInt8]) {
        guard let key = try? KeyCodec.decode(bytes) else { return }
        precondition(KeyCodec.encode(key) == bytes)
        precondition((try? KeyCodec.decode(bytes, parts: key.parts.count)) == key)
    }

    private static func search(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        _ = try? SearchOrder(parsing: text)
        guard let expression = try? SearchExpression(parsing: text) else { return }
        let written = "\(expression)"
        let again = try? SearchExpression(parsing: written)
        precondition(again.map { "\($0)" } == written)
    }

    private static func definitions(_ bytes: [UInt8]) {
        _ = DefinitionFile(name: "fuzz.yaml", yaml: String(decoding: bytes, as: UTF8.self))
            .countMistakes()
    }

    static func type(_ byte: UInt8) -> ValueType {
        let scalars = ScalarType.allCases
        let item = scalars[Int(byte) % scalars.count]
        switch Int(byte) / scalars.count % 3 {
        case 0: return .scalar(item)
        case 1: return .list(item)
        default: return .fixedList(item, length: 1 + Int(byte >> 6))
        }
    }
}
