/// The secret of a token: 256 random bits, written `alula_` and 64 hexadecimal digits.
///
/// The prefix lets scanners find one that was committed or logged by mistake.
package struct TokenSecret: Sendable {
    package static let prefix = "alula_"
    package static let byteCount = 32

    /// Exactly 32 bytes, never kept by a server.
    package let bytes: [UInt8]

    /// Nil where there are not 32 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// Nil where the text is not a token, which tells nobody what a token looks like.
    package init?(text: String) {
        guard text.hasPrefix(Self.prefix),
            let digest = try? ContentDigest(
                hex: String(text.dropFirst(Self.prefix.count))
            )
        else { return nil }
        bytes = digest.bytes
    }

    /// What its holder keeps; shown once.
    package var text: String { Self.prefix + hexadecimal(bytes) }
}
