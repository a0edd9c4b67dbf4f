import Domain
import GRDB

/// A segment as its record has it, with its groups.
struct SegmentRecord: Sendable, Hashable {
    struct Import: Sendable, Hashable {
        var view: Int64
        var rows: Int64
        var logEntry: Int64?
    }

    var id: Int64
    var view: Int64
    var importNumber: Int64?
    /// Nil where there is none of that number.
    var imported: Import?
    var firstEntry: Int64?
    var lastEntry: Int64?
    var features: String
    var rows: Int64
    var oldestEvent: Int64
    var newestEvent: Int64
    var groups: [StoredGroup] = []

    /// The first segment behind this id, but those that wait to be deleted or are being written.
    static func next(_ db: Database, after id: Int64) throws -> SegmentRecord? {
        try fetch(
            db,
            where: """
                s.id > ? AND (s.merge IS NULL OR s.merge IN
                    (SELECT id FROM merge WHERE state = 'staged'))
                ORDER BY s.id LIMIT 1
                """,
            id
        )
    }

    static func of(_ db: Database, _ id: Int64) throws -> SegmentRecord? {
        try fetch(db, where: "s.id = ?", id)
    }

    private static func fetch(
        _ db: Database,
        where condition: String,
        _ id: Int64
    ) throws -> SegmentRecord? {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT s.id, s.view, s.import, s.first_entry, s.last_entry, s.features, s.rows,
                    s.oldest_event, s.newest_event, i.view, i.rows, i.log_entry
                FROM segment s LEFT JOIN import i ON i.number = s.import
                WHERE \(condition)
                """,
            arguments: [id]
        )
        guard let row else { return nil }
        return SegmentRecord(
            id: row[0],
            view: row[1],
            importNumber: row[2],
            imported: (row[9] as Int64?).map { Import(view: $0, rows: row[10], logEntry: row[11]) },
            firstEntry: row[3],
            lastEntry: row[4],
            features: row[5],
            rows: row[6],
            oldestEvent: row[7],
            newestEvent: row[8],
            groups: try StoredGroup.ofSegment(db, row[0])
        )
    }

    /// What is wrong with the record, and with what it says of its groups.
    func problems(of view: FeatureView, appliedThrough: UInt64) -> [String] {
        var problems: [String] = []
        if importNumber != nil {
            guard let imported else { return ["it is of an import that does not exist"] }
            if imported.view != self.view { problems.append("its import is of another view") }
            if imported.logEntry ?? 0 > Int64(clamping: appliedThrough) {
                problems.append("its import is of a log entry that has not been applied")
            }
        } else if let firstEntry, let lastEntry, firstEntry <= lastEntry {
            if lastEntry > Int64(clamping: appliedThrough) {
                problems.append("it is of a log entry that has not been applied")
            }
        } else {
            problems.append("it does not say which log entries it holds")
        }
        if let slots = try? FeatureSlots(features).slots {
            let known = view.layouts.flatMap(\.slots)
            for (feature, slot) in slots.sorted(by: { $0.value.index < $1.value.index })
            where !known.contains(where: { $0.feature == feature && $0.type == slot.type }) {
                problems.append("its feature \(feature) of type \(slot.type) is not of the view")
            }
        } else {
            problems.append("its list of features cannot be read")
        }
        let counted = groups.reduce(Int64(0)) { $0 + Int64($1.rows) }
        if groups.isEmpty { problems.append("it has no row groups") }
        if counted != rows {
            problems.append("it has \(rows) rows and its groups have \(counted)")
        }
        if let oldest = groups.map(\.minEvent).min(), let newest = groups.map(\.maxEvent).max(),
            oldest != oldestEvent || newest != newestEvent
        {
            problems.append("its oldest and newest event time are not those of its groups")
        }
        return problems
    }
}
