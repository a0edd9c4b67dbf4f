import COpenSSL
package import Domain

/// Bytes that nobody can guess, for identifiers and secrets.
package enum RandomBytes {
    /// Throws where the system has no entropy to give.
    package static func make(_ count: Int) throws(AlulaError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&bytes, Int32(count)) == 1 else {
            throw AlulaError(.internal, "the system has no random bytes to give")
        }
        return bytes
    }
}
