import Domain
import Offline
import Online
import RocksDB

/// Takes out of history, and out of the online store, what a view's retention rule takes.
struct Retention: Sendable {
    let parts: IngestParts
    private let turn = Turn()

    private static let scanRows = 16_384

    init(_ parts: IngestParts) { self.parts = parts }

    /// Answers how many rows of history it took, or would take; 0 where the view has no rule.
    func run(
        _ view: FeatureView,
        dryRun: Bool,
        isCancelled: () -> Bool,
        progress: (_ done: UInt64, _ total: UInt64) -> Void
    ) throws(AlulaError) -> UInt64 {
        guard let rule = view.retention else { return 0 }
        if dryRun { return try parts.offline.countRetention(view, rule, now: parts.now()) }
        return try turn.with(isCancelled) { () throws(AlulaError) in
            let now = parts.now()
            // Rows of later entries may come into history while the others are copied.
            let through = parts.offline.appliedThrough
            let staged = try parts.offline.stageRetention(
                view,
                rule,
                now: now,
                isCancelled: isCancelled,
                progress: progress
            )
            guard let staged else {
                try parts.finish(.retention(view.id, ran: now))
                return 0
            }
            let job = RetireJob(
                view: view.id,
                merge: staged.merge,
                before: rule.age.map { now - $0 },
                through: through,
                ran: now
            )
            let entry = try append(job, staged)
            try parts.follower.wait(for: entry, isCancelled: isCancelled)
            try expire(isCancelled: isCancelled)
            return staged.rowsTaken
        }
    }

    private func append(
        _ job: RetireJob,
        _ staged: StagedRetention
    ) throws(AlulaError) -> UInt64 {
        do throws(AlulaError) {
            guard case .entry(let entry) = try parts.writer.run(.retire(job)) else {
                throw AlulaError.otherKindOfWrite
            }
            return entry
        } catch {
            // After a failed write it is not certain whether the entry is there: what is staged
            // stays until the next start tells.
            if parts.database.failure == nil { try parts.offline.discard(staged) }
            throw error
        }
    }

    /// Takes all that a dropped view has, in history and online.
    ///
    /// Done again, it finds nothing; a view is looked at once after it was dropped.
    func erase(
        _ dropped: DroppedView,
        isCancelled: () -> Bool
    ) throws(AlulaError) -> UInt64 {
        try turn.with(isCancelled) { () throws(AlulaError) in
            let view = dropped.view
            // What was pushed before it was dropped comes into history first: also what the writer
            // had begun.
            try parts.finish(.retractions([]))
            let last = parts.follower.progress.read(\.last)
            try parts.follower.wait(for: last, isCancelled: isCancelled)
            let now = parts.now()
            let through = parts.offline.appliedThrough
            let staged = try parts.offline.stageRetention(
                view,
                RetentionRule(rowsPerKey: 0),
                now: now,
                isCancelled: isCancelled,
                progress: { _, _ in }
            )
            guard let staged else {
                try parts.finish(.retention(view.id, ran: max(now, dropped.time)))
                return 0
            }
            let job = RetireJob(
                view: view.id,
                merge: staged.merge,
                before: .distantFuture,
                through: through,
                ran: max(now, dropped.time)
            )
            let entry = try append(job, staged)
            try parts.follower.wait(for: entry, isCancelled: isCancelled)
            try expire(isCancelled: isCancelled)
            return staged.rowsTaken
        }
    }

    /// Whether nobody has looked at a dropped view since.
    func isDue(_ dropped: DroppedView) throws(AlulaError) -> Bool {
        guard let last = try parts.records.retentionTime(dropped.view.id) else { return true }
        return last < dropped.time
    }

    /// When the rule of a view is due again.
    func isDue(_ view: FeatureView) throws(AlulaError) -> Bool {
        guard view.retention != nil else { return false }
        guard let last = try parts.records.retentionTime(view.id) else { return true }
        return last + Self.every <= parts.now()
    }

    private static let every = TimeSpan.seconds(86_400)

    /// Deletes the online rows that were taken out of history; goes on where a crash has ended it.
    func expire(isCancelled: () -> Bool) throws(AlulaError) {
        for expiry in try parts.records.expiries() {
            if let view = parts.viewOrDropped(expiry.view) {
                try expire(expiry, of: view, isCancelled)
            }
            try parts.finish(.expiry(expiry))
        }
    }

    private func expire(
        _ expiry: WithdrawalRecords.Expiry,
        of view: FeatureView,
        _ isCancelled: () -> Bool
    ) throws(AlulaError) {
        var after: [UInt8]?
        repeat {
            guard !isCancelled() else {
                throw AlulaError(.cancelled, "the retention of view \(view.name) was stopped")
            }
            let found = try parts.online.standingRows(
                of: view,
                after: after,
                limit: Self.scanRows
            ) { $0.event < expiry.before && $0.position.entry <= expiry.through }
            after = found.next
            guard !found.rows.isEmpty else { continue }
            let job = ExpireJob(expiry: expiry, keys: found.rows.map(\.onlineKey))
            _ = try parts.writer.run(.expire(job))
        } while after != nil
    }
}
