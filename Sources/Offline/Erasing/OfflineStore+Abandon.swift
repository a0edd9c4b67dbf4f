package import Domain
import GRDB

extension OfflineStore {
    /// Frees what an import has staged, and forgets the import; answers its rows.
    ///
    /// The import is gone at once, its rows are deleted in small transactions: those that are left
    /// after a crash go at the next start.
    package func abandonImport(id: String) throws(AlulaError) -> UInt64 {
        let segments = try segments(ofImport: id)
        let rows = try pins.replacing(segments) { () throws(AlulaError) in
            try write { try OfflineStore.abandon(id, $0) }
        }
        _ = try clean()
        return rows
    }

    /// The log entry that published the import; nil while it is staged.
    package func entries(ofImport id: String) throws(AlulaError) -> UInt64? {
        try importRecord(id: id).logEntry
    }

    private func segments(ofImport id: String) throws(AlulaError) -> [Int64] {
        try read { db in
            try Int64.fetchAll(
                db,
                sql: """
                    SELECT s.id FROM segment s JOIN import i ON i.number = s.import
                    WHERE i.id = ? AND i.log_entry IS NULL
                    """,
                arguments: [id]
            )
        }
    }

    private static func abandon(_ id: String, _ db: Database) throws -> UInt64 {
        let row = try Row.fetchOne(
            db,
            sql: "SELECT number, view, rows, log_entry FROM import WHERE id = ?",
            arguments: [id]
        )
        guard let row else {
            throw AlulaError.notFound(
                "there is no import \"\(String(id.prefix(64)))\"",
                help: "alula imports lists them"
            )
        }
        let (number, view, rows): (Int64, Int64, Int64) = (row[0], row[1], row[2])
        if let entry: Int64 = row[3] {
            throw AlulaError.refused(
                "import \(id) is published since log entry \(entry): it cannot be abandoned",
                help: "alula retract \(id) takes its rows out of history"
            )
        }
        try db.execute(
            sql: "INSERT INTO merge (view, state) VALUES (?, 'done')",
            arguments: [view]
        )
        let merge = db.lastInsertedRowID
        try db.execute(
            sql: """
                UPDATE segment SET import = NULL, first_entry = 0, last_entry = 0, merge = ?
                WHERE import = ?
                """,
            arguments: [merge, number]
        )
        try db.execute(sql: "DELETE FROM erasure WHERE import = ?", arguments: [number])
        try db.execute(sql: "DELETE FROM import WHERE number = ?", arguments: [number])
        try db.execute(sql: "INSERT INTO abandoned_import (id) VALUES (?)", arguments: [id])
        return UInt64(rows)
    }
}
