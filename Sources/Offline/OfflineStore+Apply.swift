import Codec
package import Domain
import GRDB
import Synchronization

extension OfflineStore {
    /// Takes pieces of the log, in its order, in one durable transaction, which the caller keeps
    /// under 8 MiB.
    ///
    /// What has been applied before is skipped. A pushed row without a created time takes its
    /// recorded time; the pieces of one view become one segment.
    package func apply(_ pieces: [LogPiece]) throws(AlulaError) {
        let through = appliedThrough
        let fresh = pieces.filter { $0.entry > through }
        guard let last = fresh.last else { return }
        guard zip(fresh, fresh.dropFirst()).allSatisfy({ $0.entry < $1.entry }) else {
            throw .invalid("log entries are applied in ascending order")
        }
        // Whatever does not need the file comes before the transaction, which others wait for.
        var segments: [EncodedSegment] = []
        for segment in try OfflineStore.segments(of: fresh) {
            segments.append(try EncodedSegment(segment, groupRows: groupRows))
        }
        try pins.replacing(replaced(by: fresh)) { () throws(AlulaError) in
            try write { db in
                var writer = try SegmentWriter(db)
                for segment in segments { try writer.write(segment) }
                for piece in fresh { try apply(piece, in: db) }
                try db.execute(
                    sql: "UPDATE progress SET applied_through = ?",
                    arguments: [Int64(last.entry)]
                )
            }
        }
        applied.withLock { $0 = max($0, last.entry) }
    }

    /// All but the rows, which stand in segments by now.
    private func apply(_ piece: LogPiece, in db: Database) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO log_time (recorded, entry) VALUES (?, ?)",
            arguments: [piece.recorded.microseconds, Int64(piece.entry)]
        )
        switch piece.change {
        case .rows: break
        case .publish(let id): try publish(id, piece: piece, in: db)
        case .retract(let view, let entries):
            try retract(view: view, entries: entries, piece: piece, in: db)
        case .forget(let entity, let views, let key, let keyHash):
            try forget(
                Erasure(entity: entity, views: views, key: key, keyHash: keyHash),
                piece: piece,
                in: db
            )
        case .retire(let view, let merge):
            try retire(view, merge: merge, piece: piece, in: db)
        }
    }

    /// The first entry that publishes an import is the one that counts; one of an import that has
    /// been abandoned publishes nothing.
    private func publish(_ id: String, piece: LogPiece, in db: Database) throws {
        try db.execute(
            sql: """
                UPDATE import SET log_entry = ?, recorded = ? WHERE id = ? AND log_entry IS NULL
                """,
            arguments: [Int64(piece.entry), piece.recorded.microseconds, id]
        )
        guard db.changesCount == 0 else { return }
        let known = try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (SELECT 1 FROM import WHERE id = :id)
                    OR EXISTS (SELECT 1 FROM abandoned_import WHERE id = :id)
                """,
            arguments: ["id": id]
        )
        guard known == true else {
            throw AlulaError.corrupt(
                "log entry \(piece.entry) publishes import \(id), which history does not have"
            )
        }
    }

    /// One segment for each view and layout.
    private static func segments(of pieces: [LogPiece]) throws(AlulaError) -> [NewSegment] {
        struct Kind: Hashable {
            var view: FeatureViewID
            var version: UInt32
        }
        var kinds: [Kind] = []
        var parts: [Kind: [PushedRows]] = [:]
        for piece in pieces {
            guard case .rows(let rows, let layout) = piece.change, rows.count > 0 else { continue }
            try NewSegment.check(rows, layout: layout)
            let kind = Kind(view: rows.view, version: layout.version)
            if parts[kind] == nil { kinds.append(kind) }
            parts[kind, default: []].append(PushedRows(piece: piece, rows: rows, layout: layout))
        }
        return kinds.compactMap { parts[$0].map(NewSegment.init(pushed:)) }
    }
}

/// Rows of one log entry.
struct PushedRows {
    var piece: OfflineStore.LogPiece
    var rows: FeatureRows
    var layout: RowLayout

    /// The created times, with the recorded time where the source gave none.
    var created: Domain.Column {
        let given = rows.created.int64s
        return Domain.Column(
            int64s: given.indices.map {
                rows.created.isValid($0) ? given[$0] : piece.recorded.microseconds
            },
            type: .timestamp
        )
    }
}

extension NewSegment {
    /// `pushed` is not empty, and all of one view and layout.
    init(pushed: [PushedRows]) {
        func joined(_ type: ValueType, _ column: (PushedRows) -> Domain.Column) -> Domain.Column {
            Domain.Column.joined(pushed.map(column), type: type)
        }
        let first = pushed[0].rows
        rows = FeatureRows(
            view: first.view,
            schemaVersion: first.schemaVersion,
            keys: first.keys.indices.map { part in
                joined(first.keys[part].type) { $0.rows.keys[part] }
            },
            event: joined(.timestamp) { $0.rows.event },
            created: joined(.timestamp) { $0.created },
            features: first.features.indices.map { index in
                joined(first.features[index].type) { $0.rows.features[index] }
            }
        )
        layout = pushed[0].layout
        entries = pushed.flatMap { repeatElement(Int64($0.piece.entry), count: $0.rows.count) }
        numbers = pushed.flatMap { 0..<UInt32($0.rows.count) }
    }
}
