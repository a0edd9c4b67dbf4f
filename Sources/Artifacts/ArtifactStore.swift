import Disk
package import Domain
import Synchronization

/// Files named by the SHA-256 of their content, read-only once named.
///
/// ```
/// artifacts/ab/cdef…          the content whose digest is abcdef…
/// artifacts/ab/cdef….chunks   or, where it is large, the list of its chunks
/// artifacts/chunks/abcdef…    a chunk of one or more of them, by its own digest
/// artifacts/uploads/0f…/7     the list of the chunks of a part that has come, of an upload
/// artifacts/tmp/…             what is being written; swept when the store opens
/// ```
/// No text of a client ever becomes a path: names are made of digests and of numbers drawn here.
/// Every call blocks.
package final class ArtifactStore: Sendable {
    let root: String
    let temporary: String
    let chunks: String
    let uploads: String
    let naming: Naming
    /// What is known of uploads that are under way.
    let hashes = Mutex<[String: UploadState]>([:])
    /// Who needs that nothing is removed.
    let holds = Mutex(0)

    /// Opens the store in a directory of its own, which is made where it is missing.
    ///
    /// One server has it, so whatever lies in `tmp` was left by a crash and is removed, and the names
    /// that it gave are put on disk before anybody is told that they are there.
    package init(
        directory: String,
        health: StorageHealth = StorageHealth()
    ) throws(AlulaError) {
        root = directory
        temporary = root + "/tmp"
        chunks = root + "/chunks"
        uploads = root + "/uploads"
        for path in [root, temporary, chunks, uploads] { try Files.makeDirectory(path) }
        for name in try Files.names(in: temporary) { try Files.remove(temporary + "/" + name) }
        let directories = try Files.names(in: root).filter { $0.count == 2 }
            .map { [root] in root + "/" + $0 }
        for directory in directories { try Files.syncDirectory(directory) }
        try Files.syncDirectory(chunks)
        try Files.syncDirectory(root)
        try Files.syncDirectory(root + "/..")
        naming = Naming(health: health, directories: directories)
    }

    /// Bytes of this content; nil where it is not here.
    package func size(of digest: ContentDigest) throws(AlulaError) -> UInt64? {
        let path = place(of: digest).path
        if let size = try Files.size(path) { return size }
        guard let file = try File.open(path + Self.listEnding) else { return nil }
        return ChunkList.total(head: try file.read(upTo: ChunkList.headBytes))
    }

    /// Bytes of this content; nil where it is not here.
    ///
    /// From now on it is young for whoever collects garbage.
    package func hold(_ digest: ContentDigest) throws(AlulaError) -> UInt64? {
        guard let size = try size(of: digest) else { return nil }
        if try naming.hold(place(of: digest), bytes: nil) { return size }
        return try naming.hold(place(ofListOf: digest), bytes: nil) ? size : nil
    }

    /// Begins new content; it has no name until `finish`.
    package func writer() throws(AlulaError) -> ArtifactWriter {
        try ArtifactWriter(temporary: temporaryPath(), naming: naming) { self.place(of: $0) }
    }

    func temporaryPath() -> String {
        temporary + "/" + String(UInt64.random(in: .min ... .max), radix: 16)
    }

    static let listEnding = ".chunks"

    func place(of digest: ContentDigest) -> ArtifactPlace { ArtifactPlace(root, digest) }

    func place(ofChunk digest: ContentDigest) -> ArtifactPlace {
        ArtifactPlace(chunk: digest, in: chunks)
    }

    func place(ofListOf digest: ContentDigest) -> ArtifactPlace {
        ArtifactPlace(root, digest, ending: Self.listEnding)
    }
}

/// Where content of one digest belongs.
struct ArtifactPlace: Sendable {
    let root: String
    let directory: String
    let path: String

    init(_ root: String, _ digest: ContentDigest, ending: String = "") {
        let digits = digest.description
        self.root = root
        directory = root + "/" + digits.prefix(2)
        path = directory + "/" + digits.dropFirst(2) + ending
    }

    /// Chunks are all in one directory, so that those that come together are named by one sync.
    init(chunk digest: ContentDigest, in root: String) {
        self.root = root
        directory = root
        path = root + "/" + digest.description
    }
}
