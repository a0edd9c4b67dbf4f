import COpenSSL
package import Domain

/// SHA-256 over bytes that arrive in pieces.
///
/// OpenSSL's EVP is used because the distribution patches it and it uses the processor's SHA
/// instructions. One owner at a time: it is not safe to share.
package final class SHA256Hasher {
    private let context: OpaquePointer

    package init() {
        guard let context = EVP_MD_CTX_new() else {
            fatalError("out of memory for a SHA-256 context")
        }
        self.context = context
        restart()
    }

    deinit { EVP_MD_CTX_free(context) }

    package func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    package func update(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBytes { update($0) }
    }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return }
        precondition(EVP_DigestUpdate(context, start, bytes.count) == 1, "SHA-256 update failed")
    }

    /// The digest of all that was added since the start or the last `finish`; the hasher is empty
    /// after it.
    package func finish() -> ContentDigest {
        var bytes = [UInt8](repeating: 0, count: 32)
        precondition(EVP_DigestFinal_ex(context, &bytes, nil) == 1, "SHA-256 could not be finished")
        restart()
        guard let digest = ContentDigest(bytes: bytes) else { fatalError("SHA-256 has 32 bytes") }
        return digest
    }

    package static func digest(of bytes: [UInt8]) -> ContentDigest {
        let hasher = SHA256Hasher()
        hasher.update(bytes)
        return hasher.finish()
    }

    private func restart() {
        precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "SHA-256 is not available")
    }
}
