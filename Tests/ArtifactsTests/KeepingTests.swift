import Artifacts
import Digest
import Domain
import Foundation
import Testing

struct KeepingTests {
    let fixture: Fixture
    let store: ArtifactStore

    init() throws {
        fixture = try Fixture()
        store = try ArtifactStore(directory: fixture.directory + "/artifacts")
    }

    private func write(_ bytes: [UInt8]) throws -> ContentDigest {
        let writer = try store.writer()
        try writer.append(bytes)
        return try writer.finish().digest
    }

    private func path(_ digest: ContentDigest) -> String {
        let hex = digest.description
        return fixture.directory + "/artifacts/\(hex.prefix(2))/\(hex.dropFirst(2))"
    }

    @Test func `entries are all content with its size, and strangers by their paths`() throws {
        let digests = [try write([]), try write([1, 2, 3])]
        let stray = fixture.directory + "/artifacts/\(digests[0].description.prefix(2))/notes.txt"
        try Data([1]).write(to: URL(fileURLWithPath: stray))
        let (content, strangers) = try store.entries()
        #expect(Set(content.map(\.digest)) == Set(digests))
        #expect(content.first { $0.digest == digests[1] }?.bytes == 3)
        #expect(strangers == [stray])
    }

    @Test func `content with one bit turned is not intact`() throws {
        let digest = try write([UInt8](repeating: 7, count: 3_000_000))
        #expect(try store.isIntact(digest) { false } == true)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o600],
            ofItemAtPath: path(digest)
        )
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path(digest)))
        try handle.seek(toOffset: 2_999_999)
        try handle.write(contentsOf: Data([6]))
        try handle.close()
        #expect(try store.isIntact(digest) { false } == false)
        #expect(throws: AlulaError.self) { try store.isIntact(digest) { true } }
        #expect(try store.isIntact(SHA256Hasher.digest(of: [9])) { false } == nil)
    }

    @Test func `removed content is gone from the disk, and removing it again is as good`() throws {
        let digest = try write([1, 2, 3])
        try store.remove(digest)
        #expect(try store.size(of: digest) == nil)
        #expect(!FileManager.default.fileExists(atPath: path(digest)))
        try store.remove(digest)
        #expect(try write([1, 2, 3]) == digest)
        #expect(try store.isIntact(digest) { false } == true)
    }
}
