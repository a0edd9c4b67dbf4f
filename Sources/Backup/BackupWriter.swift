import Digest
import Disk
package import Domain

/// One backup that is being made: it counts when `finish` returns, or never.
///
/// What earlier backups have of it is not copied again.
package final class BackupWriter {
    /// A file of the data directory, as it is to be in the backup.
    package struct Source {
        package enum Content {
            /// Never changed once it is written, so that it may be linked.
            case immutable
            /// Of this digest, if it is not damaged.
            case artifact(ContentDigest)
            /// A copy that is read in pieces, most of which earlier backups have, and then removed.
            case database
            /// Small, and copied.
            case plain
        }

        /// Within the data directory.
        package var path: String
        /// Where it lies now.
        package var file: String
        package var bytes: UInt64
        package var content: Content

        package init(path: String, file: String, content: Content) throws(AlulaError) {
            self.path = path
            self.file = file
            self.content = content
            guard let size = try Files.size(file) else {
                throw .corrupt("\(file) is missing: it cannot be backed up")
            }
            bytes = size
        }
    }

    private let directory: BackupDirectory
    private let pool: ObjectPool
    private let name: BackupName
    private let pace: Pace
    /// Objects that this backup has added, for as long as it is not finished.
    private var added: Set<String> = []
    private var newBytes: UInt64 = 0

    /// Sweeps what was left by backups that did not come to their end; whoever calls has the turn.
    package init(
        _ directory: BackupDirectory,
        name: BackupName,
        pace: Pace
    ) throws(AlulaError) {
        self.directory = directory
        self.name = name
        self.pace = pace
        pool = directory.pool
        guard try !Files.exists(directory.path + "/" + name.text) else {
            throw AlulaError(
                .alreadyExists,
                "there is a backup \(name) already",
                help: "choose another name, or none: it is named for its time then"
            )
        }
        try sweep()
    }

    /// For copies that are made on the way.
    package var temporary: String { pool.temporary }

    /// Removes what was copied on the way.
    package func clear() throws(AlulaError) {
        for leftover in try Files.namesIfAny(in: pool.temporary) {
            try Files.removeTree(pool.temporary + "/" + leftover)
        }
    }

    private func sweep() throws(AlulaError) {
        try clear()
        var needed: Set<String> = []
        for entry in try directory.list() {
            // What it needs is not known, so nothing goes.
            guard case .success(let manifest) = entry.manifest else { return }
            for file in manifest.files { needed.formUnion(file.objects) }
        }
        for digest in try pool.all() where !needed.contains(digest) {
            try Files.removeTree(pool.root + "/" + digest.prefix(2) + "/" + digest.dropFirst(2))
        }
    }

    /// Copies all of these, checks every object by reading it again, and names the backup.
    ///
    /// `describe` makes the manifest of the files and of how many bytes earlier backups did not have. Where
    /// it throws, nothing that counts is left.
    package func write(
        _ sources: [Source],
        describe: (_ files: [Manifest.File], _ newBytes: UInt64) throws(AlulaError) -> Manifest
    ) throws(AlulaError) -> Manifest {
        do throws(AlulaError) {
            pace.begin(.copying, total: sources.reduce(0) { $0 + $1.bytes })
            var files: [Manifest.File] = []
            for source in sources { files.append(try copy(source)) }
            try check(files)
            let manifest = try describe(files, newBytes)
            try finish(manifest)
            return manifest
        } catch {
            abandon()
            throw error
        }
    }

    private func copy(_ source: Source) throws(AlulaError) -> Manifest.File {
        switch source.content {
        case .database:
            let file = try copyInPieces(source)
            try Files.remove(source.file)
            return file
        case .artifact(let digest):
            try add(source, digest: digest.description, isLinked: true)
            try pace.took(Int(source.bytes))
            return Self.file(source, digest.description, bytes: source.bytes)
        case .immutable, .plain:
            let hasher = SHA256Hasher()
            var bytes: UInt64 = 0
            try Files.read(source.file) { (piece) throws(AlulaError) in
                hasher.update(piece)
                bytes += UInt64(piece.count)
                try pace.took(piece.count)
            }
            let digest = hasher.finish().description
            if case .plain = source.content {
                try add(source, digest: digest, isLinked: false)
            } else {
                try add(source, digest: digest, isLinked: true)
            }
            return Self.file(source, digest, bytes: bytes)
        }
    }

    private func add(_ source: Source, digest: String, isLinked: Bool) throws(AlulaError) {
        guard try pool.size(digest) == nil else { return }
        added.insert(digest)
        newBytes += try pool.put(file: source.file, digest: digest, isLinked: isLinked, pace: pace)
    }

    private func copyInPieces(_ source: Source) throws(AlulaError) -> Manifest.File {
        let whole = SHA256Hasher()
        var chunks: [String] = []
        var bytes: UInt64 = 0
        try Files.read(source.file) { (piece) throws(AlulaError) in
            whole.update(piece)
            bytes += UInt64(piece.count)
            let digest = SHA256Hasher.digest(of: piece).description
            chunks.append(digest)
            if try pool.size(digest) == nil {
                added.insert(digest)
                try pool.put(piece, digest: digest)
                newBytes += UInt64(piece.count)
            }
            try pace.took(piece.count)
        }
        var file = Self.file(source, whole.finish().description, bytes: bytes)
        // An empty file is one object, of no bytes.
        if chunks.isEmpty { try add(source, digest: file.sha256, isLinked: false) }
        file.chunks = chunks
        return file
    }

    private static func file(_ source: Source, _ digest: String, bytes: UInt64) -> Manifest.File {
        Manifest.File(path: source.path, bytes: bytes, sha256: digest, chunks: [])
    }

    /// What was damaged goes, so that the next backup copies it anew.
    private func check(_ files: [Manifest.File]) throws(AlulaError) {
        let objects = Set(files.flatMap(\.objects))
        var total: UInt64 = 0
        for object in objects { total += try pool.size(object) ?? 0 }
        pace.begin(.checking, total: total)
        var damaged: [String] = []
        for object in objects.sorted() where try !pool.read(object, pace: pace) {
            damaged.append(object)
            try Files.remove(pool.path(object))
        }
        guard damaged.isEmpty else {
            let paths = files.filter { !Set($0.objects).isDisjoint(with: damaged) }.map(\.path)
            throw AlulaError(
                .dataLoss,
                "\(damaged.count) objects of the backup do not have their bytes",
                help:
                    "they were removed: make the backup again, which copies them anew. Where an artifact is "
                    + "among them, alula verify says whether the data directory has it whole",
                details: Array(paths.prefix(100))
            )
        }
        try pool.sync(added)
    }

    private func finish(_ manifest: Manifest) throws(AlulaError) {
        let staged = pool.temporary + "/" + name.text
        try Files.makeDirectory(staged)
        try Files.replace(staged + "/manifest", with: Sealed.encode(manifest))
        try Files.syncDirectory(staged)
        _ = try Sealed.read(Manifest.self, staged + "/manifest")
        try Files.rename(staged, to: directory.path + "/" + name.text)
        do throws(AlulaError) {
            try Files.syncDirectory(directory.path)
        } catch {
            // It is not certain that it keeps its name, so it has none.
            try Files.rename(directory.path + "/" + name.text, to: staged)
            throw error
        }
        added = []
    }

    /// Gives the room back; what cannot be removed now is swept by the next backup.
    private func abandon() {
        for object in added {
            guard let path = try? pool.path(object) else { continue }
            try? Files.remove(path)
        }
        try? Files.removeTree(pool.temporary + "/" + name.text)
        added = []
    }
}
