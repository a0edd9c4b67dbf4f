import Codec
package import Domain

/// Every row of one entity in one view, oldest first.
package struct HistoryRows: Sendable {
    /// The features of the view at its present layout.
    package var rows: FeatureRows
    package var recorded: [Timestamp]
    package var positions: [LogPosition]
    /// The import each row came with; nil for what was pushed.
    package var importIDs: [String?]
}

extension OfflineStore {
    /// All rows of the key up to this log entry, in their order.
    package func history(
        of view: FeatureView,
        key: EntityKey,
        through entry: UInt64
    ) throws(AlulaError) -> HistoryRows {
        struct Found {
            var order: RowOrder
            var group: Int32
            var row: Int32
        }
        guard key.parts.map(\.type) == view.entity.keys.map(\.type) else {
            throw .invalid("the key does not have the parts of entity \(view.entity.name)")
        }
        let bytes = KeyCodec.encode(key)
        var wanted = SortableKeys(view.entity.keys.map(\.type))
        wanted.append(key)
        return try read { db in
            let filter = SegmentMap.Filter(
                through: entry,
                keys: SegmentMap.KeySpan(least: bytes, greatest: bytes),
                notAfter: .distantFuture
            )
            let map = try SegmentMap(db, view: view, filter: filter)
            let reading = try BlockReading(db)
            var found: [Found] = []
            for number in map.groups.indices {
                let group = try reading.sortedGroup(number, in: map)
                let first = group.keys.firstIndex(from: 0, notBefore: wanted, 0)
                let end = group.keys.firstIndex(from: first, after: wanted, 0)
                let forgotten = first < end ? map.hidden.forgotten(first, of: group.keys) : nil
                for row in first..<end where map.hidden.shows(row, of: group, forgotten) {
                    found.append(
                        Found(
                            order: group.order(row),
                            group: Int32(number),
                            row: Int32(row)
                        )
                    )
                }
            }
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
                importIDs: origins.map(\.importID)
            )
        }
    }
}
