import Digest
import Disk
package import Domain
import Synchronization

extension ArtifactStore {
    /// Content of the store.
    package struct Entry: Sendable, Hashable {
        package var digest: ContentDigest
        package var bytes: UInt64
        /// When it was named, or last counted on.
        package var modified: Timestamp
        /// Whether it is kept in chunks.
        package var isList: Bool
    }

    /// All content, in no order, and the paths of files that are none.
    package func entries() throws(AlulaError) -> (content: [Entry], strangers: [String]) {
        var content: [Entry] = []
        var strangers: [String] = []
        for directory in try Files.names(in: root)
        where !["tmp", "chunks", "uploads"].contains(directory) {
            let path = root + "/" + directory
            guard directory.utf8.count == 2, try Files.isDirectory(path) else {
                strangers.append(path)
                continue
            }
            for name in try Files.names(in: path) {
                if let entry = try entry(directory, name) {
                    content.append(entry)
                } else if try Files.exists(path + "/" + name) {
                    strangers.append(path + "/" + name)
                }
            }
        }
        return (content, strangers)
    }

    private func entry(_ directory: String, _ name: String) throws(AlulaError) -> Entry? {
        let path = root + "/" + directory + "/" + name
        let isList = name.hasSuffix(Self.listEnding)
        let digits = isList ? String(name.dropLast(Self.listEnding.count)) : name
        guard let digest = try? ContentDigest(hex: directory + digits),  // no other reason
            let status = try Files.status(path)
        else { return nil }
        let bytes = isList ? try size(of: digest) ?? 0 : status.bytes
        return Entry(digest: digest, bytes: bytes, modified: status.modified, isList: isList)
    }

    /// Whether the content on disk has its digest; nil where it is not here.
    ///
    /// `isCancelled` is asked between pieces; throws `cancelled`. Large content of which a chunk is
    /// missing or cut short is not intact.
    package func isIntact(
        _ digest: ContentDigest,
        isCancelled: () -> Bool
    ) throws -> Bool? {
        guard try size(of: digest) != nil else { return nil }
        let hasher = SHA256Hasher()
        do {
            try read(digest, chunkBytes: 1 << 20) { chunk in
                guard !isCancelled() else { throw AlulaError(.cancelled, "the call was cancelled") }
                hasher.update(chunk)
            }
        } catch let error as AlulaError where error.code == .dataLoss {
            return false
        }
        return hasher.finish() == digest
    }

    /// Runs the body while nothing is taken out of the store.
    package func keepingAll<T>(
        _ body: () throws(AlulaError) -> T
    ) throws(AlulaError) -> T {
        holds.withLock { $0 += 1 }
        defer { holds.withLock { $0 -= 1 } }
        return try body()
    }

    /// Runs the body unless somebody needs that nothing is taken out: then throws `unavailable`.
    func removing<T>(_ body: () throws(AlulaError) -> T) throws(AlulaError) -> T {
        try holds.withLock { holds throws(AlulaError) in
            guard holds == 0 else {
                throw AlulaError(
                    .unavailable,
                    "artifacts are kept while a backup is made: this is done when it has ended"
                )
            }
            return try body()
        }
    }

    /// Takes content out of the store, durably; content that is gone already is as good.
    ///
    /// The chunks of large content are garbage from then on. Throws `unavailable` while somebody
    /// needs all of it.
    package func remove(_ digest: ContentDigest) throws(AlulaError) {
        try removing { () throws(AlulaError) in
            for place in [place(of: digest), place(ofListOf: digest)]
            where try Files.exists(place.path) {
                try Files.remove(place.path)
                try Files.syncDirectory(place.directory)
            }
        }
    }

    /// What makes up all content: paths within the store, with the digest of those that are named by
    /// their own.
    package func files() throws(AlulaError) -> [(path: String, digest: ContentDigest?)] {
        var files: [(path: String, digest: ContentDigest?)] = []
        var used: Set<ContentDigest> = []
        for entry in try entries().content {
            let place = entry.isList ? place(ofListOf: entry.digest) : place(of: entry.digest)
            files.append((relative(place), entry.isList ? nil : entry.digest))
            guard entry.isList else { continue }
            let list = try chunkList(at: place.path, of: entry.digest)
            for chunk in list?.chunks ?? [] where used.insert(chunk.digest).inserted {
                files.append((relative(self.place(ofChunk: chunk.digest)), chunk.digest))
            }
        }
        return files
    }

    private func relative(_ place: ArtifactPlace) -> String {
        String(place.path.dropFirst(root.count + 1))
    }
}
