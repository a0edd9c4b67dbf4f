import Digest
package import Domain
import Glibc
import Synchronization

extension ArtifactStore {
    /// A file of the store.
    package struct Entry: Sendable, Hashable {
        package var digest: ContentDigest
        package var bytes: UInt64
        /// When it was named.
        package var modified: Timestamp
    }

    /// All content, in no order, and the paths of files that are none.
    package func entries() throws(AlulaError) -> (content: [Entry], strangers: [String]) {
        var content: [Entry] = []
        var strangers: [String] = []
        for directory in try Files.names(in: root) where directory != "tmp" {
            let path = root + "/" + directory
            guard directory.utf8.count == 2, try Files.isDirectory(path) else {
                strangers.append(path)
                continue
            }
            for name in try Files.names(in: path) {
                guard let digest = try? ContentDigest(hex: directory + name),  // no other reason
                    let status = try Files.status(path + "/" + name)
                else {
                    strangers.append(path + "/" + name)
                    continue
                }
                content.append(
                    Entry(digest: digest, bytes: status.bytes, modified: status.modified)
                )
            }
        }
        return (content, strangers)
    }

    /// Whether the content on disk has its digest; nil where it is not here.
    ///
    /// `isCancelled` is asked between pieces; throws `cancelled`.
    package func isIntact(
        _ digest: ContentDigest,
        isCancelled: () -> Bool
    ) throws -> Bool? {
        guard try size(of: digest) != nil else { return nil }
        let hasher = SHA256Hasher()
        try read(digest, chunkBytes: 1 << 20) { chunk in
            guard !isCancelled() else { throw AlulaError(.cancelled, "the call was cancelled") }
            hasher.update(chunk)
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

    /// Takes content out of the store, durably; content that is gone already is as good.
    ///
    /// Throws `unavailable` while somebody needs all of it.
    package func remove(_ digest: ContentDigest) throws(AlulaError) {
        try holds.withLock { holds throws(AlulaError) in
            guard holds == 0 else {
                throw AlulaError(
                    .unavailable,
                    "artifacts are kept while a backup is made: this is done when it has ended"
                )
            }
            try removeFile(of: digest)
        }
    }

    private func removeFile(of digest: ContentDigest) throws(AlulaError) {
        let place = place(of: digest)
        guard try Files.size(place.directory + "/" + place.name) != nil else { return }
        try Files.remove(place.directory + "/" + place.name)
        try Files.syncDirectory(place.directory)
    }
}
