import Digest
import Domain

/// A piece of large content, kept once under its own digest.
struct Chunk: Sendable, Hashable {
    var digest: ContentDigest
    var bytes: Int
}

/// The chunks that make up large content, or a part of it, in their order.
///
/// ```
/// "alulachk" | u64 bytes in all | u32 chunks | chunks x (32 digest | u32 bytes) | 32 SHA-256 of it all
/// ```
/// Integers are little-endian.
struct ChunkList: Sendable, Hashable {
    var chunks: [Chunk]

    var bytes: UInt64 { chunks.reduce(0) { $0 + UInt64($1.bytes) } }

    private static let mark = Array("alulachk".utf8)
    static let headBytes = 20

    var encoded: [UInt8] {
        var encoded = Self.mark
        encoded += Self.integer(bytes, 8)
        encoded += Self.integer(UInt64(chunks.count), 4)
        for chunk in chunks {
            encoded += chunk.digest.bytes
            encoded += Self.integer(UInt64(chunk.bytes), 4)
        }
        return encoded + SHA256Hasher.digest(of: encoded).bytes
    }

    init(_ chunks: [Chunk]) { self.chunks = chunks }

    /// Nil where the bytes are not a list, whole and undamaged.
    init?(encoded: [UInt8]) {
        guard let total = Self.total(head: encoded), encoded.count >= Self.headBytes + 32,
            (encoded.count - Self.headBytes - 32) % 36 == 0
        else { return nil }
        let end = encoded.count - 32
        guard SHA256Hasher.digest(of: Array(encoded[..<end])).bytes == Array(encoded[end...]) else {
            return nil
        }
        var chunks: [Chunk] = []
        for start in stride(from: Self.headBytes, to: end, by: 36) {
            guard let digest = ContentDigest(bytes: Array(encoded[start..<start + 32])) else {
                return nil
            }
            chunks.append(
                Chunk(digest: digest, bytes: Int(Self.integer(encoded[start + 32..<start + 36])))
            )
        }
        self.chunks = chunks
        guard bytes == total, UInt64(chunks.count) == Self.integer(encoded[16..<20]) else {
            return nil
        }
    }

    /// Bytes in all, by the first bytes of a list; nil where they are none.
    static func total(head: [UInt8]) -> UInt64? {
        guard head.count >= headBytes, head.starts(with: mark) else { return nil }
        return integer(head[8..<16])
    }

    private static func integer(_ value: UInt64, _ bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
