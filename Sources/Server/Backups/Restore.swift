import Backup
import Disk
import Catalog
import Codec
import Digest
package import Domain
import Ingest
import Logging
import Registry
import Served

/// Makes a data directory of a backup, without a server.
package struct Restore {
    /// `DIRECTORY/NAME`.
    package var backup: String
    /// The data directory, which is missing or empty.
    package var data: String
    /// The file of the audit log's key, where the backup does not have it.
    package var auditKey: String?
    /// Another list of forgotten keys, beside those that lie with the backup.
    package var deletions: String?
    package var bytesPerSecond: UInt64?

    /// Bytes, or keys for the step `deletions`; a total of zero is not known.
    package typealias Progress = (_ step: String, _ done: UInt64, _ total: UInt64) -> Void

    package struct Report {
        package var name: String
        package var taken: Timestamp
        package var logEntry: UInt64
        package var auditHead: String
        package var files: Int
        package var bytes: UInt64
        /// Keys that were forgotten after the backup was made, as far as is known.
        package var laterDeletions: Int
        /// Those of them that the backup had.
        package var keysForgotten: Int
    }

    package init(
        backup: String,
        data: String,
        auditKey: String? = nil,
        deletions: String? = nil,
        bytesPerSecond: UInt64? = nil
    ) {
        self.backup = backup
        self.data = data
        self.auditKey = auditKey
        self.deletions = deletions
        self.bytesPerSecond = bytesPerSecond
    }

    /// Reads every byte of a backup and changes nothing.
    package func check(progress: @escaping Progress) throws(AlulaError) -> Report {
        let reader = try BackupReader(path: backup)
        let later = try laterDeletions(reader)
        try reader.check(pace: pace(progress))
        return report(reader.manifest, later, forgotten: 0)
    }

    /// What is left where it fails is removed, and never taken for a data directory.
    package func run(progress: @escaping Progress) throws(AlulaError) -> Report {
        let reader = try BackupReader(path: backup)
        try checkFits(reader.manifest)
        let later = try laterDeletions(reader)
        let isNew = try begin()
        do throws(AlulaError) {
            try reader.restore(to: data, pace: pace(progress))
        } catch {
            // The damage is what to tell; whatever stays is marked as not whole.
            try? isNew ? Files.removeTree(data) : clear()
            throw error
        }
        let forgotten = try open(reader.manifest, later, progress)
        try Files.remove(data + "/" + DataDirectory.restoringFile)
        try Files.syncDirectory(data)
        return report(reader.manifest, later, forgotten: forgotten)
    }

    private func pace(_ progress: @escaping Progress) -> Pace {
        Pace(bytesPerSecond: bytesPerSecond, progress: { progress($0.rawValue, $1, $2) })
    }

    private func checkFits(_ manifest: Manifest) throws(AlulaError) {
        guard manifest.dataFormat <= DataFormat.current.number else {
            throw .refused(
                "backup \(manifest.name) was made by a newer Alula (\(manifest.product)): it has format "
                    + "\(manifest.dataFormat), and this one knows formats up to "
                    + "\(DataFormat.current.number)",
                help: "restore it with that version or a newer one"
            )
        }
        guard manifest.auditKey == .inside || auditKey != nil else {
            throw .refused(
                "backup \(manifest.name) does not have the key of its audit log, which was kept elsewhere",
                help: "give it with --audit-key FILE, here and to serve"
            )
        }
    }

    /// Marks the directory as not whole; true where it was made.
    private func begin() throws(AlulaError) -> Bool {
        let isNew = try !Files.exists(data)
        if !isNew {
            guard try Files.isDirectory(data) else {
                throw .refused(
                    "\(data) is not a directory",
                    help: "give --data a directory that is missing or empty"
                )
            }
            guard try Files.names(in: data).isEmpty else {
                throw .refused(
                    "\(data) is not empty: restoring overwrites nothing",
                    help: try Files.exists(data + "/" + DataDirectory.restoringFile)
                        ? "it is what an earlier restore has left that did not end: remove it"
                        : "give a directory that is missing or empty"
                )
            }
        }
        try Files.makeDirectory(data)
        try Files.replace(data + "/" + DataDirectory.restoringFile, with: Array(backup.utf8))
        try Files.syncDirectory(data)
        try Files.syncDirectory(Files.parent(of: data))
        return isNew
    }

    private func clear() throws(AlulaError) {
        for name in try Files.names(in: data) { try Files.removeTree(data + "/" + name) }
    }

    /// Keys that were forgotten after the backup, by all lists there are.
    private func laterDeletions(_ reader: BackupReader) throws(AlulaError) -> [Deletion] {
        let manifest = reader.manifest
        var known = try reader.directory.deletions(of: manifest.directory)
        if let deletions {
            guard try Files.exists(deletions) else {
                throw .notFound("there is no file \(deletions)")
            }
            known.formUnion(try BackupDirectory.deletions(in: deletions, of: manifest.directory))
        }
        // Recorded times go on in a directory that was restored; its log entries are numbered again.
        return known.subtracting(manifest.deletions)
            .filter { $0.recordedMicroseconds >= manifest.recordedMicroseconds }
            .sorted { $0.recordedMicroseconds < $1.recordedMicroseconds }
    }

    private func report(_ manifest: Manifest, _ later: [Deletion], forgotten: Int) -> Report {
        Report(
            name: manifest.name,
            taken: manifest.taken,
            logEntry: manifest.logEntry,
            auditHead: manifest.auditHead,
            files: manifest.files.count,
            bytes: manifest.bytes,
            laterDeletions: later.count,
            keysForgotten: forgotten
        )
    }
}

extension Restore {
    /// Opens what was restored, forgets again what was forgotten since, and closes it; answers how many keys
    /// that were.
    private func open(
        _ manifest: Manifest,
        _ later: [Deletion],
        _ progress: Progress
    ) throws(AlulaError) -> Int {
        let configuration = ServerConfiguration(
            dataDirectory: data,
            cacheBytes: 0,
            compaction: .off,
            auditKey: auditKey
        )
        let parts = try Parts.open(configuration, logger: configuration.logger, purpose: .restoring)
        let result = Result { () throws(AlulaError) in
            let services = parts.services
            guard services.ingestor.directoryMark == manifest.directory else {
                throw .corrupt("backup \(manifest.name) is not of the data directory that it names")
            }
            let keys = try forget(later, services, progress)
            try services.registry.record(
                .restore(manifest.name, logEntry: manifest.logEntry, keys: keys),
                call: WriteCall(
                    requestID: [],
                    identity: .local,
                    project: .unnamed,
                    now: services.now()
                )
            )
            return keys
        }
        parts.services.forgetting.close()
        let closed = Result { () throws(AlulaError) in try parts.close() }
        let keys = try result.get()
        try closed.get()
        return keys
    }

    private func forget(
        _ deletions: [Deletion],
        _ services: Services,
        _ progress: Progress
    ) throws(AlulaError) -> Int {
        let step = Pace.Step.deletions.rawValue
        try services.ingestor.waitUntilApplied(
            services.ingestor.lastEntry,
            deadline: .now + .seconds(86_400)
        )
        let views = services.catalog.snapshot.projects.values.flatMap(\.views.values)
        var count = 0
        for (number, some) in Dictionary(grouping: deletions, by: \.entity) {
            let views = views.filter { $0.entity.id.number == number }
            guard let entity = views.first?.entity else { continue }
            var hashes: Set<[UInt8]> = []
            for deletion in some { hashes.insert(try ContentDigest(hex: deletion.keyHash).bytes) }
            var keys = try services.ingestor.keys(
                hashedTo: hashes,
                of: entity.id,
                views: views,
                isCancelled: { false },
                progress: { progress(step, $0, 0) }
            )
            keys.formUnion(
                try services.spines.keys(of: entity.id) {
                    hashes.contains(services.ingestor.keyHash($0, of: entity.id))
                }
            )
            try services.served.forEachKey(of: entity.id) { key in
                if hashes.contains(services.ingestor.keyHash(key, of: entity.id)) {
                    keys.insert(key)
                }
            }
            for key in keys {
                _ = try services.ingestor.forget(
                    try KeyCodec.decode(key, parts: entity.keys.count),
                    of: entity,
                    views: views,
                    requestID: try RandomBytes.make(16)
                )
            }
            count += keys.count
        }
        if count > 0 {
            try services.forgetting.finish { _, done, total in progress(step, done, total) }
        }
        return count
    }
}
