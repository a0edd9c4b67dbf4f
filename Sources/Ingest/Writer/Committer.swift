import Domain
import Log
import Online
import RocksDB

/// Turns a group of jobs into one synced batch.
///
/// Owned by the writer's thread.
struct Committer {
    /// How far the log reaches, durable.
    private(set) var head: LogHead
    private(set) var withdrawals: Withdrawals
    private let database: Database
    private let log: FeatureLog
    let online: OnlineStore
    let answered: AnsweredRequests
    let records: WithdrawalRecords
    private let catalog: @Sendable () -> CatalogSnapshot
    /// The log entries of the last group.
    private(set) var appended = Appended()
    /// Of each view with rows online, durable with each group that changes it.
    private(set) var freshness: [FeatureViewID: ViewFreshness]
    private var nextSweep = Timestamp.distantPast

    private static let sweepEvery = TimeSpan.seconds(60)
    /// More than a group has, so that the sweep keeps up.
    private static let sweptAnswers = 1_024

    /// What a group added to the log.
    struct Appended {
        var bytes = 0
        /// Whether all of it is pushes.
        var isOfRows = true
    }

    /// What the jobs of a group share until it is written.
    struct Group {
        let batch: WriteBatch
        let snapshot: CatalogSnapshot
        var head: LogHead
        var appended = Appended()
        var withdrawals: Withdrawals
        var pending = PendingRows()
        var answers: [[UInt8]: [UInt8]] = [:]
        var publications: [String: UInt64] = [:]
    }

    init(
        database: Database,
        online: OnlineStore,
        head: LogHead,
        catalog: @escaping @Sendable () -> CatalogSnapshot
    ) throws(AlulaError) {
        self.database = database
        self.head = head
        self.catalog = catalog
        log = FeatureLog(database)
        self.online = online
        answered = AnsweredRequests(database: database)
        records = WithdrawalRecords(database: database)
        freshness = try ViewFreshness.all(in: database)
        withdrawals = Withdrawals(
            retractions: try records.retractions(),
            expiries: try records.expiries(),
            last: head.number
        )
    }

    /// A result for each job, in their order; a job that fails leaves nothing, and the others go
    /// on.
    ///
    /// `batch` is anyone's memory; what is in it goes.
    mutating func commit(
        _ jobs: [Job],
        in batch: WriteBatch,
        now: Timestamp
    ) -> [Result<Job.Answer, AlulaError>] {
        var group = Group(
            batch: batch,
            snapshot: catalog(),
            head: head,
            withdrawals: withdrawals
        )
        batch.removeAll()
        appended = Appended()
        group.head.recorded = max(now, head.recorded)
        var results: [Result<Job.Answer, AlulaError>] = []
        for job in jobs {
            results.append(
                Result { () throws(AlulaError) in try stage(job.work, in: &group) }
            )
        }
        guard group.batch.count > 0 else { return results }
        for key in group.pending.replacedRetracted { records.putToRestore(key, in: group.batch) }
        do throws(AlulaError) {
            try sweep(now, in: group)
            let present = ViewFreshness.put(
                group.pending.figures,
                onto: freshness,
                in: group.batch
            )
            let isSynced = jobs.contains { $0.work.isSynced }
            try write(group, isSynced ? .synced : .buffered)
            head = group.head
            withdrawals = group.withdrawals
            freshness = present
            appended = group.appended
            return results
        } catch {
            return results.map { result in
                switch result {
                case .success: .failure(error)
                case .failure: result
                }
            }
        }
    }

    /// Forgets answers that were kept long enough, a bounded number a group while there are more.
    private mutating func sweep(_ now: Timestamp, in group: Group) throws(AlulaError) {
        guard now >= nextSweep else { return }
        let swept = try answered.sweep(
            before: now - Limits.requestIdLife,
            most: Self.sweptAnswers,
            in: group.batch
        )
        if swept < Self.sweptAnswers { nextSweep = now + Self.sweepEvery }
    }

    /// Rows that are read while the batch is written are not taken into the row cache, which has the
    /// new ones before anybody is answered.
    private func write(
        _ group: Group,
        _ durability: Database.Durability
    ) throws(AlulaError) {
        online.cache.begin(group.pending, in: group.batch)
        do throws(AlulaError) {
            try database.write(group.batch, durability)
        } catch {
            online.cache.finish(group.pending, in: group.batch, written: false)
            throw error
        }
        online.cache.finish(group.pending, in: group.batch, written: true)
    }

    private func stage(_ work: Job.Work, in group: inout Group) throws(AlulaError) -> Job.Answer {
        switch work {
        case .push(let job):
            return .bytes(
                try once(job.requestID, &group) { group throws(AlulaError) in
                    job.answer(try push(job, in: &group))
                }
            )
        case .publish(let job):
            return .bytes(
                try once(job.requestID, &group) { group throws(AlulaError) in
                    job.answer(try publish(job, in: &group))
                }
            )
        case .retract(let job):
            return .bytes(
                try once(job.requestID, &group) { group throws(AlulaError) in
                    Self.bytes(try retract(job, in: &group))
                }
            )
        case .forget(let job):
            return .bytes(
                try once(job.requestID, &group) { group throws(AlulaError) in
                    Self.bytes(try forget(job, in: &group))
                }
            )
        case .retire(let job): return .entry(retire(job, in: &group))
        case .materialize(let job): return try materialize(job, in: &group)
        case .restore(let job): return try restore(job, in: &group)
        case .expire(let job):
            return .rowsWritten(
                try online.expire(
                    job.keys,
                    before: job.expiry.before,
                    through: job.expiry.through,
                    into: group.batch,
                    pending: &group.pending
                )
            )
        case .finish(let work):
            finish(work, in: &group)
            return .rowsWritten(0)
        }
    }

    /// A log entry as an answer that is kept.
    static func bytes(_ entry: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: entry >> (8 * $0)) }
    }

    static func entry(_ bytes: [UInt8]) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The answer kept under this request id, or a new one, which is kept.
    private func once(
        _ requestID: [UInt8],
        _ group: inout Group,
        _ body: (inout Group) throws(AlulaError) -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        if let answer = group.answers[requestID] { return answer }
        if let answer = try answered.answer(to: requestID) { return answer }
        let answer = try body(&group)
        answered.record(answer, to: requestID, at: group.head.recorded, in: group.batch)
        group.answers[requestID] = answer
        return answer
    }

    private func push(_ job: PushJob, in group: inout Group) throws(AlulaError) -> PushResult {
        var result = PushResult(
            logEntry: 0,
            statuses: job.checked.statuses,
            problems: job.checked.problems
        )
        let rows = job.checked.rows
        // The catalog may have moved on since the rows were checked.
        try group.snapshot.checkWritable(job.view)
        guard rows.count > 0 else { return result }
        guard let layout = job.view.layout(rows.schemaVersion) else {
            throw AlulaError(
                .internal,
                "view \(job.view.name) has no layout for its present version"
            )
        }
        let entry = group.head.number + 1
        let statuses = try online.apply(
            rows,
            of: job.view,
            from: .push(entry: entry, recorded: group.head.recorded),
            retracted: group.withdrawals.retracted(of: job.view.id),
            into: group.batch,
            pending: &group.pending
        )
        append(.push(rows, layout: layout), to: &group)
        for (row, status) in zip(job.checked.kept, statuses) { result.statuses[row] = status }
        result.logEntry = entry
        return result
    }

    /// The entry that publishes the import, the first one where it was published before.
    private func publish(_ job: PublishJob, in group: inout Group) throws(AlulaError) -> UInt64 {
        if let entry = group.publications[job.importID] { return entry }
        if let entry = try answered.publication(of: job.importID) { return entry }
        append(
            .publishImport(importID: job.importID, view: job.view, rows: job.rows),
            to: &group
        )
        let entry = group.head.number
        answered.recordPublication(of: job.importID, in: entry, in: group.batch)
        group.publications[job.importID] = entry
        return entry
    }

    func append(_ change: LogEntry.Change, to group: inout Group) {
        group.head.number += 1
        if case .push = change {} else { group.appended.isOfRows = false }
        group.appended.bytes += log.append(
            LogEntry(recorded: group.head.recorded, change: change),
            number: group.head.number,
            to: group.batch
        )
    }
}

extension CatalogSnapshot {
    /// Throws where rows of the view are not taken any more.
    func checkWritable(_ view: FeatureView) throws(AlulaError) {
        guard let present = self.view(id: view.id) else {
            throw .refused("view \(view.name) was dropped: it takes no rows")
        }
        guard !present.isRetired else {
            throw .refused(
                "view \(view.name) is retired: its history stays readable, it takes no rows"
            )
        }
    }
}

extension FeatureRows {
    /// About how many bytes the rows take.
    var byteCount: Int {
        (keys + [event, created] + features).reduce(0) { sum, column in
            sum + column.validity.count + 4 * (column.offsets.count + column.itemOffsets.count)
                + column.values.count
        }
    }
}
