import Codec
import Domain
import NIOCore
import Wire

/// Requests as bytes, made before the load begins: to send one is to copy it and to put a few
/// numbers in.
package struct RequestFrames: Sendable {
    /// A whole frame, and where numbers go that each request has of its own.
    struct Template: Sendable {
        var bytes: [UInt8]
        /// Int64 keys on end that are drawn for each request.
        var ids: Int?
        /// Event times on end, which are now.
        var times: Int?
        /// 16 bytes that no other request has.
        var requestID: Int?
    }

    /// Of which each request is one.
    let templates: [Template]
    let operation: Operation
    /// Entities or rows of each.
    package let rows: Int
    /// Where keys are drawn from that are drawn for each request.
    let table: IDTable?

    var largest: Int { templates.reduce(0) { max($0, $1.bytes.count) } }

    /// Bytes of a request, header included.
    package var bytesEach: Int {
        templates.reduce(0) { $0 + $1.bytes.count } / max(1, templates.count)
    }

    /// The call's number in the header.
    static let callOffset = 8

    init(templates: [Template], operation: Operation, rows: Int, table: IDTable? = nil) {
        self.templates = templates
        self.operation = operation
        self.rows = rows
        self.table = table
    }

    /// Requests of this many bytes, header included, for a server that only counts them.
    package init(bytes: Int) {
        precondition(bytes >= Frame.headerBytes)
        let payload = [UInt8](repeating: 0, count: bytes - Frame.headerBytes)
        var header = ByteBuffer()
        let frame = Frame(
            kind: .request,
            operation: Operation.read.rawValue,
            call: 1,
            data: ByteBuffer(bytes: payload)
        )
        frame.encode(into: &header)
        self.init(
            templates: [Template(bytes: Array(header.readableBytesView))],
            operation: .read,
            rows: 0
        )
    }

    static func frame(
        _ operation: Operation,
        control: ByteBuffer,
        _ batch: RecordBatch
    ) throws(AlulaError) -> [UInt8] {
        let frame = Frame(
            kind: .request,
            operation: operation.rawValue,
            call: 1,
            control: control,
            data: ByteBuffer(bytes: BatchCodec.encode(batch))
        )
        guard frame.payloadBytes <= Limits.frameBytes else {
            throw .invalid(
                "a request of \(frame.payloadBytes) bytes is over the limit of \(Limits.frameBytes)",
                help: "ask for fewer rows at once"
            )
        }
        var bytes = ByteBuffer()
        frame.encode(into: &bytes)
        return Array(bytes.readableBytesView)
    }

    /// Where the mark stands in the frame.
    static func place(of mark: [UInt8], in frame: [UInt8]) throws(AlulaError) -> Int {
        guard let range = frame.firstRange(of: mark) else {
            throw AlulaError(.internal, "a mark is not in the request that was made with it")
        }
        return range.lowerBound
    }

    /// Frames of random rows, few enough that they take bounded memory.
    static func frameCount(rows: Int) -> Int { max(16, min(4_096, (1 << 21) / max(1, rows))) }
}

/// Columns that hold marks, to find where their values stand in a frame.
enum Marks {
    static let ids: Int64 = 0x5A1B_2C3D_4E5F_0000
    static let times: Int64 = 0x3B1C_2D3E_4F50_0000
    static let requestID: [UInt8] = (0..<16).map { 0xC3 ^ UInt8($0) }

    static func column(_ type: ValueType, _ mark: Int64, rows: Int) -> Column {
        var builder = ColumnBuilder(type, reservingRows: rows)
        for row in 0..<rows { builder.append(fixed: mark + Int64(row)) }
        return builder.finish()
    }

    static func bytes(_ mark: Int64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: mark >> (8 * $0)) }
    }
}
