import Disk
package import Domain
import Synchronization

/// What nothing refers to.
package struct ArtifactGarbage: Sendable, Hashable {
    /// By digest.
    package var artifacts: [ArtifactStore.Entry] = []
    /// Uploads that nobody went on with.
    package var uploads = 0
    /// Of artifacts that go or are gone, and of such uploads.
    package var chunks = 0
    package var bytes: UInt64 = 0
}

extension ArtifactStore {
    /// Removes content that is not in `named` and was last touched before a moment, uploads that
    /// nobody went on with since, and chunks that nothing is made of any more.
    ///
    /// Throws `unavailable` while somebody needs all of it. A dry run removes nothing and finds the
    /// same. Whatever is stopped in between leaves only
    /// what the next run removes: lists go before their chunks.
    package func collect(
        keeping named: Set<ContentDigest>,
        untouchedSince moment: Timestamp,
        dryRun: Bool,
        isCancelled: () -> Bool = { false }
    ) throws -> ArtifactGarbage {
        var garbage = ArtifactGarbage()
        let old = try entries().content.filter {
            !named.contains($0.digest) && $0.modified < moment
        }
        var gone: Set<ContentDigest> = []
        for entry in old.sorted(by: {
            $0.digest.bytes.lexicographicallyPrecedes($1.digest.bytes)
        }) {
            try Self.check(isCancelled)
            guard try dryRun || removeNamed(entry, moment) else { continue }
            garbage.artifacts.append(entry)
            gone.insert(entry.digest)
            // The bytes of large content are those of its chunks.
            if !entry.isList { garbage.bytes += entry.bytes }
        }
        let oldUploads = try abandonedUploads(before: moment)
        garbage.uploads = oldUploads.count
        if !dryRun {
            for name in oldUploads {
                hashes.withLock { $0[name] = nil }
                try removeUpload(name)
            }
        }
        try collectChunks(
            &garbage,
            without: gone,
            Set(oldUploads),
            moment,
            dryRun: dryRun,
            isCancelled
        )
        return garbage
    }

    private static func check(_ isCancelled: () -> Bool) throws(AlulaError) {
        guard !isCancelled() else { throw AlulaError(.cancelled, "the call was cancelled") }
    }

    private func removeNamed(_ entry: Entry, _ moment: Timestamp) throws(AlulaError) -> Bool {
        let place = entry.isList ? place(ofListOf: entry.digest) : place(of: entry.digest)
        return try removing { () throws(AlulaError) in
            try naming.remove(place.path, untouchedSince: moment)
        }
    }

    private func abandonedUploads(before moment: Timestamp) throws(AlulaError) -> [String] {
        var names: [String] = []
        for name in try Files.names(in: uploads) {
            guard let modified = try Files.modified(uploads + "/" + name), modified < moment else {
                continue
            }
            names.append(name)
        }
        return names
    }

    /// Uploads are looked at before lists: what is finished in between is in one of the two.
    private func collectChunks(
        _ garbage: inout ArtifactGarbage,
        without gone: Set<ContentDigest>,
        _ oldUploads: Set<String>,
        _ moment: Timestamp,
        dryRun: Bool,
        _ isCancelled: () -> Bool
    ) throws {
        var used: Set<ContentDigest> = []
        for name in try Files.names(in: uploads) where !oldUploads.contains(name) {
            for part in try partNames(name) {
                guard let file = try File.open(part), let size = try Files.size(part),
                    let list = ChunkList(encoded: try file.read(upTo: Int(size)))
                else { continue }
                used.formUnion(list.chunks.map(\.digest))
            }
        }
        for entry in try entries().content where entry.isList && !gone.contains(entry.digest) {
            try Self.check(isCancelled)
            let path = place(ofListOf: entry.digest).path
            used.formUnion(try chunkList(at: path, of: entry.digest)?.chunks.map(\.digest) ?? [])
        }
        for name in try Files.names(in: chunks) {
            try Self.check(isCancelled)
            let path = chunks + "/" + name
            guard let digest = try? ContentDigest(hex: name),  // no other reason
                !used.contains(digest), let status = try Files.status(path),
                status.modified < moment,
                try dryRun
                    || removing({ () throws(AlulaError) in
                        try naming.remove(path, untouchedSince: moment)
                    })
            else { continue }
            garbage.chunks += 1
            garbage.bytes += status.bytes
        }
    }

    private func partNames(_ upload: String) throws(AlulaError) -> [String] {
        let directory = uploads + "/" + upload
        guard try Files.isDirectory(directory) else { return [] }
        return try Files.names(in: directory).filter { $0 != "about" }.map { directory + "/" + $0 }
    }
}
