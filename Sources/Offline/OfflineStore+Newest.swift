import Codec
package import Domain

/// The newest row of each of some keys.
package struct NewestRows: Sendable {
    /// At the view's present layout; created times are as they are kept.
    package var rows: FeatureRows
    package var positions: [LogPosition]
    /// The log entry up to which rows were seen.
    package var through: UInt64
}

extension OfflineStore {
    /// Gives the newest row of every key not later than `notAfter`, each key once, in key order, at
    /// most `batchRows` at a time, as of one moment.
    ///
    /// Stops early where the body answers false.
    package func newestRows(
        of view: FeatureView,
        notAfter: Timestamp,
        batchRows: Int,
        body: (NewestRows) throws -> Bool
    ) throws {
        let through = appliedThrough
        let filter = SegmentMap.Filter(through: through, keys: nil, notAfter: notAfter)
        let spine = SortedSpine(keys: try distinctKeys(of: view, filter: filter), at: notAfter)
        let part = FeaturePlan.ViewPart(
            view: view,
            label: view.name.text,
            keyColumns: [],
            lookback: nil,
            maxAge: nil,
            features: []
        )
        let joined = try join(spine, with: part, scope: JoinScope(through: through))
        let map = joined.map
        let winners = joined.winners.filter { $0.group >= 0 }
        var pace = GatherPace(view.features.map(\.type) + map.keyTypes.map(\.valueType))
        var start = 0
        while start < winners.count {
            let piece = winners[start..<min(start + pace.rows, winners.count)]
            let rows: FeatureRows
            let places: [LogPosition]
            do {
                (rows, places) = try gathered(piece, of: view, map)
            } catch let error as AlulaError where error.code == .resourceExhausted && pace.shrink()
            {
                continue
            }
            pace.note(rows.features + rows.keys, rows: rows.count)
            for first in stride(from: 0, to: rows.count, by: batchRows) {
                let range = first..<min(first + batchRows, rows.count)
                let positions = Array(places[range])
                let batch = NewestRows(
                    rows: rows.slice(range),
                    positions: positions,
                    through: through
                )
                guard try body(batch) else { return }
            }
            start += rows.count
        }
    }

    private func gathered(
        _ winners: ArraySlice<PointInTimeJoin.Winner>,
        of view: FeatureView,
        _ map: SegmentMap
    ) throws -> (FeatureRows, [LogPosition]) {
        let gather = RowGather(
            map,
            groups: winners.map(\.group)[...],
            rows: winners.map(\.row)[...]
        )
        return try read { db in
            let reading = try BlockReading(db)
            let numbers = try gather.column(.number, type: .int32, reading).uint32s
            let entries = try gather.column(.entry, type: .int64, reading).int64s
            let positions = winners.enumerated().map { index, winner in
                let segment = map.segments[map.groups[Int(winner.group)].segment]
                return LogPosition(
                    entry: segment.importEntry ?? UInt64(bitPattern: entries[index]),
                    row: numbers[index]
                )
            }
            return (try gather.featureRows(of: view, reading), positions)
        }
    }

    /// Every key that has rows that pass the filter, and perhaps others, ascending, each once.
    private func distinctKeys(
        of view: FeatureView,
        filter: SegmentMap.Filter
    ) throws(AlulaError) -> SortableKeys {
        try read { db in
            let map = try SegmentMap(db, view: view, filter: filter)
            let reading = try BlockReading(db)
            var all = SortableKeys(map.keyTypes)
            var sortedCount = 0
            for group in map.groups.indices {
                let keys = try reading.keys(of: group, in: map)
                for index in 0..<keys.count
                where index == 0 || keys.compare(index, keys, index - 1) != 0 {
                    all.append(index, of: keys)
                }
                if all.count > 2 * sortedCount + (1 << 20) {
                    all = all.sortedOnce(map.keyTypes)
                    sortedCount = all.count
                }
            }
            return all.sortedOnce(map.keyTypes)
        }
    }
}

extension SortableKeys {
    /// The same keys ascending, each once.
    fileprivate func sortedOnce(_ types: [KeyType]) -> SortableKeys {
        let order = (0..<Int32(count)).sorted { compare(Int($0), self, Int($1)) < 0 }
        var result = SortableKeys(types)
        result.reserveCapacity(count)
        for index in order
        where result.count == 0 || compare(Int(index), result, result.count - 1) != 0 {
            result.append(Int(index), of: self)
        }
        return result
    }
}

extension FeatureRows {
    /// The rows of this range.
    fileprivate func slice(_ range: Range<Int>) -> FeatureRows {
        FeatureRows(
            view: view,
            schemaVersion: schemaVersion,
            keys: keys.map { $0.rows(range) },
            event: event.rows(range),
            created: created.rows(range),
            features: features.map { $0.rows(range) }
        )
    }
}
