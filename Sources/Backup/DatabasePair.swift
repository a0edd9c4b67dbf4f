import Disk
package import Domain
package import GRDB
import struct Foundation.Data

/// The two SQLite files of a data directory, which can be held still together.
package struct DatabasePair: Sendable {
    private let catalog: DatabasePool
    private let offline: DatabasePool

    package init(catalog: DatabasePool, offline: DatabasePool) {
        self.catalog = catalog
        self.offline = offline
    }

    /// Both as they were at one moment; writes go on behind.
    package struct Frozen {
        package let catalog: FrozenDatabase
        package let offline: FrozenDatabase
    }

    /// Takes a picture of both, and runs the body, while nobody writes to either.
    package func freeze<T>(
        _ body: () throws(AlulaError) -> T
    ) throws(AlulaError) -> (Frozen, T) {
        let result = Result {
            // In this order: who writes to both takes them in it, too.
            try catalog.writeWithoutTransaction { _ in
                try offline.writeWithoutTransaction { _ in
                    let pictures = Frozen(
                        catalog: FrozenDatabase(try catalog.makeSnapshot(), "catalog.sqlite"),
                        offline: FrozenDatabase(try offline.makeSnapshot(), "offline.sqlite")
                    )
                    return (pictures, try body())
                }
            }
        }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw Self.houseError(error, "the databases could not be read")
        }
    }

    /// Keys that were forgotten so far.
    package func deletions() throws(AlulaError) -> [Deletion] {
        let result = Result { try offline.read(FrozenDatabase.deletions) }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw Self.houseError(error, "deletions could not be read")
        }
    }

    static func houseError(_ error: any Error, _ act: String) -> AlulaError {
        switch error {
        case let error as AlulaError: error
        case let error as DatabaseError where error.resultCode == .SQLITE_FULL:
            AlulaError(
                .resourceExhausted,
                "\(act): the disk is full",
                help: "a backup takes room for both SQLite files on the disk of the backups",
                retry: .never
            )
        case let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT:
            .corrupt("\(act): a SQLite file is damaged: \(error.message ?? "no details")")
        default: AlulaError(.internal, "\(act): \(error)", retry: .never)
        }
    }
}

/// A SQLite file as it was at one moment, for as long as this value lives.
package struct FrozenDatabase {
    private let snapshot: DatabaseSnapshot
    package let name: String

    private static let pagesPerStep: CInt = 64

    init(_ snapshot: DatabaseSnapshot, _ name: String) {
        self.snapshot = snapshot
        self.name = name
    }

    /// Writes all of it into a new file, page by page.
    package func copy(to path: String, pace: Pace) throws(AlulaError) {
        // By a call that says why where it cannot be made, as SQLite does not.
        _ = try File.create(path)
        var configuration = Configuration()
        configuration.prepareDatabase { db in
            // It is read once, and its pieces are checked and put on disk by themselves.
            try db.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        }
        let scratch = configuration
        let result = Result {
            let target = try DatabaseQueue(path: path, configuration: scratch)
            let pageBytes =
                try snapshot.read { try Int.fetchOne($0, sql: "PRAGMA page_size") } ?? 4_096
            var done = 0
            try snapshot.backup(to: target, pagesPerStep: Self.pagesPerStep) { progress in
                try pace.took((progress.completedPageCount - done) * pageBytes)
                done = progress.completedPageCount
            }
            try target.close()
        }
        if case .failure(let error) = result {
            throw DatabasePair.houseError(error, "\(name) could not be copied to \(path)")
        }
    }

    package var bytes: UInt64 {
        get throws(AlulaError) {
            try read { db in
                let count = try Int64.fetchOne(db, sql: "PRAGMA page_count") ?? 0
                return UInt64(count * (try Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 0))
            }
        }
    }

    /// Of catalog.sqlite: `NUMBER:HASH` of the newest entry of the audit log.
    package func auditHead() throws(AlulaError) -> String {
        try read { db in
            let row = try Row.fetchOne(
                db,
                sql: "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1"
            )
            guard let row else { return "0:" + String(repeating: "0", count: 64) }
            return "\(row[0] as Int64):" + hexadecimal(row[1] as Data)
        }
    }

    /// Of offline.sqlite: the log entry up to which it has followed.
    package func appliedEntry() throws(AlulaError) -> UInt64 {
        try read { db in
            UInt64(try Int64.fetchOne(db, sql: "SELECT applied_through FROM progress") ?? 0)
        }
    }

    package func deletions() throws(AlulaError) -> [Deletion] { try read(Self.deletions) }

    static func deletions(_ db: Database) throws -> [Deletion] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT log_entry, recorded, entity, key_hash FROM removal
                WHERE kind = 'forget' ORDER BY log_entry
                """
        ).map { row in
            Deletion(
                logEntry: UInt64(bitPattern: row[0] as Int64),
                recordedMicroseconds: row[1],
                entity: UInt32(clamping: row[2] as Int64),
                keyHash: hexadecimal(row[3] as Data)
            )
        }
    }

    private func read<T>(_ body: (Database) throws -> T) throws(AlulaError) -> T {
        let result = Result { try snapshot.read(body) }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw DatabasePair.houseError(error, "\(name) could not be read")
        }
    }
}
