import Domain
import NIOCore
import Wire

/// The small messages of a call that are not its answer.
enum Failures {
    static func decode(_ control: ArraySlice<UInt8>) throws(AlulaError) -> AlulaError {
        AlulaError(wire: try Messages.decode(WireFailure.self, from: ByteBuffer(bytes: control)))
    }

    /// A frame that grants so many bytes more.
    static func window(
        bytes: Int,
        operation: Operation,
        call: UInt32
    ) throws(AlulaError) -> [UInt8] {
        var window = WireWindow()
        window.bytes = UInt32(bytes)
        let frame = Frame(
            kind: .window,
            operation: operation.rawValue,
            call: call,
            control: try Messages.encode(window)
        )
        var buffer = ByteBuffer()
        frame.encode(into: &buffer)
        return Array(buffer.readableBytesView)
    }
}
