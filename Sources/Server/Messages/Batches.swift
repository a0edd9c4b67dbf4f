import Codec
import Domain
import NIOCore
import Wire

extension Schema {
    /// Reads the data section of a frame as a batch of this schema.
    func batch(from data: ByteBuffer) throws(AlulaError) -> RecordBatch {
        let result: Result<RecordBatch, AlulaError> = unsafe data.withUnsafeReadableBytes { raw in
            Result { () throws(AlulaError) in
                try unsafe BatchCodec.decode(raw, schema: self)
            }
        }
        return try result.get()
    }
}

extension RecordBatch {
    /// The data section of a frame.
    var buffer: ByteBuffer { ByteBuffer(bytes: BatchCodec.encode(self)) }
}

extension BatchAssembler {
    /// The data section of a frame.
    var buffer: ByteBuffer {
        var buffer = ByteBuffer()
        unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: byteCount) { memory in
            unsafe write(to: memory)
            return byteCount
        }
        return buffer
    }
}
