import Domain
package import NIOCore

/// Cuts a byte stream into frames; lengths are checked as soon as they are known, before any memory
/// is taken for them.
///
/// Throws `AlulaError` on the first broken frame, after which the stream is of no use.
package struct FrameDecoder: NIOSingleStepByteToMessageDecoder {
    package typealias InboundOut = Frame

    /// Bytes of a payload that the peer may send: fewer while nobody knows who it is.
    package var largestPayload = Limits.frameBytes

    package init() {}

    package mutating func decode(buffer: inout ByteBuffer) throws -> Frame? {
        guard
            let (payload, kindCode, flags, operation, call, control) = buffer.peekMultipleIntegers(
                endianness: .little,
                as: (UInt32, UInt8, UInt8, UInt16, UInt32, UInt32).self
            )
        else { return nil }
        let kind = try Self.check(
            payload: payload,
            most: largestPayload,
            kind: kindCode,
            flags: flags,
            call: call,
            control: control
        )
        guard buffer.readableBytes >= Frame.headerBytes + Int(payload) else { return nil }
        buffer.moveReaderIndex(forwardBy: Frame.headerBytes)
        guard var body = buffer.readSlice(length: Int(payload)),
            let controlBytes = body.readSlice(length: Int(control))
        else { throw AlulaError.invalid("a frame is cut short") }
        let padding = Frame.padded(Int(control)) - Int(control)
        body.moveReaderIndex(forwardBy: min(padding, body.readableBytes))
        return Frame(
            kind: kind,
            hasMore: flags & 1 != 0,
            operation: operation,
            call: call,
            control: controlBytes,
            data: body
        )
    }

    package mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> Frame? {
        if let frame = try decode(buffer: &buffer) { return frame }
        guard buffer.readableBytes > 0 else { return nil }
        throw AlulaError.invalid("the connection ended within a frame")
    }

    private static func check(
        payload: UInt32,
        most largest: Int,
        kind: UInt8,
        flags: UInt8,
        call: UInt32,
        control: UInt32
    ) throws(AlulaError) -> FrameKind {
        guard payload <= largest else {
            throw .invalid(
                "a frame of \(payload) bytes is over the limit of \(largest)",
                help: largest < Limits.frameBytes
                    ? "larger frames are taken once the caller has shown a token" : ""
            )
        }
        // A response may be one long list; what comes from clients is bounded tighter.
        let most = kind == FrameKind.response.rawValue ? Limits.frameBytes : Limits.controlBytes
        guard control <= most else {
            throw .invalid("a control message of \(control) bytes is over the limit of \(most)")
        }
        guard control <= payload else {
            throw .invalid(
                "a frame's control length \(control) is over its payload length \(payload)"
            )
        }
        guard let kind = FrameKind(rawValue: kind) else {
            throw .invalid("frame kind \(kind) is unknown: expected 1 to 7")
        }
        guard flags & ~1 == 0, flags == 0 || kind == .request else {
            throw .invalid("frame flags \(flags) are unknown: expected 0, or 1 on a request")
        }
        guard call != 0 || kind == .error else {
            throw .invalid("a frame names call 0: calls are numbered from 1")
        }
        return kind
    }
}

extension ByteBuffer {
    fileprivate func peekMultipleIntegers(
        endianness: Endianness,
        as: (UInt32, UInt8, UInt8, UInt16, UInt32, UInt32).Type
    ) -> (UInt32, UInt8, UInt8, UInt16, UInt32, UInt32)? {
        var copy = self
        return copy.readMultipleIntegers(endianness: endianness, as: `as`)
    }
}
