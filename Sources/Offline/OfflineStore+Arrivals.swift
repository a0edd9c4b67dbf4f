import Codec
package import Domain
package import GRDB

// Rows of a view by when they came, not by whom they are about.
extension OfflineStore {
    /// The next log entry behind one that was applied, and when it was recorded; nil at the end.
    package func recorded(
        after entry: UInt64
    ) throws(AlulaError) -> (through: UInt64, time: Timestamp)? {
        try read { db in
            try Row.fetchOne(
                db,
                sql: "SELECT entry, recorded FROM log_time WHERE entry > ? ORDER BY entry LIMIT 1",
                arguments: [Int64(clamping: entry)]
            ).map { (UInt64($0[0] as Int64), Timestamp(microseconds: $0[1])) }
        }
    }

    /// Gives the features of the rows that came with these log entries and are in answers now, by
    /// key, at the view's present layout.
    ///
    /// Rows that were retracted, forgotten or taken by retention are not among them. No transaction
    /// is open while the body runs.
    package func arrivals(
        of view: FeatureView,
        entries: ClosedRange<UInt64>,
        isCancelled: () -> Bool,
        body: (FeatureRows) throws -> Void
    ) throws {
        let filter = SegmentMap.Filter(
            through: entries.upperBound,
            keys: nil,
            notAfter: .distantFuture,
            arrivedFrom: entries.lowerBound
        )
        var merge = SortedMerge(
            try pinnedRuns(of: view, filter),
            events: .min ... .max,
            hiding: .leavesOut,
            tracksKeys: false
        )
        try give(&merge, of: view, isCancelled: isCancelled, pick: { rows, _ in rows }) { rows, _ in
            try body(rows)
            return true
        }
    }

    /// The log entries of the rows that history holds of a key, in canonical bytes, whether they are
    /// in answers or are waiting to be erased.
    package func entries(
        of view: FeatureView,
        key: [UInt8]
    ) throws(AlulaError) -> Set<UInt64> {
        let filter = SegmentMap.Filter(
            through: UInt64(Int64.max),
            keys: SegmentMap.KeySpan(least: key, greatest: key),
            notAfter: .distantFuture
        )
        return try read { db in
            let map = try SegmentMap(db, view: view, filter: filter)
            let reading = try BlockReading(db)
            var wanted = SortableKeys(map.keyTypes)
            wanted.append(try KeyCodec.decode(key, parts: map.keyTypes.count))
            var found: Set<UInt64> = []
            for number in map.groups.indices {
                let group = try reading.sortedGroup(number, in: map)
                let first = group.keys.firstIndex(from: 0, notBefore: wanted, 0)
                let end = group.keys.firstIndex(from: first, after: wanted, 0)
                for row in first..<max(first, end) { found.insert(group.entry(row)) }
            }
            return found
        }
    }

    /// How many rows history holds of each log entry, but for retracted ones.
    package func rowsOfEntries(
        of view: FeatureView,
        isCancelled: () -> Bool
    ) throws(AlulaError) -> [UInt64: UInt64] {
        let filter = SegmentMap.Filter(
            through: UInt64(Int64.max),
            keys: nil,
            notAfter: .distantFuture
        )
        let map = try read { try SegmentMap($0, view: view, filter: filter, pins: pins) }
        var counts: [UInt64: UInt64] = [:]
        for (number, group) in map.groups.enumerated() {
            try checkCancelled(isCancelled)
            if let entry = map.segments[group.segment].importEntry {
                counts[entry, default: 0] += UInt64(group.rows)
                continue
            }
            let entries = try read { db in
                try BlockReading(db).column(.entry, of: number, in: map)?.int64s ?? []
            }
            for entry in entries { counts[UInt64(bitPattern: entry), default: 0] += 1 }
        }
        return counts.filter { !map.hidden.hides(entry: $0.key) }
    }
}

// MARK: - What was taken back

extension OfflineStore {
    /// Rows that were hidden, of one view or of all.
    package struct RetractedEntries: Sendable {
        package var logEntry: UInt64
        package var view: FeatureViewID?
        package var entries: ClosedRange<UInt64>
    }

    /// Rows of a view that retention took.
    package struct RetiredRows: Sendable {
        package var logEntry: UInt64
        package var view: FeatureViewID
    }

    package static func retractions(
        _ db: Database,
        after entry: UInt64
    ) throws -> [RetractedEntries] {
        try Row.fetchAll(
            db,
            sql: "SELECT * FROM retraction WHERE log_entry > ? ORDER BY log_entry",
            arguments: [Int64(clamping: entry)]
        ).map { row in
            let view: Int64? = row["view"]
            return RetractedEntries(
                logEntry: UInt64(row["log_entry"] as Int64),
                view: view.map { FeatureViewID(UInt32(clamping: $0)) },
                entries: UInt64(row["first_entry"] as Int64)...UInt64(row["last_entry"] as Int64)
            )
        }
    }

    package static func retirements(_ db: Database, after entry: UInt64) throws -> [RetiredRows] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT log_entry, view FROM removal
                WHERE kind = 'retention' AND log_entry > ? ORDER BY log_entry
                """,
            arguments: [Int64(clamping: entry)]
        ).compactMap { row in
            let view: Int64? = row["view"]
            return view.map {
                RetiredRows(
                    logEntry: UInt64(row["log_entry"] as Int64),
                    view: FeatureViewID(UInt32(clamping: $0))
                )
            }
        }
    }
}
