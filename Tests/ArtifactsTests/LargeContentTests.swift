import Digest
import Domain
import Foundation
import Testing

@testable import Artifacts

/// Bytes without a pattern, the same for the same seed.
private func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    var bytes = [UInt8](repeating: 0, count: count)
    bytes.withUnsafeMutableBytes { raw in
        for index in stride(from: 0, to: count & ~7, by: 8) {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            raw.storeBytes(of: state ^ (state >> 29), toByteOffset: index, as: UInt64.self)
        }
    }
    return bytes
}

struct LargeContentTests {
    let fixture: Fixture
    let store: ArtifactStore
    private let part = Limits.artifactPartBytes

    init() throws {
        fixture = try Fixture()
        store = try ArtifactStore(directory: fixture.directory + "/artifacts")
    }

    private func put(
        _ bytes: [UInt8],
        into store: ArtifactStore? = nil,
        piece: Int = 1 << 19
    ) throws -> ArtifactWriter.Stored {
        var position = 0
        let writer = try LargeWriter(store ?? self.store, bytes: UInt64(bytes.count))
        return try writer.write(expecting: SHA256Hasher.digest(of: bytes)) {
            guard position < bytes.count else { return nil }
            defer { position = min(bytes.count, position + piece) }
            return Array(bytes[position..<min(bytes.count, position + piece)])
        }
    }

    private func send(_ part: UInt32, _ bytes: [UInt8], _ upload: Upload) throws {
        try Self.send(part, bytes, upload, to: store)
    }

    private static func send(
        _ part: UInt32,
        _ bytes: [UInt8],
        _ upload: Upload,
        to store: ArtifactStore
    ) throws {
        let start = Int(part) * Limits.artifactPartBytes
        var piece: ArraySlice<UInt8>? = bytes[start..<start + upload.bytes(of: part)]
        try store.putPart(part, of: upload) {
            defer { piece = nil }
            return piece
        }
    }

    private func read(
        _ digest: ContentDigest,
        from: UInt64 = 0,
        length: UInt64 = .max
    ) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try store.read(digest, from: from, length: length, chunkBytes: 700_001) { bytes += $0 }
        return bytes
    }

    private func chunkFiles() throws -> [String] {
        try fixture.files().filter { $0.hasPrefix("chunks/") }
    }

    @Test
    func `cuts do not depend on how bytes come`() {
        let bytes = noise(40 << 20, seed: 7)
        func cuts(_ piece: Int) -> [Int] {
            var chunker = Chunker()
            var cuts: [Int] = []
            var position = 0
            while position < bytes.count {
                let end = min(bytes.count, position + piece)
                let (count, ends) = bytes[position..<end].withUnsafeBytes { chunker.take($0) }
                position += count
                if ends { cuts.append(position) }
            }
            return cuts
        }
        let whole = cuts(bytes.count)
        #expect(whole == cuts(999_983))
        #expect(whole == cuts(1 << 16))
        // Too short to be looked at in several places at once.
        #expect(whole == cuts(8_191))
        let lengths = zip(whole, [0] + whole).map { $0 - $1 }
        #expect(lengths.allSatisfy { $0 >= Chunker.least && $0 <= Chunker.most })
    }

    @Test
    func `bytes without a place to cut are cut at the most`() {
        var chunker = Chunker()
        let zeros = [UInt8](repeating: 0, count: 20 << 20)
        let (count, ends) = zeros.withUnsafeBytes { chunker.take($0) }
        #expect(ends && count == Chunker.most)
    }

    @Test
    func `large content is read back, whole and in pieces`() throws {
        let bytes = noise(part + (5 << 20) + 3, seed: 1)
        let stored = try put(bytes)
        #expect(
            stored
                == .init(
                    digest: SHA256Hasher.digest(of: bytes),
                    bytes: UInt64(bytes.count),
                    existed: false
                )
        )
        #expect(try store.size(of: stored.digest) == UInt64(bytes.count))
        #expect(try read(stored.digest) == bytes)
        let from = UInt64(part - 100)
        #expect(
            try read(stored.digest, from: from, length: 3_000_000)
                == Array(bytes[(part - 100)...].prefix(3_000_000))
        )
        #expect(try read(stored.digest, from: UInt64(bytes.count)).isEmpty)
        #expect(try store.isIntact(stored.digest) { false } == true)
        #expect(try put(bytes).existed)
        #expect(
            try fixture.files().filter { $0.hasPrefix("tmp") || $0.hasPrefix("uploads") }.isEmpty
        )
        // Another start knows it too.
        let again = try ArtifactStore(directory: fixture.directory + "/artifacts")
        #expect(try again.size(of: stored.digest) == UInt64(bytes.count))
    }

    @Test
    func `two that differ by little share the rest`() throws {
        let first = noise(part + (16 << 20), seed: 2)
        _ = try put(first)
        let before = try chunkFiles().count
        var second = first
        second[30 << 20] ^= 1
        second.insert(contentsOf: [1, 2, 3], at: part + (1 << 20))
        let stored = try put(second)
        let added = try chunkFiles().count - before
        #expect(added <= 6, "\(added) chunks of \(before) are new")
        #expect(try read(stored.digest) == second)
    }

    @Test
    func `content that is not what was announced leaves nothing but garbage`() throws {
        let bytes = noise(part + 10, seed: 3)
        let writer = try LargeWriter(store, bytes: UInt64(bytes.count))
        var sent = false
        let wrong = SHA256Hasher.digest(of: [1])
        #expect(throws: AlulaError.self) {
            try writer.write(expecting: wrong) {
                defer { sent = true }
                return sent ? nil : bytes
            }
        }
        #expect(try store.size(of: wrong) == nil)
        #expect(try store.entries().content.isEmpty)
        let garbage = try collect(after: 0)
        #expect(garbage.chunks > 0 && garbage.bytes == UInt64(bytes.count))
        #expect(try fixture.files().isEmpty)
    }

    @Test
    func `parts come in any order, and stay when the server is lost`() throws {
        let bytes = noise(2 * part + 77, seed: 4)
        let digest = SHA256Hasher.digest(of: bytes)
        let upload = try store.beginUpload(bytes: UInt64(bytes.count))
        #expect(upload.parts == 3)
        try send(2, bytes, upload)
        try send(0, bytes, upload)
        #expect(throws: AlulaError.self) { try store.finish(upload, expecting: digest) }
        let again = try ArtifactStore(directory: fixture.directory + "/artifacts")
        let found = try #require(try again.upload(upload.id))
        #expect(try again.resumed(found).held == [0, 2])
        var asked = false
        try again.putPart(0, of: found) {
            asked = true
            return nil
        }
        #expect(!asked, "a part that is here is not asked for")
        var piece: ArraySlice<UInt8>? = bytes[part..<2 * part]
        try again.putPart(1, of: found) {
            defer { piece = nil }
            return piece
        }
        #expect(try again.finish(found, expecting: digest).digest == digest)
        #expect(try read(digest) == bytes)
        #expect(try again.upload(upload.id) == nil)
    }

    @Test
    func `parts at once make one whole`() async throws {
        let bytes = noise(3 * part + 5, seed: 5)
        let upload = try store.beginUpload(bytes: UInt64(bytes.count))
        let store = store
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<upload.parts {
                group.addTask { try Self.send(part, bytes, upload, to: store) }
            }
            try await group.waitForAll()
        }
        let stored = try store.finish(upload, expecting: SHA256Hasher.digest(of: bytes))
        #expect(try store.isIntact(stored.digest) { false } == true)
    }

    @Test
    func `a part cut short is refused and may come again`() throws {
        let bytes = noise(part + 9, seed: 6)
        let upload = try store.beginUpload(bytes: UInt64(bytes.count))
        var piece: ArraySlice<UInt8>? = bytes[0..<100]
        #expect(throws: AlulaError.self) {
            try store.putPart(0, of: upload) {
                defer { piece = nil }
                return piece
            }
        }
        #expect(throws: AlulaError.self) { try store.putPart(2, of: upload) { nil } }
        try send(0, bytes, upload)
        try send(1, bytes, upload)
        #expect(
            try store.finish(upload, expecting: SHA256Hasher.digest(of: bytes)).existed == false
        )
    }

    @Test
    func `garbage is what nothing names and nobody touched`() throws {
        let (kept, gone) = (noise(part + 1, seed: 8), noise(part + 2, seed: 9))
        let small = noise(100, seed: 10)
        let (keptDigest, goneDigest) = (try put(kept).digest, try put(gone).digest)
        let smallDigest = try put(small).digest
        let upload = try store.beginUpload(bytes: UInt64(part + 3))
        try send(0, noise(part + 3, seed: 11), upload)
        #expect(try collect(after: 3_600, keeping: [keptDigest]).artifacts.isEmpty, "all is young")
        let planned = try collect(after: 0, keeping: [keptDigest], dryRun: true)
        #expect(Set(planned.artifacts.map(\.digest)) == [goneDigest, smallDigest])
        #expect(planned.uploads == 1)
        #expect(try store.size(of: goneDigest) != nil, "a dry run removes nothing")
        let collected = try collect(after: 0, keeping: [keptDigest])
        #expect(collected == planned)
        #expect(try store.size(of: goneDigest) == nil)
        #expect(try store.upload(upload.id) == nil)
        #expect(try read(keptDigest) == kept)
        let live = try #require(try store.chunkList(of: keptDigest))
        #expect(try chunkFiles().count == Set(live.chunks).count)
    }

    @Test
    func `what was held since stays`() throws {
        let digest = try put(noise(10, seed: 12)).digest
        let path = fixture.directory + "/artifacts/" + (try #require(try fixture.files().first))
        func age() throws {
            let hours = Date(timeIntervalSinceNow: -7_200)
            try FileManager.default.setAttributes([.modificationDate: hours], ofItemAtPath: path)
        }
        try age()
        #expect(try store.hold(digest) == 10)
        #expect(try collect(after: 3_600).artifacts.isEmpty)
        try age()
        #expect(try put(noise(10, seed: 12)).existed)
        #expect(try collect(after: 3_600).artifacts.isEmpty)
        try age()
        #expect(try collect(after: 3_600, dryRun: true).artifacts.count == 1)
        #expect(try store.size(of: digest) == 10)
    }

    @Test
    func `a damaged chunk is found`() throws {
        let bytes = noise(part + 1, seed: 13)
        let digest = try put(bytes).digest
        let path = fixture.directory + "/artifacts/" + (try #require(try chunkFiles().first))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seek(toOffset: 0)
        try handle.write(contentsOf: Data(repeating: 0xEE, count: 64))
        try handle.close()
        #expect(try store.isIntact(digest) { false } == false)
        try FileManager.default.removeItem(atPath: path)
        #expect(try store.isIntact(digest) { false } == false)
    }

    @Test
    func `a damaged list is none`() {
        let list = ChunkList([Chunk(digest: SHA256Hasher.digest(of: [1]), bytes: 1)])
        #expect(ChunkList(encoded: list.encoded) == list)
        for index in list.encoded.indices {
            var changed = list.encoded
            changed[index] ^= 0x10
            #expect(ChunkList(encoded: changed) == nil)
            #expect(ChunkList(encoded: Array(list.encoded[..<index])) == nil)
        }
    }

    private func collect(
        after age: Int64,
        keeping named: Set<ContentDigest> = [],
        dryRun: Bool = false
    ) throws -> ArtifactGarbage {
        // So that what is made now is old enough where the age is none.
        let now = Int64(Date().timeIntervalSince1970 * 1_000_000) + 10_000_000
        return try store.collect(
            keeping: named,
            untouchedSince: Timestamp(microseconds: now - age * 1_000_000),
            dryRun: dryRun
        )
    }
}
