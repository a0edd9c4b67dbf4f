import Disk
package import Domain

/// Where the backups of one data directory lie.
///
/// ```
/// DIR/NAME/manifest   a backup: it counts once it has its name, which comes last
/// DIR/objects/…       what they are made of, each content once
/// DIR/deletions       keys that were forgotten, so that restoring an older backup forgets them again
/// DIR/tmp/…           what is being written; swept by the next backup
/// DIR/lock            held by whoever makes a backup
/// ```
package struct BackupDirectory: Sendable {
    package let path: String

    package init(path: String) {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// One that lies here.
    package struct Entry: Sendable {
        package var name: String
        package var manifest: Result<Manifest, AlulaError>
    }

    /// All backups, also those whose manifest cannot be read, the oldest first.
    package func list() throws(AlulaError) -> [Entry] {
        var found: [Entry] = []
        for name in try names() {
            found.append(
                Entry(name: name, manifest: Result { () throws(AlulaError) in try manifest(name) })
            )
        }
        return found.sorted { left, right in
            let times = [left, right].map { (try? $0.manifest.get().takenMicroseconds) ?? 0 }
            return (times[0], left.name) < (times[1], right.name)
        }
    }

    /// The names of all backups.
    package func names() throws(AlulaError) -> [String] {
        var found: [String] = []
        for name in try Files.namesIfAny(in: path) where (try? BackupName(name)) != nil {
            if try Files.isDirectory(path + "/" + name) { found.append(name) }
        }
        return found
    }

    /// The backup that a call made whose id is `request`, which may not have been acknowledged; nil where
    /// there is none.
    package func made(by request: String) throws(AlulaError) -> Manifest? {
        guard !request.isEmpty else { return nil }
        for case .success(let manifest) in try list().map(\.manifest)
        where manifest.request == request {
            // Its maker may have ended between giving it its name and putting the name on disk.
            try Files.syncDirectory(path)
            return manifest
        }
        return nil
    }

    package func manifest(_ name: String) throws(AlulaError) -> Manifest {
        let file = path + "/" + name + "/manifest"
        guard let manifest = try Sealed.read(Manifest.self, file) else {
            throw .corrupt("\(path)/\(name) has no manifest")
        }
        try manifest.check(file)
        return manifest
    }

    var pool: ObjectPool { ObjectPool(in: path) }

    /// Keys known to be forgotten, of a data directory: by this list and by all backups.
    package func deletions(of directory: String) throws(AlulaError) -> Set<Deletion> {
        var known = try listedDeletions(of: directory)
        for entry in try list() {
            guard case .success(let manifest) = entry.manifest, manifest.directory == directory
            else {
                continue
            }
            known.formUnion(manifest.deletions)
        }
        return known
    }

    private func listedDeletions(of directory: String) throws(AlulaError) -> Set<Deletion> {
        try Self.deletions(in: path + "/deletions", of: directory)
    }

    /// What a list says of a data directory; nothing where there is no list.
    package static func deletions(
        in file: String,
        of directory: String
    ) throws(AlulaError) -> Set<Deletion> {
        guard let list = try Sealed.read(DeletionList.self, file) else { return [] }
        return list.directory == directory ? Set(list.deletions) : []
    }

    /// Adds to the list; what it has stays in it.
    package func note(_ deletions: some Sequence<Deletion>, of directory: String) throws(AlulaError)
    {
        try checkList(isOf: directory)
        let known = try listedDeletions(of: directory)
        let all = known.union(deletions)
        if all == known, try Files.exists(path + "/deletions") { return }
        let sorted = all.sorted {
            ($0.recordedMicroseconds, $0.logEntry) < ($1.recordedMicroseconds, $1.logEntry)
        }
        try Files.replace(
            path + "/deletions",
            with: Sealed.encode(DeletionList(directory: directory, deletions: sorted))
        )
        try Files.syncDirectory(path)
    }

    private func checkList(isOf directory: String) throws(AlulaError) {
        guard let list = try Sealed.read(DeletionList.self, path + "/deletions"),
            list.directory != directory
        else { return }
        throw .refused(
            "\(path) has the deletions of another data directory",
            help: "give each data directory a directory of its own for its backups"
        )
    }

    /// Makes the directory where it is missing; throws where it has backups of another data directory.
    package func prepare(for directory: String) throws(AlulaError) {
        try Files.makeDirectory(path)
        // It may have been made by one who ended before its name was on disk.
        try Files.syncParent(of: path)
        for part in ["objects", "tmp"] { try Files.makeDirectory(path + "/" + part) }
        try checkList(isOf: directory)
        for case .success(let manifest) in try list().map(\.manifest)
        where manifest.directory != directory {
            throw .refused(
                "\(path) has backups of another data directory, such as \(manifest.name)",
                help: "give each data directory a directory of its own for its backups"
            )
        }
    }
}

/// The file `deletions`.
struct DeletionList: Codable {
    var directory: String
    var deletions: [Deletion]
}

/// Held while a backup is made: there is one at a time.
package final class BackupTurn {
    private let lock: LockFile

    /// Throws where another one has it.
    package init(_ directory: BackupDirectory) throws(AlulaError) {
        guard let lock = try LockFile.take(directory.path + "/lock") else {
            throw .refused(
                "another backup is being made in \(directory.path)",
                help: "wait for its end; alula backups shows it then"
            )
        }
        self.lock = lock
    }
}
