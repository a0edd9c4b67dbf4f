import Domain
import struct Foundation.Data
import GRDB

/// A key that is to be forgotten in these views.
struct Erasure {
    var entity: EntityID
    var views: [FeatureViewID]
    /// Canonical bytes.
    var key: [UInt8]
    /// What remains of it.
    var keyHash: [UInt8]
}

extension OfflineStore {
    /// Hides rows from the piece's log entry on.
    func retract(
        view: FeatureViewID?,
        entries: ClosedRange<UInt64>,
        piece: LogPiece,
        in db: Database
    ) throws {
        try db.execute(
            sql: """
                INSERT OR IGNORE INTO retraction (log_entry, view, first_entry, last_entry)
                VALUES (?, ?, ?, ?)
                """,
            arguments: [
                Int64(clamping: piece.entry), view.map { Int64($0.number) },
                Int64(clamping: entries.lowerBound), Int64(clamping: entries.upperBound),
            ]
        )
    }

    /// Takes the rows of a key out of all answers: those up to the piece's log entry, and what is
    /// staged by now.
    func forget(_ erasure: Erasure, piece: LogPiece, in db: Database) throws {
        let entry = Int64(clamping: piece.entry)
        let removal = try Int64.fetchOne(
            db,
            sql: "SELECT log_entry FROM removal WHERE log_entry = ?",
            arguments: [entry]
        )
        guard removal == nil else { return }
        for view in Set(erasure.views).sorted(by: { $0.number < $1.number }) {
            try db.execute(
                sql: """
                    INSERT INTO erasure (entity, view, key, log_entry, import, import_rows)
                    SELECT :entity, :view, :key, :entry, NULL, NULL
                    UNION ALL
                    SELECT :entity, :view, :key, :entry, number, rows FROM import
                    WHERE view = :view AND log_entry IS NULL AND rows > 0
                    """,
                arguments: [
                    "entity": Int64(erasure.entity.number), "view": Int64(view.number),
                    "key": Data(erasure.key), "entry": entry,
                ]
            )
        }
        try db.execute(
            sql: """
                INSERT INTO removal (log_entry, kind, entity, key_hash, rows, recorded)
                VALUES (?, 'forget', ?, ?, 0, ?)
                """,
            arguments: [
                entry, Int64(erasure.entity.number), Data(erasure.keyHash),
                piece.recorded.microseconds,
            ]
        )
    }
}
