package import Domain

/// What a compaction of a view has done.
package struct CompactionResult: Sendable, Hashable {
    package var segmentsBefore: Int
    package var segmentsAfter: Int
    /// Of the view, as it is now.
    package var rows: UInt64
}

extension OfflineStore {
    /// Merges the published segments of a view into one.
    ///
    /// No answer changes. Rows are copied in transactions of at most 8 MiB, and each merge takes
    /// effect in one small one; what was merged before a cancel or a crash stays so. Where there
    /// are very many segments they are merged in passes. The rows of forgotten keys are dropped,
    /// and free pages given back.
    package func compact(
        _ view: FeatureView,
        isCancelled: () -> Bool,
        progress: (_ rowsDone: UInt64, _ rowsTotal: UInt64) -> Void
    ) throws(AlulaError) -> CompactionResult {
        let before = try rewriting(view.id, isCancelled: isCancelled) { () throws(AlulaError) in
            let segments = try liveSegments(of: view.id)
            try merge(
                segments,
                of: view,
                passes: CompactionPlan.passes(segments.map(\.run)),
                isCancelled: isCancelled,
                progress: progress
            )
            return segments.count
        }
        _ = try clean(isCancelled: isCancelled)
        _ = try giveBackPages(keepsSome: false, isCancelled: isCancelled)
        let after = try liveSegments(of: view.id)
        return CompactionResult(
            segmentsBefore: before,
            segmentsAfter: after.count,
            rows: after.reduce(0) { $0 + $1.rows }
        )
    }

    /// One piece of the work in the background: deletes what was replaced, or does one merge of a
    /// view that has many segments, or gives pages back; false where there is nothing to do.
    ///
    /// A merge gives way to whoever waits to rewrite the view.
    package func compactStep(
        _ views: [FeatureView],
        isCancelled: () -> Bool
    ) throws(AlulaError) -> Bool {
        if try clean(isCancelled: isCancelled) { return true }
        for view in views where merges.enterIfFree(view.id) {
            defer { merges.leave(view.id) }
            guard try !hasStagedRetention(view.id) else { continue }
            let segments = try liveSegments(of: view.id)
            guard let places = CompactionPlan.next(segments.map(\.rows)) else { continue }
            do throws(AlulaError) {
                _ = try merge(
                    places.map { segments[$0].id },
                    of: view,
                    on: .one,
                    isCancelled: { isCancelled() || merges.isWanted(view.id) },
                    progress: { _ in }
                )
            } catch  where error.code == .cancelled && !isCancelled() {
                continue
            }
            return true
        }
        return try giveBackPages(keepsSome: true, isCancelled: isCancelled)
    }

    /// Carries out the passes of a plan.
    func merge(
        _ segments: [LiveSegment],
        of view: FeatureView,
        passes: [[Int]],
        isCancelled: () -> Bool,
        progress: (_ rowsDone: UInt64, _ rowsTotal: UInt64) -> Void
    ) throws(AlulaError) {
        // Of each segment to be: which it is, and its rows; no segment where no row was left.
        var made: [(id: Int64?, rows: UInt64)] = segments.map { ($0.id, $0.rows) }
        var rows = made.map(\.rows)
        for pass in passes { rows.append(pass.reduce(0) { $0 + rows[$1] }) }
        let total = rows[segments.count...].reduce(0, +)
        var done: UInt64 = 0
        for pass in passes {
            let inputs = pass.compactMap { made[$0].id }
            let size = pass.reduce(0) { $0 + made[$1].rows }
            guard inputs.count > 1 else {
                made.append((inputs.first, size))
                continue
            }
            let segment = try merge(inputs, of: view, isCancelled: isCancelled) {
                progress(done + $0, total)
            }
            made.append((segment, size))
            done += size
            progress(done, total)
        }
    }
}

extension OfflineStore.LiveSegment {
    var run: CompactionPlan.Run { .init(rows: rows, keys: keys) }
}
