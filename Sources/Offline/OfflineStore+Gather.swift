package import Codec
package import Domain
import Synchronization

extension OfflineStore {
    /// Places the features of all joined views into the `columns()` of each, and answers what was found for each view.
    ///
    /// Each group is read once, on all cores. Throws `resourceExhausted` where values of no fixed
    /// width would take more than `mostTextBytes` in one column.
    package func gather(
        _ joined: [JoinedView],
        into columns: [[GatheredColumn]],
        mostTextBytes: Int = Limits.gatherBytes,
        isCancelled: @Sendable () -> Bool
    ) throws(AlulaError) -> [ViewReport] {
        let work = joined.enumerated().flatMap { index, view in
            GatherPiece.cut(view).map { (view: index, groups: $0) }
        }
        let reports = Mutex(joined.map { $0.report() })
        try inParallel(work.count) { number in
            let view = joined[work[number].view]
            let columns = columns[work[number].view]
            var lateness = Lateness()
            try read { db in
                let reading = try BlockReading(db)
                for group in work[number].groups where view.starts[group] < view.starts[group + 1] {
                    try checkCancelled(isCancelled)
                    let picks = GroupPicks(group, of: view)
                    try lateness.count(picks, group, view, reading)
                    try picks.place(
                        group,
                        of: view,
                        into: columns,
                        mostTextBytes: mostTextBytes,
                        reading
                    )
                }
            }
            reports.withLock { reports in
                reports[work[number].view].late += lateness.late
                reports[work[number].view].unknown += lateness.unknown
            }
        }
        return reports.withLock { $0 }
    }
}

/// Groups that one thread gathers from.
enum GatherPiece {
    /// Rows picked by one piece.
    private static let rows: Int32 = 65_536

    static func cut(_ view: JoinedView) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var first = 0
        for group in view.map.groups.indices
        where view.starts[group + 1] - view.starts[first] >= rows
            || group == view.map.groups.count - 1
        {
            pieces.append(first..<group + 1)
            first = group + 1
        }
        return pieces
    }
}

/// The rows of a group that are winners, and the rows of the spine that they are for.
private struct GroupPicks {
    let rows: [Int32]
    let targets: [Int32]
    let times: [Int64]

    init(_ group: Int, of view: JoinedView) {
        let entries = view.entries[Int(view.starts[group])..<Int(view.starts[group + 1])]
        rows = entries.map { view.winners[Int($0)].row }
        targets = entries.map { view.spine.rows[Int($0)] }
        times = entries.map { view.spine.times[Int($0)] }
    }

    func place(
        _ group: Int,
        of view: JoinedView,
        into columns: [GatheredColumn],
        mostTextBytes: Int,
        _ reading: BlockReading
    ) throws {
        for (selection, column) in zip(view.part.features, columns) {
            let content = SegmentMap.Content.feature(selection.feature, selection.type)
            guard let block = view.map.block(content, of: group) else {
                unsafe targets.withUnsafeBufferPointer { unsafe column.leaveNull($0) }
                continue
            }
            try reading.read(block, rows: view.map.groups[group].rows) { stored in
                try unsafe rows.withUnsafeBufferPointer { rows in
                    try unsafe targets.withUnsafeBufferPointer { targets in
                        try unsafe column.place(rows, of: stored, at: targets)
                    }
                }
            }
            guard column.isFixedWidth || column.waitingBytes <= mostTextBytes else {
                throw AlulaError(
                    .resourceExhausted,
                    "feature \(selection.column) takes more than \(mostTextBytes) bytes",
                    help: "take fewer features at once"
                )
            }
        }
    }
}

/// How many values were created after the event time of their spine row, and of how many that is
/// not known.
private struct Lateness {
    var late: UInt64 = 0
    var unknown: UInt64 = 0

    mutating func count(
        _ picks: GroupPicks,
        _ group: Int,
        _ view: JoinedView,
        _ reading: BlockReading
    ) throws {
        guard let block = view.map.block(.created, of: group) else { return }
        try reading.read(block, rows: view.map.groups[group].rows) { stored in
            for (row, time) in zip(picks.rows, picks.times) {
                guard let created = try stored.time(Int(row)) else {
                    unknown += 1
                    continue
                }
                if created > time { late += 1 }
            }
        }
    }
}
