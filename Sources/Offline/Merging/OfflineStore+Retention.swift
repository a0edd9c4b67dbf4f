package import Domain
import GRDB

/// A copy of a view's history without what retention takes, which waits for the log entry that
/// puts it in the place of what is there.
package struct StagedRetention: Sendable, Hashable {
    /// To be named by the log entry.
    package var merge: Int64
    package var view: FeatureViewID
    package var rowsTaken: UInt64
}

extension OfflineStore {
    /// Copies the published history of a view without the rows that the rule takes, as segments
    /// that no query sees; nil where it takes nothing.
    ///
    /// Until the copy is swapped in or discarded, no segment of the view is rewritten; rows that
    /// come meanwhile stay.
    package func stageRetention(
        _ view: FeatureView,
        _ rule: RetentionRule,
        now: Timestamp,
        isCancelled: () -> Bool,
        progress: (_ rowsDone: UInt64, _ rowsTotal: UInt64) -> Void
    ) throws(AlulaError) -> StagedRetention? {
        try rewriting(view.id, isCancelled: isCancelled) { () throws(AlulaError) in
            guard try countRetention(view, rule, now: now, isCancelled: isCancelled) > 0 else {
                return nil
            }
            let segments = try liveSegments(of: view.id)
            let passes = CompactionPlan.passes(segments.map(\.run))
            try merge(
                segments,
                of: view,
                passes: passes.dropLast(),
                isCancelled: isCancelled,
                progress: progress
            )
            let inputs = try liveSegments(of: view.id).map(\.id)
            let runs = try runs(of: inputs, view)
            var cut: RetentionCut? = rule.cut(now: now)
            let (writer, _) = try write(
                runs,
                of: view,
                cut: &cut,
                isCancelled: isCancelled,
                progress: { progress($0, runs.rows) }
            )
            let staged = StagedRetention(
                merge: writer.merge,
                view: view.id,
                rowsTaken: cut?.taken ?? 0
            )
            do throws(AlulaError) {
                merges.noteStaged(writer.merge)
                try write { try OfflineStore.stage(staged, writer, inputs, $0) }
            } catch {
                abandon(writer.merge)
                throw error
            }
            merges.ended(writer.merge)
            return staged
        }
    }

    /// How many rows the rule would take.
    package func countRetention(
        _ view: FeatureView,
        _ rule: RetentionRule,
        now: Timestamp,
        isCancelled: () -> Bool = { false }
    ) throws(AlulaError) -> UInt64 {
        var cut = rule.cut(now: now)
        let through = appliedThrough
        let runs = try read { db in
            var segments = try OfflineStore.liveSegments(of: view.id, db)
            // Where only age counts, what has nothing old does not matter.
            if rule.rowsPerKey == nil { segments.removeAll { $0.oldestEvent >= cut.cutoff } }
            return try SortedRuns(
                try SegmentMap(
                    db,
                    view: view,
                    segments: segments.map(\.id),
                    through: through,
                    pins: pins
                )
            )
        }
        var merge = SortedMerge(runs, hiding: .marks, tracksKeys: true)
        while !merge.isAtEnd {
            try checkCancelled(isCancelled)
            var rows: [MergedRow] = []
            try read { try merge.fill(&rows, upTo: 1 << 18, try BlockReading($0)) }
            _ = cut.keep(rows, isEnd: merge.isAtEnd)
        }
        return cut.taken
    }

    /// Gives up a staged copy that no log entry names.
    package func discard(_ staged: StagedRetention) throws(AlulaError) {
        try write { try OfflineStore.discard(staged.merge, $0) }
        _ = try clean()
    }

    /// Gives up what an earlier process has staged, and whose log entry never came.
    ///
    /// To be called when all of the log from before the start is applied.
    package func discardAbandonedRetention() throws(AlulaError) {
        let abandoned = try read { db in
            try Int64.fetchAll(db, sql: "SELECT id FROM merge WHERE state = 'staged'")
                .filter { !merges.isStaged($0) }
        }
        guard !abandoned.isEmpty else { return }
        try write { db in
            for merge in abandoned { try OfflineStore.discard(merge, db) }
        }
        _ = try clean()
    }

    func hasStagedRetention(_ view: FeatureViewID) throws(AlulaError) -> Bool {
        try read { db in
            try Bool.fetchOne(
                db,
                sql: "SELECT EXISTS (SELECT 1 FROM merge WHERE view = ? AND state = 'staged')",
                arguments: [Int64(view.number)]
            ) ?? false
        }
    }

    private static func stage(
        _ staged: StagedRetention,
        _ writer: MergeWriter,
        _ inputs: [Int64],
        _ db: Database
    ) throws {
        try writer.finish(db)
        for segment in inputs {
            try db.execute(
                sql: "INSERT INTO merge_input (merge, segment) VALUES (?, ?)",
                arguments: [staged.merge, segment]
            )
        }
        try db.execute(
            sql: "UPDATE merge SET state = 'staged', rows_taken = ? WHERE id = ?",
            arguments: [Int64(staged.rowsTaken), staged.merge]
        )
    }
}

extension RetentionRule {
    func cut(now: Timestamp) -> RetentionCut {
        RetentionCut(
            cutoff: age.map { (now - $0).microseconds } ?? .min,
            rowsPerKey: rowsPerKey ?? .max
        )
    }
}
