package import Domain
package import NIOCore

/// The eight bytes that open a connection in each direction.
package enum Preface {
    package static let bytes = 8
    package static let version: UInt8 = 1
    private static let magic: [UInt8] = Array("ALUL".utf8)

    /// What a client sends first.
    package static func client(lowest: UInt8 = version, highest: UInt8 = version) -> ByteBuffer {
        ByteBuffer(bytes: magic + [lowest, highest, 0, 0])
    }

    /// What the server answers; version 0 means that there is none in common.
    package static func server(chosen: UInt8) -> ByteBuffer {
        ByteBuffer(bytes: magic + [chosen, 0, 0, 0])
    }

    /// Takes a client's preface off the buffer: nil until all of it is there; 0 where no version is shared.
    package static func takeClient(from buffer: inout ByteBuffer) throws(AlulaError) -> UInt8? {
        let stranger = AlulaError.invalid(
            "this is not an Alula client: the preface ALUL was expected"
        )
        guard let raw = try take(from: &buffer, else: stranger) else { return nil }
        return raw[4] <= version && version <= raw[5] ? version : 0
    }

    /// Takes the server's preface off the buffer: nil until all of it is there.
    package static func takeServer(from buffer: inout ByteBuffer) throws(AlulaError) -> UInt8? {
        let stranger = AlulaError(
            .dataLoss,
            "what listens there does not speak Alula's protocol",
            help:
                "look at the port (7461 is the usual one, 7462 that of HTTP), and whether it is TLS: "
                + "alulas://"
        )
        guard let raw = try take(from: &buffer, else: stranger) else { return nil }
        guard raw[4] == version else {
            throw .init(
                .unimplemented,
                "the server speaks no protocol version that this client does",
                help: "use a client and a server of the same release"
            )
        }
        return raw[4]
    }

    private static func take(
        from buffer: inout ByteBuffer,
        else stranger: @autoclosure () -> AlulaError
    ) throws(AlulaError) -> [UInt8]? {
        // The magic is checked on the first bytes, so that a stray HTTP client is told at once.
        let seen =
            buffer.getBytes(at: buffer.readerIndex, length: min(4, buffer.readableBytes)) ?? []
        guard magic.starts(with: seen) else { throw stranger() }
        return buffer.readBytes(length: bytes)
    }
}
