import Codec
package import Domain

extension OfflineStore {
    /// The newest row not later than `notAfter` of each of these keys that has one, in key order.
    ///
    /// The keys are canonical bytes, ascending, each once; they are few enough that their rows fit in
    /// memory, or `resourceExhausted` is thrown.
    package func newestRows(
        of view: FeatureView,
        keys: [[UInt8]],
        notAfter: Timestamp
    ) throws(AlulaError) -> NewestRows {
        let types = view.entity.keys.map(\.type)
        var sorted = SortableKeys(types)
        for key in keys { sorted.append(try KeyCodec.decode(key, parts: types.count)) }
        let through = appliedThrough
        let part = FeaturePlan.ViewPart(
            view: view,
            label: view.name.text,
            keyColumns: [],
            lookback: nil,
            maxAge: nil,
            features: []
        )
        let joined = try join(
            SortedSpine(keys: sorted, at: notAfter),
            with: part,
            scope: JoinScope(through: through)
        )
        let winners = joined.winners.filter { $0.group >= 0 }
        let gather = RowGather(
            joined.map,
            groups: winners.map(\.group)[...],
            rows: winners.map(\.row)[...]
        )
        return try read { db in
            let reading = try BlockReading(db)
            let numbers = try gather.column(.number, type: .int32, reading).uint32s
            let entries = try gather.column(.entry, type: .int64, reading).int64s
            let positions = winners.indices.map { index in
                let group = joined.map.groups[Int(winners[index].group)]
                let shared = joined.map.segments[group.segment].importEntry
                return LogPosition(
                    entry: shared ?? UInt64(bitPattern: entries[index]),
                    row: numbers[index]
                )
            }
            return NewestRows(
                rows: try gather.featureRows(of: view, reading),
                positions: positions,
                through: through
            )
        }
    }
}
