import Codec
package import Domain

/// What a view has for each row of a spine.
package enum JoinStatus: UInt8, Sendable, Hashable {
    case matched = 0
    /// A null in the key or no event time.
    case nullKey = 1
    case notFound = 2
    /// There are only rows older than the look-back.
    case expired = 3
}

/// The rows of a view that were found for a spine, in the spine's order, without their features.
package struct JoinedRows: Sendable {
    package let statuses: [JoinStatus]
    package let report: ViewReport
    let features: [FeatureService.Selection]
    let map: SegmentMap
    /// For each spine row the group in `map` and the row in it; a group below zero is none.
    let groups: [Int32]
    let rows: [Int32]

    init(_ join: consuming PointInTimeJoin, part: FeaturePlan.ViewPart, map: SegmentMap) {
        let spine = join.spine
        var statuses = [JoinStatus](repeating: .nullKey, count: spine.rowCount)
        var groups = [Int32](repeating: PointInTimeJoin.nothing, count: spine.rowCount)
        var rows = [Int32](repeating: 0, count: spine.rowCount)
        var report = ViewReport(label: part.label, view: part.view.name)
        var span: (oldest: Int64, newest: Int64) = (.max, .min)
        for (entry, winner) in join.winners.enumerated() {
            let row = Int(spine.rows[entry])
            guard winner.group >= 0 else {
                let older = winner.group == PointInTimeJoin.onlyOlder
                statuses[row] = older ? .expired : .notFound
                if older { report.expired += 1 } else { report.notFound += 1 }
                continue
            }
            statuses[row] = .matched
            groups[row] = winner.group
            rows[row] = winner.row
            report.matched += 1
            if !winner.isCreatedKnown {
                report.unknown += 1
            } else if winner.created > spine.times[entry] {
                report.late += 1
            }
            span = (min(span.oldest, winner.event), max(span.newest, winner.event))
        }
        report.nullKeys = UInt64(spine.rowCount - join.winners.count)
        if report.matched > 0 {
            report.oldestEvent = Timestamp(microseconds: span.oldest)
            report.newestEvent = Timestamp(microseconds: span.newest)
        }
        self.statuses = statuses
        self.report = report
        self.map = map
        self.groups = groups
        self.rows = rows
        features = part.features
    }
}
