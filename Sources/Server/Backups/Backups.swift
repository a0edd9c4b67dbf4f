import Artifacts
import Backup
import Disk
import Domain
import Foundation
import Ingest
import Log
import Logging
import RocksDB
import Synchronization

/// Makes backups of the directory that is being served, and keeps the list of what was forgotten beside them.
final class Backups: Sendable {
    /// What a backup is made of.
    struct Stores: Sendable {
        let directory: DataDirectory
        let databases: DatabasePair
        let online: Database
        let artifacts: ArtifactStore
        let ingestor: Ingestor
        /// The file of the audit key, where it belongs to the directory.
        let auditKey: String?
    }

    /// Nil where no backups are kept.
    let target: BackupDirectory?
    private let stores: Stores
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    /// Held by a backup, and by whoever takes the bytes of forgotten keys out of the files: a backup has
    /// pictures of the files open, and erasing waits for whoever has.
    private let files = NSLock()
    /// The ids of calls that are making one: a repeat of such a call waits for its end.
    private let making = Mutex<Set<[UInt8]>>([])
    let times: BackupTimes?

    /// Throws where `path` cannot be used, or has backups of another data directory.
    init(
        path: String?,
        stores: Stores,
        now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) throws(AlulaError) {
        target = path.map { BackupDirectory(path: $0) }
        times = target.map { BackupTimes(of: $0) }
        self.stores = stores
        self.now = now
        self.logger = logger
        try Files.removeTree(staging)
        guard let target else { return }
        try target.prepare(for: stores.ingestor.directoryMark)
        let (inner, outer) = (Self.real(target.path), Self.real(stores.directory.path))
        guard !(inner + "/").hasPrefix(outer + "/") else {
            throw .refused(
                "the backups would lie in the data directory itself: \(target.path)",
                help: "give --backups a directory elsewhere, best on another disk"
            )
        }
    }

    /// What RocksDB has, while it is copied.
    private var staging: String { stores.directory.path + "/backup" }

    /// Where the copies of SQLite files lie while a backup is made, as SQLite names them.
    static func copies(in path: String) -> String { real(path) + "/tmp/" }

    private static func real(_ path: String) -> String {
        URL(filePath: path).standardizedFileURL.resolvingSymlinksInPath().path()
            .trimmingSuffix("/")
    }

    /// Makes a backup of one position; reads and writes go on meanwhile, but for a moment.
    ///
    /// A call that is repeated with its id gets the backup that it has made before.
    func make(
        _ wanted: BackupName?,
        request: [UInt8],
        pace: Pace
    ) throws(AlulaError) -> Manifest {
        try pace.wait { making.withLock { $0.insert(request).inserted } }
        defer { making.withLock { _ = $0.remove(request) } }
        do throws(AlulaError) {
            return try makeInTurn(wanted, request: hexadecimal(request), pace: pace)
        } catch {
            // A disk that is full stays so for longer than a client tries again.
            var told = error
            if told.code == .resourceExhausted { told.retry = .never }
            throw told
        }
    }

    private func makeInTurn(
        _ wanted: BackupName?,
        request: String,
        pace: Pace
    ) throws(AlulaError) -> Manifest {
        guard let target else {
            throw .refused(
                "this server keeps no backups",
                help: "start it with serve --backups DIR"
            )
        }
        try target.prepare(for: stores.ingestor.directoryMark)
        let turn = try BackupTurn(target)
        defer { withExtendedLifetime(turn) {} }
        if let made = try target.made(by: request) { return made }
        let name: BackupName
        if let wanted { name = wanted } else { name = try unusedName(in: target) }
        let writer = try BackupWriter(target, name: name, pace: pace)
        try pace.wait { files.try() }
        defer { files.unlock() }
        defer {
            // What cannot be removed goes with the next start, or the next backup.
            try? Files.removeTree(staging)
            try? writer.clear()
        }
        let manifest = try stores.artifacts.keepingAll { () throws(AlulaError) -> Manifest in
            try make(name, request, writer, pace)
        }
        noteDeletions()
        return manifest
    }

    private func make(
        _ name: BackupName,
        _ request: String,
        _ writer: BackupWriter,
        _ pace: Pace
    ) throws(AlulaError) -> Manifest {
        pace.begin(.freezing)
        let position = try freeze()
        var sources = try position.copyDatabases(to: writer.temporary, pace: pace)
        sources += try otherSources()
        return try writer.write(sources) { (files, newBytes) throws(AlulaError) -> Manifest in
            Manifest(
                name: name.text,
                product: AlulaServer.version,
                dataFormat: DataFormat.current.number,
                directory: stores.ingestor.directoryMark,
                takenMicroseconds: position.taken.microseconds,
                logEntry: position.head.number,
                recordedMicroseconds: position.head.recorded.microseconds,
                appliedEntry: position.appliedEntry,
                auditHead: position.auditHead,
                auditKey: stores.auditKey == nil ? .outside : .inside,
                request: request,
                pausedMicroseconds: position.paused.microseconds,
                newBytes: newBytes,
                deletions: position.deletions,
                files: files
            )
        }
    }

    /// Holds all writes up for as long as it takes to open pictures of the three stores.
    private func freeze() throws(AlulaError) -> BackupPosition {
        try Files.removeTree(staging)
        try Files.makeDirectory(staging)
        // What is in memory goes to disk before writes are held up for the rest of it.
        try stores.online.flush()
        let clock = ContinuousClock()
        let begin = clock.now
        let (frozen, head) = try stores.databases.freeze { () throws(AlulaError) in
            try stores.online.pausingWrites { () throws(AlulaError) in
                let head = try FeatureLog(stores.online).head()
                try stores.online.checkpoint(to: staging + "/online")
                return head
            }
        }
        return try BackupPosition(
            frozen,
            head: head,
            taken: now(),
            paused: TimeSpan(microseconds: Int64((clock.now - begin) / .microseconds(1)))
        )
    }

    private func otherSources() throws(AlulaError) -> [BackupWriter.Source] {
        typealias Source = BackupWriter.Source
        let root = stores.directory.path
        var sources = [
            try Source(path: DataFormat.file, file: root + "/" + DataFormat.file, content: .plain)
        ]
        if let key = stores.auditKey {
            sources.append(try Source(path: "audit.key", file: key, content: .plain))
        }
        for name in try Files.tree(staging + "/online") {
            sources.append(
                try Source(
                    path: "online/" + name,
                    file: staging + "/online/" + name,
                    content: name.hasSuffix(".sst") ? .immutable : .plain
                )
            )
        }
        for (path, digest) in try stores.artifacts.files() {
            let path = "artifacts/" + path
            let content = digest.map(Source.Content.artifact) ?? .plain
            sources.append(try Source(path: path, file: root + "/" + path, content: content))
        }
        return sources
    }

    private func unusedName(in target: BackupDirectory) throws(AlulaError) -> BackupName {
        let name = BackupName(of: now())
        var number = 1
        var unused = name
        while try Files.exists(target.path + "/" + unused.text) {
            number += 1
            unused = try BackupName("\(name)-\(number)")
        }
        return unused
    }
}

extension Backups {
    /// Runs the body while no backup is made; `wait` is called while one is, and may throw.
    func whileNoneIsMade<T>(
        wait: () throws(AlulaError) -> Void,
        _ body: () throws(AlulaError) -> T
    ) throws(AlulaError) -> T {
        while !files.try() { try wait() }
        defer { files.unlock() }
        return try body()
    }

    /// Brings the list of forgotten keys up to date; where it cannot, the next deletion, backup or start
    /// does.
    func noteDeletions() {
        guard let target else { return }
        do throws(AlulaError) {
            try target.note(
                try stores.databases.deletions(),
                of: stores.ingestor.directoryMark
            )
        } catch {
            logger.warning(
                "the list of deletions beside the backups was not written",
                metadata: ["error": "\(error)"]
            )
        }
    }
}

/// The moment of a backup.
private struct BackupPosition {
    let head: LogHead
    let taken: Timestamp
    let paused: TimeSpan
    let appliedEntry: UInt64
    let auditHead: String
    let deletions: [Deletion]
    private let frozen: DatabasePair.Frozen

    init(
        _ frozen: DatabasePair.Frozen,
        head: LogHead,
        taken: Timestamp,
        paused: TimeSpan
    ) throws(AlulaError) {
        self.frozen = frozen
        self.head = head
        self.taken = taken
        self.paused = paused
        appliedEntry = try frozen.offline.appliedEntry()
        auditHead = try frozen.catalog.auditHead()
        deletions = try frozen.offline.deletions()
    }

    func copyDatabases(
        to directory: String,
        pace: Pace
    ) throws(AlulaError) -> [BackupWriter.Source] {
        pace.begin(.databases, total: try frozen.catalog.bytes + frozen.offline.bytes)
        var sources: [BackupWriter.Source] = []
        for database in [frozen.catalog, frozen.offline] {
            let copy = directory + "/" + database.name
            try database.copy(to: copy, pace: pace)
            sources.append(
                try BackupWriter.Source(path: database.name, file: copy, content: .database)
            )
        }
        return sources
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        count > 1 && hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
