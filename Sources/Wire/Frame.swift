package import NIOCore

/// The raw value is the kind's code on the wire.
package enum FrameKind: UInt8, Sendable, CaseIterable {
    case request = 1
    case response = 2
    case item = 3
    case end = 4
    case error = 5
    case cancel = 6
    case window = 7
}

/// One frame, as `proto/README.md` draws it.
package struct Frame: Sendable, Equatable {
    package static let headerBytes = 16

    package var kind: FrameKind
    /// Upload items follow this request.
    package var hasMore: Bool
    package var operation: UInt16
    package var call: UInt32
    package var control: ByteBuffer
    package var data: ByteBuffer

    package init(
        kind: FrameKind,
        hasMore: Bool = false,
        operation: UInt16,
        call: UInt32,
        control: ByteBuffer = ByteBuffer(),
        data: ByteBuffer = ByteBuffer()
    ) {
        self.kind = kind
        self.hasMore = hasMore
        self.operation = operation
        self.call = call
        self.control = control
        self.data = data
    }

    /// Bytes behind the header.
    package var payloadBytes: Int {
        let control = control.readableBytes
        return data.readableBytes == 0
            ? control : Self.padded(control) + data.readableBytes
    }

    static func padded(_ count: Int) -> Int { (count + 7) & ~7 }
}

extension Frame {
    /// Appends the frame; the caller keeps the payload within `Limits.frameBytes`.
    package func encode(into buffer: inout ByteBuffer) {
        buffer.reserveCapacity(minimumWritableBytes: Self.headerBytes + payloadBytes)
        encodeHead(into: &buffer)
        buffer.writeImmutableBuffer(data)
    }

    /// Appends all that stands before the data.
    package func encodeHead(into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt32(payloadBytes), endianness: .little)
        buffer.writeInteger(kind.rawValue)
        buffer.writeInteger(UInt8(hasMore ? 1 : 0))
        buffer.writeInteger(operation, endianness: .little)
        buffer.writeInteger(call, endianness: .little)
        buffer.writeInteger(UInt32(control.readableBytes), endianness: .little)
        buffer.writeImmutableBuffer(control)
        guard data.readableBytes > 0 else { return }
        let padding = Self.padded(control.readableBytes) - control.readableBytes
        buffer.writeRepeatingByte(0, count: padding)
    }
}
