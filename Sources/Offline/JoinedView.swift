package import Codec
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

/// The rows of a view that were found for a spine, without their features.
package struct JoinedView: Sendable {
    package let part: FeaturePlan.ViewPart
    let map: SegmentMap
    let spine: SortedSpine
    /// One for each entry of the sorted spine.
    let winners: [PointInTimeJoin.Winner]
    /// The entries that have a winner, by its group, ascending within a group.
    let entries: [Int32]
    /// Where the entries of each group of the map begin in `entries`, and where the last ones end.
    let starts: [Int32]

    init(
        part: FeaturePlan.ViewPart,
        map: SegmentMap,
        spine: SortedSpine,
        winners: [PointInTimeJoin.Winner]
    ) {
        self.part = part
        self.map = map
        self.spine = spine
        self.winners = winners
        var starts = [Int32](repeating: 0, count: map.groups.count + 1)
        for winner in winners where winner.group >= 0 { starts[Int(winner.group) + 1] += 1 }
        for group in map.groups.indices { starts[group + 1] += starts[group] }
        var next = starts
        var entries = [Int32](repeating: 0, count: Int(starts[map.groups.count]))
        for (entry, winner) in winners.enumerated() where winner.group >= 0 {
            entries[Int(next[Int(winner.group)])] = Int32(entry)
            next[Int(winner.group)] += 1
        }
        self.starts = starts
        self.entries = entries
    }

    /// A column for each feature of the part, for `gather` to fill.
    package func columns() -> [GatheredColumn] {
        var matched = [UInt8](repeating: 0, count: spine.rowCount)
        for entry in entries { matched[Int(spine.rows[Int(entry)])] = 1 }
        return part.features.map { GatheredColumn($0.type, expecting: matched) }
    }

    /// Counts what was found; late and unknown values are counted where features are gathered.
    func report() -> ViewReport {
        var report = ViewReport(label: part.label, view: part.view.name)
        var span: (oldest: Int64, newest: Int64) = (.max, .min)
        for winner in winners {
            switch winner.group {
            case PointInTimeJoin.nothing: report.notFound += 1
            case PointInTimeJoin.onlyOlder: report.expired += 1
            default:
                report.matched += 1
                span = (min(span.oldest, winner.event), max(span.newest, winner.event))
            }
        }
        report.nullKeys = UInt64(spine.rowCount - winners.count)
        if report.matched > 0 {
            report.oldestEvent = Timestamp(microseconds: span.oldest)
            report.newestEvent = Timestamp(microseconds: span.newest)
        }
        return report
    }

    /// In the order of the spine.
    package var statuses: [JoinStatus] {
        var statuses = [JoinStatus](repeating: .nullKey, count: spine.rowCount)
        for (entry, winner) in winners.enumerated() {
            statuses[Int(spine.rows[entry])] =
                switch winner.group {
                case PointInTimeJoin.nothing: .notFound
                case PointInTimeJoin.onlyOlder: .expired
                default: .matched
                }
        }
        return statuses
    }
}
