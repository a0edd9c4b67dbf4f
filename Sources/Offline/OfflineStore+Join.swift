import Codec
package import Domain
import Synchronization

extension OfflineStore {
    /// Finds for each row of the spine the row of the part's view, by the point-in-time rule with
    /// the part's look-back.
    ///
    /// Reads keys, times and positions only, of groups that may hold them, on all cores.
    package func join(
        _ spine: SortedSpine,
        with part: FeaturePlan.ViewPart,
        scope: JoinScope,
        isCancelled: @Sendable () -> Bool = { false }
    ) throws(AlulaError) -> JoinedView {
        try join([(spine, part)], scope: scope, isCancelled: isCancelled)[0]
    }

    /// As above, for several views at once.
    package func join(
        _ parts: [(spine: SortedSpine, part: FeaturePlan.ViewPart)],
        scope: JoinScope,
        isCancelled: @Sendable () -> Bool
    ) throws(AlulaError) -> [JoinedView] {
        let maps = try read { db in
            try parts.map { spine, part in
                guard let keySpan = spine.keySpan else {
                    return SegmentMap(view: part.view, through: scope.through)
                }
                let filter = SegmentMap.Filter(
                    through: scope.through,
                    keys: keySpan,
                    notAfter: spine.latestTime
                )
                return try SegmentMap(db, view: part.view, filter: filter, pins: pins)
            }
        }
        let pieces = zip(parts, maps).enumerated().flatMap { index, pair in
            JoinPiece.cut(pair.0.spine, pair.1).map { (view: index, piece: $0) }
        }
        let found = Mutex([Int: [PointInTimeJoin.Winner]]())
        try inParallel(pieces.count) { number in
            let (view, piece) = pieces[number]
            let (spine, part) = parts[view]
            let map = maps[view]
            var join = PointInTimeJoin(
                spine,
                keys: piece.keys,
                lookback: part.lookback,
                hidden: map.hidden,
                asKnown: scope.asKnown,
                isContested: piece.isContested
            )
            let wantsDetails =
                piece.isContested || scope.asKnown || map.hidden.forgetsKeys
            try read { db in
                let reading = try BlockReading(db)
                for group in piece.groups {
                    try checkCancelled(isCancelled)
                    let details = wantsDetails || map.groups[group].isPartlyHidden
                    join.add(
                        try reading.joinGroup(group, in: map, withDetails: details),
                        number: Int32(group)
                    )
                }
            }
            found.withLock { $0[number] = join.winners }
        }
        var winners = [[PointInTimeJoin.Winner]](repeating: [], count: parts.count)
        found.withLock { found in
            for (number, piece) in pieces.enumerated() {
                winners[piece.view] += found[number] ?? []
            }
        }
        return parts.indices.map {
            JoinedView(
                part: parts[$0].part,
                map: maps[$0],
                spine: parts[$0].spine,
                winners: winners[$0]
            )
        }
    }
}
