import Domain
import GRDB

extension OfflineStore {
    /// The segments that staged merges named by these pieces of the log would replace.
    func replaced(by pieces: [LogPiece]) throws(AlulaError) -> [Int64] {
        let merges = pieces.compactMap { piece -> Int64? in
            if case .retire(_, let merge) = piece.change { merge } else { nil }
        }
        guard !merges.isEmpty else { return [] }
        return try read { db in
            try merges.flatMap {
                try Int64.fetchAll(
                    db,
                    sql: "SELECT segment FROM merge_input WHERE merge = ?",
                    arguments: [$0]
                )
            }
        }
    }

    /// Puts the segments that the merge has staged in the place of those it has read, and records
    /// what is lost.
    ///
    /// A merge that has been swapped in or given up before is left alone.
    func retire(
        _ view: FeatureViewID,
        merge: Int64,
        piece: LogPiece,
        in db: Database
    ) throws {
        let staged = try Row.fetchOne(
            db,
            sql: """
                SELECT rows_taken, (SELECT COUNT(*) FROM merge_input WHERE merge = m.id)
                FROM merge m WHERE id = ? AND view = ? AND state = 'staged'
                """,
            arguments: [merge, Int64(view.number)]
        )
        guard let staged else { return }
        let (rows, inputs): (Int64, Int) = (staged[0], staged[1])
        try db.execute(
            sql: "UPDATE segment SET merge = NULL WHERE merge = ? AND rows > 0",
            arguments: [merge]
        )
        try db.execute(
            sql: """
                UPDATE segment SET merge = :merge WHERE merge IS NULL
                    AND id IN (SELECT segment FROM merge_input WHERE merge = :merge)
                """,
            arguments: ["merge": merge]
        )
        guard db.changesCount == inputs else {
            throw AlulaError.corrupt("segments of view \(view) changed under a staged retention")
        }
        try db.execute(
            sql: """
                INSERT INTO removal (log_entry, kind, view, rows, recorded)
                VALUES (?, 'retention', ?, ?, ?)
                """,
            arguments: [
                Int64(clamping: piece.entry), Int64(view.number), rows,
                piece.recorded.microseconds,
            ]
        )
        try OfflineStore.discard(merge, db)
    }

    /// What the merge holds now is nobody's any more.
    static func discard(_ merge: Int64, _ db: Database) throws {
        try db.execute(sql: "DELETE FROM merge_input WHERE merge = ?", arguments: [merge])
        try db.execute(
            sql: "UPDATE merge SET state = 'done' WHERE id = ? AND state = 'staged'",
            arguments: [merge]
        )
    }
}
