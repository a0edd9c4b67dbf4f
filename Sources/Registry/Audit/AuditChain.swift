import Digest
package import Domain

/// The secret that the hashes of the audit log are made with.
package struct AuditKey: Sendable, Hashable {
    let secret: [UInt8]

    /// Takes 32 bytes that nobody can guess.
    package init(secret: [UInt8]) throws(AlulaError) {
        guard secret.count == Self.bytes else {
            throw .invalid("an audit key has \(Self.bytes) bytes, not \(secret.count)")
        }
        self.secret = secret
    }

    package static let bytes = 32

    /// What is kept of it, so that another key is noticed.
    var fingerprint: [UInt8] {
        KeyedHash.make(of: Array("alula audit key".utf8), secret: secret)
    }
}

/// The newest entry of the audit log.
package struct AuditHead: Sendable, Hashable, CustomStringConvertible {
    /// 0 where there is none.
    package var number: UInt64
    /// 32 bytes; zeros where there is no entry.
    package var hash: [UInt8]

    package init(number: UInt64, hash: [UInt8]) {
        self.number = number
        self.hash = hash
    }

    package static let empty = AuditHead(number: 0, hash: [UInt8](repeating: 0, count: 32))

    /// Reads `NUMBER:HASH`, as `description` writes it.
    package init(text: String) throws(AlulaError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = UInt64(parts[0]) else {
            throw .invalid("a head is NUMBER:HASH, as alula audit verify shows it")
        }
        self.init(number: number, hash: try ContentDigest(hex: String(parts[1])).bytes)
    }

    package var description: String { "\(number):\(hexadecimal(hash))" }

    /// 40 bytes: the number, least byte first, then the hash.
    package var stored: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } + hash
    }

    /// Nil where there are not 40 bytes.
    package init?(stored bytes: [UInt8]) {
        guard bytes.count == 40 else { return nil }
        number = bytes[..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        hash = Array(bytes[8...])
    }
}

/// How an entry holds on to the one before it.
///
/// Its hash is an HMAC-SHA-256 over:
///
/// ```
/// "alula audit 1" | number i64 | time i64 | verified u8
/// | actor, project, act, object, detail, before, after, verdict, request id, each: u32 length, bytes
/// | the hash of the entry before, 32 bytes (zeros before the first)
/// ```
/// Numbers are little-endian.
enum AuditChain {
    static func hash(of entry: AuditEntry, after previous: [UInt8], key: AuditKey) -> [UInt8] {
        var bytes = Array("alula audit 1".utf8)
        append(entry.number, to: &bytes)
        append(UInt64(bitPattern: entry.time.microseconds), to: &bytes)
        bytes.append(entry.isVerified ? 1 : 0)
        let texts = [
            entry.actor, entry.project, entry.act, entry.object, entry.detail, entry.before,
            entry.after, entry.verdict,
        ]
        for text in texts { append(Array(text.utf8), to: &bytes) }
        append(entry.requestID, to: &bytes)
        bytes += previous
        return KeyedHash.make(of: bytes, secret: key.secret)
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * shift))) }
    }

    private static func append(_ part: [UInt8], to bytes: inout [UInt8]) {
        let count = UInt32(part.count)
        for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: count >> (8 * shift))) }
        bytes += part
    }
}
