package import Domain
package import GRDB
import Migrations
import Synchronization

/// The history of all features, as immutable column segments in one SQLite file.
///
/// It follows the log: `apply` takes pieces of it in their order, each call one durable transaction
/// that also stores how far the store has come. Reads see a snapshot, and no transaction is held
/// while a caller works with what was read. Calls block; whoever calls does so on a thread that
/// may.
package final class OfflineStore: Sendable {
    /// One entry of the log, as far as it concerns history.
    package struct LogPiece: Sendable {
        package enum Change: Sendable {
            case rows(FeatureRows, layout: RowLayout)
            case publish(importID: String)
            /// Hides the rows of these entries, of one view or of all, from this entry on.
            case retract(view: FeatureViewID?, entries: ClosedRange<UInt64>)
            /// Takes the rows of a key, in canonical bytes, up to this entry out of all answers.
            case forget(
                entity: EntityID,
                views: [FeatureViewID],
                key: [UInt8],
                keyHash: [UInt8]
            )
            /// Puts the segments that a merge has staged in the place of those it has read.
            case retire(view: FeatureViewID, merge: Int64)
        }

        package var entry: UInt64
        package var recorded: Timestamp
        package var change: Change

        package init(entry: UInt64, recorded: Timestamp, change: Change) {
            self.entry = entry
            self.recorded = recorded
            self.change = change
        }
    }

    package let pool: DatabasePool
    /// Rows of one group of a segment.
    let groupRows: Int
    let applied = Mutex<UInt64>(0)
    /// Keeps what is read from being cleaned away.
    let pins = SegmentPins()
    let merges = MergeGate()
    private let health: StorageHealth

    /// Opens the file, or makes it, and brings its tables up to date.
    package convenience init(
        path: String,
        health: StorageHealth = StorageHealth()
    ) throws(AlulaError) {
        try self.init(path: path, groupRows: Limits.batchRows, health: health)
    }

    init(
        path: String,
        groupRows: Int,
        health: StorageHealth = StorageHealth()
    ) throws(AlulaError) {
        self.groupRows = groupRows
        self.health = health
        pool = try translating { try OfflineStore.open(path) }
        let through = try translating {
            try pool.read { try Int64.fetchOne($0, sql: "SELECT applied_through FROM progress") }
        }
        guard let through else {
            throw .corrupt("the offline store does not say how far it has come")
        }
        applied.withLock { $0 = UInt64(through) }
        _ = try clean()
    }

    /// Why the file is not written any more; nil while it is.
    package var failure: AlulaError? { health.failure }

    /// The last log entry that is in the store, durable.
    package var appliedThrough: UInt64 { applied.withLock { $0 } }

    /// The greatest log entry recorded at or before this time; 0 where there is none.
    package func logEntry(at time: Timestamp) throws(AlulaError) -> UInt64 {
        try read { db in
            let entry = try Int64.fetchOne(
                db,
                sql:
                    "SELECT entry FROM log_time WHERE recorded <= ? ORDER BY recorded DESC LIMIT 1",
                arguments: [time.microseconds]
            )
            return UInt64(entry ?? 0)
        }
    }
}

extension OfflineStore {
    private static let pageBytes = 16_384

    private static func open(_ path: String) throws -> DatabasePool {
        try prepare(path)
        var configuration = Configuration()
        configuration.label = "offline"
        configuration.maximumReaderCount = 8
        configuration.prepareDatabase { db in
            // Only the writer may checkpoint: https://www.sqlite.org/wal.html#walresetbug
            if db.configuration.readonly { try db.execute(sql: "PRAGMA wal_autocheckpoint = 0") }
            try db.execute(sql: "PRAGMA trusted_schema = OFF")
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        // The pool has set NORMAL, which may lose the last commits; no transaction is open here.
        try pool.writeWithoutTransaction { db in
            // The pool is not told where the file could not be changed to WAL; in any other mode a
            // power cut may take the last commit back.
            guard try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal" else {
                throw AlulaError(.internal, "\(path) could not be changed to WAL")
            }
            try db.execute(sql: "PRAGMA synchronous = FULL")
            _ = try Int.fetchOne(db, sql: "PRAGMA secure_delete = FAST")
            // What a server whose disk failed has left in the log of writes may be in the system's
            // memory only, and its next sync would not put it on disk.
            _ = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
        return pool
    }

    /// Page size and vacuum mode are taken by an empty file only, and migrations want one
    /// connection.
    private static func prepare(_ path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { db in
            if try Int.fetchOne(db, sql: "PRAGMA page_count") == 0 {
                try db.execute(sql: "PRAGMA page_size = \(pageBytes)")
                try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            }
            // Nothing is acknowledged yet: migrations need to be whole, and not one by one on disk.
            if try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL") == "wal" {
                try db.execute(sql: "PRAGMA synchronous = NORMAL")
            }
        }
        var migrator = DatabaseMigrator()
        for (name, sql) in OfflineMigrations.all {
            migrator.registerMigration(name) { try $0.execute(sql: sql) }
        }
        try migrator.migrate(queue)
        try queue.close()
    }

    /// Reads in one snapshot.
    func read<T>(_ body: (Database) throws -> T) throws(AlulaError) -> T {
        try translating { try pins.reading { try pool.read(body) } }
    }

    /// Writes in one transaction, durable when this returns.
    func write<T>(_ body: (Database) throws -> T) throws(AlulaError) -> T {
        try changing { try pool.write(body) }
    }

    /// Runs what changes the file; after a failure that leaves in doubt what the disk has, nothing does.
    func changing<T>(_ body: () throws -> T) throws(AlulaError) -> T {
        try health.check()
        do {
            return try body()
        } catch let error as DatabaseError where error.leavesDoubt {
            let reason = "offline.sqlite: \(error.message ?? "") (\(error.extendedResultCode))"
            health.fail(AlulaError(.internal, reason))
            throw AlulaError(.internal, reason)
        } catch {
            return try translating { throw error }
        }
    }
}

extension DatabaseError {
    /// Whether a write or a sync has failed, so that it is not certain what the disk has.
    fileprivate var leavesDoubt: Bool {
        switch extendedResultCode {
        case .SQLITE_IOERR_WRITE, .SQLITE_IOERR_FSYNC, .SQLITE_IOERR_DIR_FSYNC,
            .SQLITE_IOERR_TRUNCATE:
            true
        default: false
        }
    }
}

/// Turns what SQLite says into the house error.
func translating<T>(_ body: () throws -> T) throws(AlulaError) -> T {
    do {
        return try body()
    } catch let error as AlulaError {
        throw error
    } catch let error as DatabaseError {
        let text = "offline.sqlite: \(error.message ?? "SQLite error \(error.resultCode.rawValue)")"
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: throw .corrupt(text)
        case .SQLITE_FULL: throw AlulaError(.resourceExhausted, text, help: "free disk space")
        case .SQLITE_BUSY, .SQLITE_LOCKED: throw AlulaError(.unavailable, text)
        default: throw AlulaError(.internal, text)
        }
    } catch {
        throw AlulaError(.internal, "offline.sqlite: \(error)")
    }
}
