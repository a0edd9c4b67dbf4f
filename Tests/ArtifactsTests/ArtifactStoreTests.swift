import Artifacts
import Digest
import Domain
import Foundation
import Testing

/// A data directory that is removed with the test.
final class Fixture {
    let directory = NSTemporaryDirectory() + "alula-artifacts-\(UUID())"

    init() throws {
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func files() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: directory + "/artifacts")
            .filter { path in
                var isDirectory: ObjCBool = false
                let exists = FileManager.default.fileExists(
                    atPath: directory + "/artifacts/" + path,
                    isDirectory: &isDirectory
                )
                return exists && !isDirectory.boolValue
            }
    }
}

private func content(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
}

struct ArtifactStoreTests {
    let fixture: Fixture
    let store: ArtifactStore

    init() throws {
        fixture = try Fixture()
        store = try ArtifactStore(directory: fixture.directory + "/artifacts")
    }

    private func write(
        _ bytes: [UInt8],
        expecting: ContentDigest? = nil
    ) throws -> ArtifactWriter.Stored {
        let writer = try store.writer()
        for start in stride(from: 0, to: bytes.count, by: 1_000) {
            try writer.append(Array(bytes[start..<min(bytes.count, start + 1_000)]))
        }
        return try writer.finish(expecting: expecting)
    }

    @Test(arguments: [0, 1, 999, 1_000, 1_001, 70_000])
    func `what was written is read back under its digest`(count: Int) throws {
        let bytes = content(count)
        let digest = SHA256Hasher.digest(of: bytes)
        let stored = try write(bytes, expecting: digest)
        #expect(stored.digest == digest && stored.bytes == UInt64(count) && !stored.existed)
        #expect(try store.size(of: digest) == UInt64(count))
        var chunks: [[UInt8]] = []
        try store.read(digest, chunkBytes: 500) { chunks.append($0) }
        #expect(chunks.flatMap { $0 } == bytes)
        #expect(chunks.dropLast().allSatisfy { $0.count == 500 })
        let hex = digest.description
        #expect(try fixture.files() == [String(hex.prefix(2)) + "/" + hex.dropFirst(2)])
    }

    @Test func `the second writing of a content says that it existed`() throws {
        #expect(try write(content(10)).existed == false)
        #expect(try write(content(10)).existed)
        #expect(try fixture.files().count == 1)
    }

    @Test func `a wrong digest is refused and leaves nothing`() throws {
        let expected = SHA256Hasher.digest(of: content(5_000))
        let error = #expect(throws: AlulaError.self) {
            try write(content(4_999), expecting: expected)
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("4999 bytes") == true)
        #expect(try store.size(of: expected) == nil)
        #expect(try fixture.files().isEmpty)
    }

    @Test func `abandoned and dropped writers leave nothing, and are over`() throws {
        let writer = try store.writer()
        try writer.append([1])
        #expect(try fixture.files().count == 1)
        writer.abandon()
        #expect(throws: AlulaError.self) { try writer.append([2]) }
        #expect(throws: AlulaError.self) { try writer.finish() }
        try store.writer().append([3])
        #expect(try fixture.files().isEmpty)
    }

    @Test func `what a crash left in tmp is swept when the store opens`() throws {
        try Data([1]).write(to: URL(fileURLWithPath: fixture.directory + "/artifacts/tmp/left"))
        let kept = try write(content(3)).digest
        let again = try ArtifactStore(directory: fixture.directory + "/artifacts")
        #expect(try fixture.files().count == 1)
        #expect(try again.size(of: kept) == 3)
    }

    @Test func `a file that was cut short on disk is healed by writing it again`() throws {
        let digest = try write(content(100)).digest
        let path = try fixture.directory + "/artifacts/" + fixture.files()[0]
        try FileManager.default.removeItem(atPath: path)
        try Data(content(40)).write(to: URL(fileURLWithPath: path))
        #expect(try write(content(100)).existed == false)
        #expect(try store.size(of: digest) == 100)
    }

    @Test func `a named file is read-only`() throws {
        _ = try write(content(3))
        let path = try fixture.directory + "/artifacts/" + fixture.files()[0]
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o400)
    }

    @Test func `a missing artifact is not found`() {
        let error = #expect(throws: AlulaError.self) {
            try store.read(SHA256Hasher.digest(of: [9]), chunkBytes: 10) { _ in }
        }
        #expect(error?.code == .notFound)
    }

    @Test func `an error of the reader's body ends the reading`() throws {
        let digest = try write(content(100)).digest
        var calls = 0
        #expect(throws: AlulaError.invalid("enough")) {
            try store.read(digest, chunkBytes: 10) { _ in
                calls += 1
                throw AlulaError.invalid("enough")
            }
        }
        #expect(calls == 1)
    }

    @Test func `many writers of the same content end with one file`() async throws {
        let bytes = content(20_000)
        let store = store
        let digests = try await withThrowingTaskGroup(of: ContentDigest.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    let writer = try store.writer()
                    try writer.append(bytes)
                    return try writer.finish().digest
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(digests == [SHA256Hasher.digest(of: bytes)])
        #expect(try fixture.files().count == 1)
    }
}
