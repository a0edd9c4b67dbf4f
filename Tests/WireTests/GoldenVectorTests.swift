import Codec
import Domain
import Foundation
import NIOCore
import Testing
import Wire

/// The golden bytes of `proto/vectors`, made by an encoder that shares no code with this one.
struct GoldenVectorTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "proto/vectors")

    private struct Vector {
        let name: String
        let kind: String
        let fields: [String: Any]
        let bytes: [UInt8]

        func number(_ field: String) throws -> Int { try #require(fields[field] as? Int) }
        func text(_ field: String) throws -> String { try #require(fields[field] as? String) }
    }

    private static func vectors(_ kind: String) throws -> [Vector] {
        let data = try Data(contentsOf: folder.appending(path: "vectors.json"))
        let list = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
        let chosen = try list.filter { $0["kind"] as? String == kind }.map { fields in
            let file = try #require(fields["file"] as? String)
            return Vector(
                name: try #require(fields["name"] as? String),
                kind: kind,
                fields: fields,
                bytes: [UInt8](try Data(contentsOf: folder.appending(path: file)))
            )
        }
        try #require(!chosen.isEmpty)
        return chosen
    }

    private static func bytes(hex: String) -> [UInt8] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0...$0 + 1]), radix: 16)
        }
    }

    private static func number(_ json: Any) throws -> Double {
        switch json as? String {
        case "NaN": .nan
        case "inf": .infinity
        case "-inf": -.infinity
        case "-0.0": -0.0
        default: try #require(json as? NSNumber).doubleValue
        }
    }

    private static func item(_ json: Any, _ type: ScalarType) throws -> FeatureValue {
        switch type {
        case .bool: .bool(try #require(json as? Bool))
        case .int32: .int32(try #require(json as? NSNumber).int32Value)
        case .int64: .int64(try #require(json as? NSNumber).int64Value)
        case .float32: .float32(Float(try number(json)))
        case .float64: .float64(try number(json))
        case .string: .string(try #require(json as? String))
        case .bytes: .bytes(bytes(hex: try #require(json as? String)))
        case .timestamp:
            .timestamp(Timestamp(microseconds: try #require(json as? NSNumber).int64Value))
        }
    }

    private static func value(_ json: Any, _ type: ValueType) throws -> FeatureValue {
        if json is NSNull { return .null }
        switch type {
        case .scalar(let scalar): return try item(json, scalar)
        case .list(let scalar), .fixedList(let scalar, _):
            return .list(try #require(json as? [Any]).map { try item($0, scalar) })
        }
    }

    private static func batch(_ vector: Vector) throws -> RecordBatch {
        let fields = try #require(vector.fields["schema"] as? [[String: String]])
        let schema = Schema(
            fields: try fields.map { field in
                let name = try #require(field["name"])
                let text = try #require(field["type"])
                return Schema.Field(name: name, type: try #require(ValueType(text: text)))
            }
        )
        let rows = try #require(vector.fields["rows"] as? [[Any]])
        let columns = try schema.fields.indices.map { index in
            try Column(
                schema.fields[index].type,
                rows.map { try value($0[index], schema.fields[index].type) }
            )
        }
        return RecordBatch(schema: schema, columns: columns, rowCount: try vector.number("count"))
    }

    @Test func `every batch is decoded to its rows and encoded to its bytes`() throws {
        for vector in try Self.vectors("batch") {
            let expected = try Self.batch(vector)
            let decoded = try BatchCodec.decode(vector.bytes, schema: expected.schema)
            // Compared as bytes of columns: NaN is not equal to itself.
            #expect(decoded == expected, "\(vector.name)")
            #expect(BatchCodec.encode(expected) == vector.bytes, "\(vector.name)")
        }
    }

    @Test func `every frame is decoded to its fields and encoded to its bytes`() throws {
        for vector in try Self.vectors("frame") {
            var frames: [Frame] = []
            let processor = NIOSingleStepByteToMessageProcessor(FrameDecoder())
            try processor.process(buffer: ByteBuffer(bytes: vector.bytes)) { frames.append($0) }
            let frame = try #require(frames.first, "\(vector.name)")
            #expect(frames.count == 1, "\(vector.name)")
            #expect(Int(frame.kind.rawValue) == (try vector.number("frameKind")), "\(vector.name)")
            #expect(frame.hasMore == (try vector.number("flags") == 1), "\(vector.name)")
            #expect(Int(frame.operation) == (try vector.number("operation")), "\(vector.name)")
            #expect(Int(frame.call) == (try vector.number("call")), "\(vector.name)")
            #expect(frame.payloadBytes == (try vector.number("payloadLength")), "\(vector.name)")
            #expect(
                Array(frame.control.readableBytesView)
                    == Self.bytes(hex: try vector.text("control")),
                "\(vector.name)"
            )
            #expect(
                Array(frame.data.readableBytesView) == Self.bytes(hex: try vector.text("data")),
                "\(vector.name)"
            )
            var encoded = ByteBuffer()
            frame.encode(into: &encoded)
            #expect(Array(encoded.readableBytesView) == vector.bytes, "\(vector.name)")
        }
    }

    @Test func `every preface is read and written`() throws {
        for vector in try Self.vectors("preface") {
            var bytes = ByteBuffer(bytes: vector.bytes)
            if try vector.text("sender") == "client" {
                let lowest = UInt8(try vector.number("lowest"))
                let highest = UInt8(try vector.number("highest"))
                #expect(Preface.client(lowest: lowest, highest: highest) == bytes, "\(vector.name)")
                #expect(try Preface.takeClient(from: &bytes) == 1, "\(vector.name)")
            } else {
                let chosen = UInt8(try vector.number("chosen"))
                #expect(Preface.server(chosen: chosen) == bytes, "\(vector.name)")
                if chosen == 0 {
                    #expect(throws: AlulaError.self) { try Preface.takeServer(from: &bytes) }
                } else {
                    #expect(try Preface.takeServer(from: &bytes) == chosen, "\(vector.name)")
                }
            }
        }
    }
}
