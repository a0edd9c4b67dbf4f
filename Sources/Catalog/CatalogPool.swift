package import Domain
package import GRDB
import Migrations

/// Opens catalog.sqlite, makes it where it is missing, and brings it to the newest migration.
///
/// The file is in WAL mode and the writer syncs every commit (`synchronous=FULL`). That is set once
/// the pool is open, outside a transaction, because GRDB's pool sets `NORMAL` later than
/// `prepareDatabase`. Readers never checkpoint: SQLite 3.40 loses writes when several connections
/// do.
package func openCatalogPool(path: String) throws(AlulaError) -> DatabasePool {
    do {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { database in
            if database.configuration.readonly {
                try database.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            }
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.writeWithoutTransaction { database in
            // The pool has asked for WAL, and is not told where the file could not be changed to it; in
            // any other mode a power cut may take the last commit back.
            guard try String.fetchOne(database, sql: "PRAGMA journal_mode") == "wal" else {
                throw AlulaError(.internal, "\(path) could not be changed to WAL")
            }
            // What a server whose disk failed has left in the log of writes may be in the system's
            // memory only, and its next sync would not put it on disk.
            _ = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
        var migrator = DatabaseMigrator()
        for migration in CatalogMigrations.all {
            migrator.registerMigration(migration.name) { try $0.execute(sql: migration.sql) }
        }
        if try pool.read(migrator.hasBeenSuperseded) {
            throw AlulaError.refused(
                "\(path) was written by a newer Alula",
                help: "start the server of that version or newer"
            )
        }
        // Nothing is acknowledged yet, and the first commit that is puts all before it on disk, too.
        try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = NORMAL") }
        try migrator.migrate(pool)
        try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        return pool
    } catch {
        throw storageFailure(error)
    }
}

/// An error of this area as it is, or one of SQLite in the house's words.
func storageFailure(_ error: any Error) -> AlulaError {
    switch error {
    case let error as AlulaError: error
    case let error as DatabaseError where error.resultCode == .SQLITE_FULL:
        AlulaError(
            .resourceExhausted,
            "the data disk is full: the catalog was not changed",
            help: "free some space, then send the same request again"
        )
    case let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT:
        .corrupt("catalog.sqlite is damaged: \(error.message ?? "no details")")
    default: AlulaError(.internal, "the catalog could not be read or written: \(error)")
    }
}
