import Digest
import Domain
import Testing

struct SHA256HasherTests {
    /// FIPS 180-4 examples, and the empty text.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `known digests`(text: String, expected: String) {
        #expect(SHA256Hasher.digest(of: Array(text.utf8)).description == expected)
    }

    @Test func `the pieces do not matter`() {
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let whole = SHA256Hasher.digest(of: bytes)
        for size in [1, 7, 63, 64, 65, 4_096] {
            let hasher = SHA256Hasher()
            for start in stride(from: 0, to: bytes.count, by: size) {
                hasher.update(bytes[start..<min(bytes.count, start + size)])
            }
            #expect(hasher.finish() == whole, "pieces of \(size)")
        }
    }

    @Test func `a finished hasher starts again from nothing`() {
        let hasher = SHA256Hasher()
        hasher.update([1, 2, 3])
        _ = hasher.finish()
        #expect(hasher.finish() == SHA256Hasher.digest(of: []))
    }

    @Test func `random bytes differ from draw to draw`() throws {
        let draws = try (0..<100).map { _ in try RandomBytes.make(16) }
        #expect(Set(draws).count == 100)
        #expect(draws.allSatisfy { $0.count == 16 })
    }
}
