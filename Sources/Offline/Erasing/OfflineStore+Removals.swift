import Codec
package import Domain
import struct Foundation.Data
import GRDB

extension OfflineStore {
    /// A key whose rows are out of all answers of a view and whose bytes may still be in the file.
    package struct PendingErasure: Sendable, Hashable {
        package var entity: EntityID
        package var view: FeatureViewID
        /// Canonical bytes.
        package var key: [UInt8]
        package var logEntry: UInt64

        package init(entity: EntityID, view: FeatureViewID, key: [UInt8], logEntry: UInt64) {
            self.entity = entity
            self.view = view
            self.key = key
            self.logEntry = logEntry
        }
    }

    /// How many rows of a key a view has.
    package struct KeyCount: Sendable, Hashable {
        package var view: FeatureViewID
        /// Published, also where they are retracted.
        package var historyRows: UInt64
        package var stagedRows: UInt64
    }

    /// What was taken out of history for good.
    package struct Removal: Sendable, Hashable {
        package enum Kind: String, Sendable, Hashable {
            case forget
            case retention
        }

        package var logEntry: UInt64
        package var kind: Kind
        /// Of a deletion.
        package var entity: EntityID?
        /// Of retention.
        package var view: FeatureViewID?
        /// Those of a deletion are counted as their bytes go.
        package var rows: UInt64
        package var recorded: Timestamp
    }
}

extension OfflineStore {
    package func pendingErasures() throws(AlulaError) -> [PendingErasure] {
        try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT entity, view, key, log_entry FROM erasure WHERE import IS NULL
                    ORDER BY log_entry, view
                    """
            ).map { row in
                PendingErasure(
                    entity: EntityID(UInt32(clamping: row[0] as Int64)),
                    view: FeatureViewID(UInt32(clamping: row[1] as Int64)),
                    key: Array(row[2] as Data),
                    logEntry: UInt64(bitPattern: row[3] as Int64)
                )
            }
        }
    }

    /// What was taken out of history by later log entries than this one, in their order.
    package func removals(after entry: UInt64) throws(AlulaError) -> [Removal] {
        try read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT log_entry, kind, entity, view, rows, recorded FROM removal
                    WHERE log_entry > ? ORDER BY log_entry
                    """,
                arguments: [Int64(clamping: entry)]
            )
            return try rows.map { row in
                guard let kind = Removal.Kind(rawValue: row[1]) else {
                    throw AlulaError.corrupt("a removal of history is of an unknown kind")
                }
                return Removal(
                    logEntry: UInt64(bitPattern: row[0] as Int64),
                    kind: kind,
                    entity: (row[2] as Int64?).map { EntityID(UInt32(clamping: $0)) },
                    view: (row[3] as Int64?).map { FeatureViewID(UInt32(clamping: $0)) },
                    rows: UInt64(row[4] as Int64),
                    recorded: Timestamp(microseconds: row[5])
                )
            }
        }
    }

    /// How many rows of the key there are now, which is what a deletion would take.
    package func countRows(
        ofKey key: EntityKey,
        in views: [FeatureView]
    ) throws(AlulaError) -> [KeyCount] {
        for view in views { _ = try SegmentMap.KeySpan(key, of: view) }
        return try read { db in
            let reading = try BlockReading(db)
            return try views.map { try OfflineStore.count(key, in: $0, reading) }
        }
    }

    private static func count(
        _ key: EntityKey,
        in view: FeatureView,
        _ reading: BlockReading
    ) throws -> KeyCount {
        let types = view.entity.keys.map(\.type)
        let forgotten = try ForgottenKeys(reading.db, view: view.id, keyTypes: types)
        var wanted = SortableKeys(types)
        wanted.append(key)
        let rule = forgotten.place(0, of: wanted).map { forgotten.rules[$0] }
        var count = KeyCount(view: view.id, historyRows: 0, stagedRows: 0)
        let groups = try StoredGroup.ofHistory(
            reading.db,
            of: view.id,
            key: wanted.canonicalBytes(0)
        )
        for group in groups {
            let keys = try group.keys(types, reading)
            let first = keys.firstIndex(from: 0, notBefore: wanted, 0)
            let rows = first..<keys.firstIndex(from: first, after: wanted, 0)
            var alive = rows.count
            if let rule, !rows.isEmpty {
                let positions = try group.positions(types, reading)
                alive = rows.count { positions.deletion($0, rule) == nil }
            }
            if group.importNumber != nil, group.importEntry == nil {
                count.stagedRows += UInt64(alive)
            } else {
                count.historyRows += UInt64(alive)
            }
        }
        return count
    }

    /// How many rows of these log entries the answers show now, which is what a retraction would
    /// hide.
    package func countRows(
        of entries: ClosedRange<UInt64>,
        view: FeatureView
    ) throws(AlulaError) -> UInt64 {
        let filter = SegmentMap.Filter(
            through: appliedThrough,
            keys: nil,
            notAfter: .distantFuture
        )
        return try read { db in
            let map = try SegmentMap(db, view: view, filter: filter)
            let reading = try BlockReading(db)
            var count: UInt64 = 0
            for (number, group) in map.groups.enumerated() {
                let held = map.segments[group.segment].entries
                guard held.overlaps(entries) else { continue }
                let isWhole =
                    entries.lowerBound <= held.lowerBound && held.upperBound <= entries.upperBound
                if isWhole, !group.isPartlyHidden, !map.hidden.forgetsKeys {
                    count += UInt64(group.rows)
                    continue
                }
                let sorted = try reading.sortedGroup(number, in: map)
                for row in 0..<sorted.count where entries.contains(sorted.entry(row)) {
                    let forgotten = map.hidden.forgotten(row, of: sorted.keys)
                    if map.hidden.shows(row, of: sorted, forgotten) { count += 1 }
                }
            }
            return count
        }
    }
}
