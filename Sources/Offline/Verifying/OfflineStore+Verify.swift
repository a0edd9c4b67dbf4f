package import Domain
import GRDB

extension OfflineStore {
    /// How often a segment is looked at again that changed meanwhile.
    private static let mostTries = 5

    /// Looks at everything there is: each block's checksum and content, the order of the rows, and
    /// what the tables say of them.
    ///
    /// `views` are all that the catalog has. One group of rows is in memory at a time; what is
    /// pushed, merged and deleted meanwhile makes no difference. Progress is in blocks.
    package func verify(
        views: [FeatureView],
        isCancelled: () -> Bool,
        progress: (_ done: UInt64, _ total: UInt64) -> Void
    ) throws(AlulaError) -> HistoryCheck {
        let byID = Dictionary(views.map { (Int64($0.id.number), $0) }) { first, _ in first }
        let total = try read { db in
            try Int64.fetchOne(db, sql: "SELECT IFNULL(SUM(blocks), 0) FROM row_group") ?? 0
        }
        let most = UInt64(max(1, total))
        var check = HistoryCheck()
        var last: Int64 = 0
        while let segment = try pinned({ try SegmentRecord.next($0, after: last) }) {
            last = segment.record.id
            let done = check.blocks
            let found = try verify(segment, views: byID, isCancelled: isCancelled) {
                progress(min(done + $0, most), most)
            }
            check.add(found)
        }
        for problem in try StructureCheck(views: byID).problems(of: self, isCancelled: isCancelled)
        {
            check.add(problem)
        }
        progress(most, most)
        return check
    }

    private struct PinnedSegment {
        var record: SegmentRecord
        var pin: SegmentPin
    }

    private func pinned(
        _ find: (Database) throws -> SegmentRecord?
    ) throws(AlulaError) -> PinnedSegment? {
        try read { db in
            try find(db).map { PinnedSegment(record: $0, pin: pins.pin([$0.id])) }
        }
    }

    /// Looks again where there are problems and the segment is not the same as before: an import
    /// that is staged, or rows that are deleted.
    private func verify(
        _ segment: PinnedSegment,
        views: [Int64: FeatureView],
        isCancelled: () -> Bool,
        progress: (_ blocks: UInt64) -> Void
    ) throws(AlulaError) -> HistoryCheck {
        var segment = segment
        var check = HistoryCheck()
        for _ in 0..<Self.mostTries {
            check = try verify(
                segment.record,
                views: views,
                isCancelled: isCancelled,
                progress: progress
            )
            guard check.problemCount > 0 else { return check }
            let id = segment.record.id
            guard let now = try pinned({ try SegmentRecord.of($0, id) }) else {
                return HistoryCheck()
            }
            if now.record == segment.record { return check }
            segment = now
        }
        return check
    }

    private func verify(
        _ segment: SegmentRecord,
        views: [Int64: FeatureView],
        isCancelled: () -> Bool,
        progress: (_ blocks: UInt64) -> Void
    ) throws(AlulaError) -> HistoryCheck {
        var check = HistoryCheck()
        check.segments = 1
        guard let view = views[segment.view] else {
            check.add(
                "segment \(segment.id) is of view \(segment.view), which the catalog does not have"
            )
            return check
        }
        let name = "view \(view.name), segment \(segment.id)"
        for problem in segment.problems(of: view, appliedThrough: appliedThrough) {
            check.add("\(name): \(problem)")
        }
        let keyTypes = view.entity.keys.map(\.type)
        var entries: ClosedRange<UInt64>?
        if segment.importNumber == nil, let first = segment.firstEntry,
            let last = segment.lastEntry, 0 <= first, first <= last
        {
            entries = UInt64(first)...UInt64(last)
        }
        var groups = GroupCheck(
            name,
            keyTypes: keyTypes,
            entries: entries,
            importRows: segment.imported?.rows ?? 0
        )
        for group in segment.groups {
            try checkCancelled(isCancelled)
            // Its list of features has been reported.
            guard let types = try? group.types(keyTypes) else { break }
            try read { groups.add(group, types, try BlockReading($0)) }
            progress(groups.check.blocks)
        }
        check.add(groups.check)
        return check
    }
}
