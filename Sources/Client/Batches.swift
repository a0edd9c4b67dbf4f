import Codec
import Domain
import NIOCore
import Wire

/// Record batches to and from the data section of a frame.
enum Batches {
    static func encode(_ batch: RecordBatch) -> ByteBuffer {
        ByteBuffer(bytes: BatchCodec.encode(batch))
    }

    static func decode(_ data: ByteBuffer, schema: Schema) throws(AlulaError) -> RecordBatch {
        try BatchCodec.decode(Array(data.readableBytesView), schema: schema)
    }

    /// A batch with something behind it, and where that begins.
    static func decodePrefix(
        _ bytes: [UInt8],
        schema: Schema
    ) throws(AlulaError) -> (batch: RecordBatch, size: Int) {
        let result: Result<(RecordBatch, Int), AlulaError> = unsafe bytes.withUnsafeBytes { raw in
            Result { () throws(AlulaError) in
                var size = 0
                let batch = try unsafe BatchCodec.decode(raw, schema: schema, size: &size)
                return (batch, size)
            }
        }
        return try result.get()
    }
}

/// Takes the batches of a stream, whose first item tells the schema of all.
struct BatchStream {
    private(set) var schema: Schema?

    mutating func take(_ wire: WireSchema?, _ data: ByteBuffer) throws(AlulaError) -> RecordBatch {
        if let wire { schema = try Schema(wire: wire) }
        guard let schema else {
            throw AlulaError(.internal, "the server's answer has rows before their schema")
        }
        return try Batches.decode(data, schema: schema)
    }
}
