import Domain
import NIOCore
import Wire

/// The head of a frame that is a whole READ request; all else is left to `FrameDecoder`.
struct ReadHead {
    let call: UInt32
    /// From the first byte of the frame.
    let control: Range<Int>
    let data: Range<Int>

    var frameBytes: Int { data.upperBound }

    init?(_ buffer: ByteBuffer) {
        guard buffer.readableBytes >= Frame.headerBytes else { return nil }
        let start = buffer.readerIndex
        guard
            let kind: UInt8 = buffer.getInteger(at: start + 4),
            kind == FrameKind.request.rawValue,
            let operation: UInt16 = buffer.getInteger(at: start + 6, endianness: .little),
            operation == Operation.read.rawValue,
            let payload: UInt32 = buffer.getInteger(at: start, endianness: .little),
            payload <= Limits.frameBytes,
            buffer.readableBytes >= Frame.headerBytes + Int(payload),
            let flags: UInt8 = buffer.getInteger(at: start + 5),
            flags == 0,
            let call: UInt32 = buffer.getInteger(at: start + 8, endianness: .little),
            call != 0,
            let size: UInt32 = buffer.getInteger(at: start + 12, endianness: .little),
            size <= Limits.controlBytes
        else { return nil }
        let end = Frame.headerBytes + Int(payload)
        let controlEnd = Frame.headerBytes + Int(size)
        let dataStart = Frame.headerBytes + (Int(size) + 7) & ~7
        guard controlEnd <= end, dataStart <= end else { return nil }
        self.call = call
        control = Frame.headerBytes..<controlEnd
        data = dataStart..<end
    }
}
