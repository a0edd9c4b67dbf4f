import Digest
import Disk
package import Domain

/// A backup as it is read back.
package struct BackupReader {
    package let directory: BackupDirectory
    package let manifest: Manifest
    private let pool: ObjectPool

    /// Opens `DIRECTORY/NAME`; throws where its manifest is missing, cut short or changed.
    package init(path: String) throws(AlulaError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        guard let last = parts.last, let name = try? BackupName(String(last)),
            try Files.isDirectory(path)
        else {
            throw .notFound(
                "there is no backup \(path)",
                help: "a backup is a directory NAME in the directory given to serve --backups"
            )
        }
        var parent = parts.dropLast().joined(separator: "/")
        if path.hasPrefix("/") { parent = "/" + parent }
        directory = BackupDirectory(path: parent.isEmpty ? "." : parent)
        if try !Files.exists(path + "/manifest") {
            let inside = try BackupDirectory(path: path).names()
            guard inside.isEmpty else {
                throw .invalid(
                    "\(path) is not a backup, and has some in it: name one of them",
                    details: inside.map { "\(path)/\($0)" }
                )
            }
        }
        manifest = try directory.manifest(name.text)
        guard manifest.name == name.text else {
            throw .corrupt("\(path) has the manifest of a backup \(manifest.name)")
        }
        pool = directory.pool
    }

    /// Reads every byte; throws `dataLoss` with what is damaged or missing.
    package func check(pace: Pace) throws(AlulaError) {
        pace.begin(.checking, total: manifest.bytes)
        var problems: [String] = []
        for file in manifest.files {
            if let problem = try problem(of: file, pace: pace, { _ in }) {
                problems.append(problem)
            }
        }
        try Self.refuse(problems, manifest.name)
    }

    /// Writes all files into a directory, durable, and checks every byte on its way.
    package func restore(to target: String, pace: Pace) throws(AlulaError) {
        pace.begin(.restoring, total: manifest.bytes)
        var problems: [String] = []
        var directories: Set<String> = [target]
        for file in manifest.files {
            let parts = file.path.split(separator: "/")
            try Files.makeDirectories(parts.dropLast(), in: target)
            for depth in 1..<parts.count {
                directories.insert(target + "/" + parts.prefix(depth).joined(separator: "/"))
            }
            let new = try File.create(target + "/" + file.path)
            let problem = try problem(of: file, pace: pace) { (piece) throws(AlulaError) in
                try new.write(piece[...])
            }
            try new.sync()
            if let problem { problems.append(problem) }
        }
        for directory in directories { try Files.syncDirectory(directory) }
        try Self.refuse(problems, manifest.name)
    }

    /// What is wrong with a file, each of whose pieces goes to the body; nil where nothing is.
    private func problem(
        of file: Manifest.File,
        pace: Pace,
        _ body: ([UInt8]) throws(AlulaError) -> Void
    ) throws(AlulaError) -> String? {
        let whole = SHA256Hasher()
        var bytes: UInt64 = 0
        for object in file.objects {
            let isIntact = try pool.read(object, pace: pace) { (piece) throws(AlulaError) in
                whole.update(piece)
                bytes += UInt64(piece.count)
                try body(piece)
            }
            guard isIntact else {
                let isMissing = try pool.size(object) == nil
                return "\(file.path): object \(object) is \(isMissing ? "missing" : "damaged")"
            }
        }
        guard whole.finish().description == file.sha256, bytes == file.bytes else {
            return "\(file.path): it is not the file that was backed up"
        }
        return nil
    }

    private static func refuse(_ problems: [String], _ name: String) throws(AlulaError) {
        guard !problems.isEmpty else { return }
        throw AlulaError(
            .dataLoss,
            "backup \(name) is damaged: \(problems.count) files do not have their bytes",
            help: "restore another one; alula backups lists them",
            details: Array(problems.prefix(100))
        )
    }
}
