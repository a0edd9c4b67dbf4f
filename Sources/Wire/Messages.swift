package import Domain
package import NIOCore
package import SwiftProtobuf

/// Protobuf messages to and from the control section of a frame.
package enum Messages {
    package static func decode<M: Message>(
        _ type: M.Type,
        from control: ByteBuffer
    ) throws(AlulaError) -> M {
        try decode(type, from: Array(control.readableBytesView))
    }

    package static func decode<M: Message>(
        _ type: M.Type,
        from bytes: [UInt8]
    ) throws(AlulaError) -> M {
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = Limits.nesting
        do {
            return try M(serializedBytes: bytes, options: options)
        } catch BinaryDecodingError.messageDepthLimit {
            throw .invalid(
                "the control message has messages within messages more than \(Limits.nesting) deep"
            )
        } catch {
            throw .invalid("the control message is not a \(M.protoMessageName)")
        }
    }

    /// Throws where the message takes more than `limit` bytes.
    package static func encode(
        _ message: some Message,
        limit: Int = Limits.controlBytes
    ) throws(AlulaError) -> ByteBuffer {
        do {
            let bytes: [UInt8] = try message.serializedBytes()
            guard bytes.count <= limit else {
                throw AlulaError(
                    .resourceExhausted,
                    "a message of \(bytes.count) bytes is over the limit of \(limit)",
                    help: "ask for less at once (a limit, a filter)",
                    retry: .never
                )
            }
            return ByteBuffer(bytes: bytes)
        } catch let error as AlulaError {
            throw error
        } catch {
            throw .init(.internal, "a message could not be encoded")
        }
    }
}
