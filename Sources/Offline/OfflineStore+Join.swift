import Codec
package import Domain

extension OfflineStore {
    /// Finds for each row of the spine the row of the part's view, by the point-in-time rule with
    /// the part's look-back.
    ///
    /// Reads keys, times and positions only, of groups that may hold them.
    package func join(
        _ spine: SortedSpine,
        with part: FeaturePlan.ViewPart,
        scope: JoinScope,
        isCancelled: () -> Bool = { false }
    ) throws(AlulaError) -> JoinedRows {
        guard let keySpan = spine.keySpan else {
            let map = SegmentMap(view: part.view, through: scope.through)
            let nothing = PointInTimeJoin(
                spine,
                lookback: part.lookback,
                hidden: map.hidden,
                asKnown: scope.asKnown
            )
            return JoinedRows(nothing, part: part, map: map)
        }
        let filter = SegmentMap.Filter(
            through: scope.through,
            keys: keySpan,
            notAfter: spine.latestTime
        )
        let (join, map) = try join(
            spine,
            with: part.view,
            lookback: part.lookback,
            scope: scope,
            filter: filter,
            isCancelled: isCancelled
        )
        return JoinedRows(join, part: part, map: map)
    }

    func join(
        _ spine: SortedSpine,
        with view: FeatureView,
        lookback: TimeSpan?,
        scope: JoinScope,
        filter: SegmentMap.Filter,
        isCancelled: () -> Bool
    ) throws(AlulaError) -> (PointInTimeJoin, SegmentMap) {
        try read { db in
            let map = try SegmentMap(db, view: view, filter: filter, pins: pins)
            let reading = try BlockReading(db)
            var join = PointInTimeJoin(
                spine,
                lookback: lookback,
                hidden: map.hidden,
                asKnown: scope.asKnown
            )
            for group in map.groups.indices {
                try checkCancelled(isCancelled)
                join.add(try reading.sortedGroup(group, in: map), number: Int32(group))
            }
            return (join, map)
        }
    }

    /// The features of these rows of the spine, in the plan's order and types.
    ///
    /// Throws `resourceExhausted` where that is more than fits in memory as one piece.
    package func features(
        of joined: JoinedRows,
        rows: Range<Int>,
        isCancelled: () -> Bool = { false }
    ) throws(AlulaError) -> [Column] {
        let gather = RowGather(joined.map, groups: joined.groups[rows], rows: joined.rows[rows])
        return try read { db in
            let reading = try BlockReading(db)
            return try joined.features.map { selection in
                try checkCancelled(isCancelled)
                return try gather.column(
                    .feature(selection.feature, selection.type),
                    type: selection.type,
                    reading
                )
            }
        }
    }
}

func checkCancelled(_ isCancelled: () -> Bool) throws(AlulaError) {
    guard !isCancelled() else { throw AlulaError(.cancelled, "the call was cancelled") }
}
