import Codec
package import Domain

/// Rows of one view with where they came from.
package struct HistoryRows: Sendable {
    /// The features of the view at its present layout.
    package var rows: FeatureRows
    package var recorded: [Timestamp]
    package var positions: [LogPosition]
    /// The import each row came with; nil for what was pushed.
    package var importIDs: [String?]
    /// What the point-in-time rule says of each row; empty where no moment was asked for.
    package var verdicts: [String] = []
}

extension OfflineStore {
    /// All rows of the key that are visible from this log entry, oldest first.
    ///
    /// With a moment each has its verdict: why a spine row of that event time would or would not
    /// take it.
    package func history(
        of view: FeatureView,
        key: EntityKey,
        through entry: UInt64,
        at moment: HistoryMoment? = nil
    ) throws(AlulaError) -> HistoryRows {
        try read { db in
            let filter = SegmentMap.Filter(
                through: entry,
                keys: try SegmentMap.KeySpan(key, of: view),
                notAfter: .distantFuture
            )
            let map = try SegmentMap(db, view: view, filter: filter)
            let reading = try BlockReading(db)
            var found = try KeyRows.visible(key, in: map, reading)
            found.sort { $0.order < $1.order }
            let origins = try RowOrigins(db).of(found.map(\.order.position.entry))
            let gather = RowGather(
                map,
                groups: found.map(\.group)[...],
                rows: found.map(\.row)[...]
            )
            return HistoryRows(
                rows: try gather.featureRows(of: view, reading),
                recorded: origins.map(\.recorded),
                positions: found.map(\.order.position),
                importIDs: origins.map(\.importID),
                verdicts: moment.map { texts(found.map(\.order), at: $0) } ?? []
            )
        }
    }

    private func texts(_ rows: [RowOrder], at moment: HistoryMoment) -> [String] {
        let (verdicts, taken) = RowVerdict.verdicts(on: rows, at: moment)
        return zip(verdicts, rows).map { verdict, row in
            verdict.text(of: row, at: moment, taken: taken.map { rows[$0] })
        }
    }
}

/// Finds the rows of one key.
enum KeyRows {
    struct Found {
        var order: RowOrder
        var group: Int32
        var row: Int32
    }

    /// Where the visible rows of the key stand.
    static func visible(
        _ key: EntityKey,
        in map: SegmentMap,
        _ reading: BlockReading
    ) throws -> [Found] {
        var wanted = SortableKeys(map.keyTypes)
        wanted.append(key)
        var found: [Found] = []
        for number in map.groups.indices {
            let group = try reading.sortedGroup(number, in: map)
            let first = group.keys.firstIndex(from: 0, notBefore: wanted, 0)
            let end = group.keys.firstIndex(from: first, after: wanted, 0)
            guard first < end else { continue }
            let forgotten = map.hidden.forgotten(first, of: group.keys)
            for row in first..<end where map.hidden.shows(row, of: group, forgotten) {
                found.append(
                    Found(order: group.order(row), group: Int32(number), row: Int32(row))
                )
            }
        }
        return found
    }
}

extension SegmentMap.KeySpan {
    /// One key; throws where it is not of the view's entity.
    init(_ key: EntityKey, of view: FeatureView) throws(AlulaError) {
        guard key.parts.map(\.type) == view.entity.keys.map(\.type) else {
            throw .invalid("the key does not have the parts of entity \(view.entity.name)")
        }
        let bytes = KeyCodec.encode(key)
        self.init(least: bytes, greatest: bytes)
    }
}
