import COpenSSL

/// HMAC-SHA-256 (RFC 2104): a hash that only who knows the secret can make, so that nobody finds what
/// was hashed by trying what it might be.
package enum KeyedHash {
    /// 32 bytes.
    package static func make(of bytes: [UInt8], secret: [UInt8]) -> [UInt8] {
        var hash = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        let made = HMAC(
            EVP_sha256(),
            secret,
            Int32(secret.count),
            bytes,
            bytes.count,
            &hash,
            &length
        )
        precondition(made != nil && length == 32, "HMAC-SHA-256 is not available")
        return hash
    }
}
