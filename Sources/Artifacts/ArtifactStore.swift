package import Domain
import Glibc
import Synchronization

/// Files named by the SHA-256 of their content, read-only once named.
///
/// ```
/// artifacts/ab/cdef…   the content whose digest is abcdef…
/// artifacts/tmp/…      what is being written; swept when the store opens
/// ```
/// No text of a client ever becomes a path: names are made of digests only. Every call blocks.
package final class ArtifactStore: Sendable {
    let root: String
    private let temporary: String
    /// Who needs that nothing is removed.
    let holds = Mutex(0)
    private let naming: Naming

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
        naming = Naming(health: health)
        try Files.makeDirectory(root)
        try Files.makeDirectory(temporary)
        for name in try Files.names(in: temporary) { try Files.remove(temporary + "/" + name) }
        for name in try Files.names(in: root) where name.count == 2 {
            try Files.syncDirectory(root + "/" + name)
        }
        try Files.syncDirectory(root)
        try Files.syncDirectory(root + "/..")
    }

    /// Bytes of this content; nil where it is not here.
    package func size(of digest: ContentDigest) throws(AlulaError) -> UInt64? {
        try Files.size(path(of: digest))
    }

    /// As `size`, of content that is on disk with its name: whoever is told of it may count on it.
    package func durableSize(of digest: ContentDigest) throws(AlulaError) -> UInt64? {
        try naming.inTurn { () throws(AlulaError) in try size(of: digest) }
    }

    /// The first bytes of this content, as the disk gives them; none where it is not here.
    package func firstBytes(of digest: ContentDigest, _ count: Int) throws(AlulaError) -> [UInt8] {
        guard let file = try File.open(path(of: digest)) else { return [] }
        return try file.read(upTo: count)
    }

    /// Begins new content; it has no name until `finish`.
    package func writer() throws(AlulaError) -> ArtifactWriter {
        let name = String(UInt64.random(in: .min ... .max), radix: 16)
        return try ArtifactWriter(temporary: temporary + "/" + name, naming: naming) {
            self.place(of: $0)
        }
    }

    /// Hands the content to `body` in order, in chunks of `chunkBytes`, the last one shorter.
    ///
    /// Throws `notFound` where it is not here. The bytes are as the disk gave them: whoever needs
    /// to be sure compares their hash.
    package func read(
        _ digest: ContentDigest,
        chunkBytes: Int,
        body: ([UInt8]) throws -> Void
    ) throws {
        guard let file = try File.open(path(of: digest)) else {
            throw AlulaError.notFound(
                "there is no artifact \(digest)",
                help: "upload it first, or check the digest"
            )
        }
        while true {
            let chunk = try file.read(upTo: chunkBytes)
            guard !chunk.isEmpty else { return }
            try body(chunk)
        }
    }

    private func path(of digest: ContentDigest) -> String {
        let place = place(of: digest)
        return place.directory + "/" + place.name
    }

    func place(of digest: ContentDigest) -> ArtifactPlace {
        let digits = digest.description
        return ArtifactPlace(
            root: root,
            directory: root + "/" + digits.prefix(2),
            name: String(digits.dropFirst(2))
        )
    }
}

/// Where content of one digest belongs.
struct ArtifactPlace {
    let root: String
    let directory: String
    let name: String
}
