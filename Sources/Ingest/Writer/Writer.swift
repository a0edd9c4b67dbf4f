import Domain
import Log
import Online
import RocksDB
import Synchronization

/// The one thread that writes: takes all that waits as a group, looks up, compares, writes one
/// synced batch, then answers.
final class Writer: Sendable {
    private struct Queue {
        var jobs: [Job] = []
        /// What goes behind, one job a group.
        var background: [Job] = []
        var isStopping = false
        var isDone = false
    }

    private let database: Database
    private let online: OnlineStore
    private let catalog: @Sendable () -> CatalogSnapshot
    private let now: @Sendable () -> Timestamp
    private let acknowledged: @Sendable (_ last: UInt64, _ entries: Committer.Appended) -> Void
    private let patience: TimeSpan
    private let queue = Waitable(Queue())
    /// As of the last group.
    let freshness = Mutex<[FeatureViewID: ViewFreshness]>([:])
    /// Groups written since the start.
    let groups = Atomic<UInt64>(0)

    private static let groupBytes = 8 << 20
    private static let groupJobs = 512
    private static let queueJobs = 4_096

    init(
        database: Database,
        online: OnlineStore,
        catalog: @escaping @Sendable () -> CatalogSnapshot,
        now: @escaping @Sendable () -> Timestamp,
        patience: TimeSpan,
        acknowledged: @escaping @Sendable (_ last: UInt64, _ entries: Committer.Appended) -> Void
    ) {
        self.database = database
        self.online = online
        self.catalog = catalog
        self.now = now
        self.patience = patience
        self.acknowledged = acknowledged
    }

    /// Begins to write behind `head`.
    func start(from head: LogHead) throws(AlulaError) {
        let begin = try Committer(
            database: database,
            online: online,
            head: head,
            catalog: catalog
        )
        freshness.withLock { $0 = begin.freshness }
        startThread("alula writer") { [self] in
            var committer = begin
            let batch = WriteBatch(database)
            while let jobs = nextGroup() {
                let results = committer.commit(jobs, in: batch, now: now())
                acknowledged(committer.head.number, committer.appended)
                freshness.withLock { $0 = committer.freshness }
                groups.add(1, ordering: .relaxed)
                for (job, result) in zip(jobs, results) { job.result.update { $0 = result } }
            }
            queue.update { $0.isDone = true }
        }
    }

    /// Waits for a place in a group and for its end, which is durable where the work is synced.
    func run(_ work: Job.Work) throws(AlulaError) -> Job.Answer {
        let job = try submit(work)
        if !job.work.isBackground,
            let result = job.result.wait(until: .now + patience.duration, { $0 })
        {
            return try result.get()
        }
        if !job.work.isBackground, withdraw(job) {
            throw AlulaError(
                .resourceExhausted,
                "the write waited \(patience) for those before it: the disk of the online store is "
                    + "slow, or too much is written",
                help: "send it again later; nothing of it was written, and reads go on",
                retry: .sameRequest
            )
        }
        return try job.answer()
    }

    /// Puts the work in its place; its answer can be waited for.
    func submit(_ work: Job.Work) throws(AlulaError) -> Job {
        let job = Job(work)
        let refusal: AlulaError? = queue.update { queue in
            if queue.isStopping {
                return AlulaError(
                    .unavailable,
                    "the server is stopping: send the write again later"
                )
            }
            guard queue.jobs.count < Self.queueJobs else {
                return AlulaError(
                    .resourceExhausted,
                    "\(Self.queueJobs) writes are waiting: send this one again"
                )
            }
            if work.isBackground {
                queue.background.append(job)
            } else {
                queue.jobs.append(job)
            }
            return nil
        }
        if let refusal { throw refusal }
        return job
    }

    /// Takes a job back that waits for its group; false where that has begun.
    private func withdraw(_ job: Job) -> Bool {
        queue.update { queue in
            guard let place = queue.jobs.firstIndex(where: { $0.result === job.result }) else {
                return false
            }
            queue.jobs.remove(at: place)
            return true
        }
    }

    /// Writes that wait for a group.
    var waiting: Int { queue.read(\.jobs.count) }

    /// Ends the thread when all that waits is written; later writes are refused.
    func stop() { queue.update { $0.isStopping = true } }

    func join() { queue.wait { $0.isDone ? () : nil } }

    private func nextGroup() -> [Job]? {
        queue.wait { queue -> [Job]?? in
            var group: [Job] = []
            var bytes = 0
            while group.count < min(queue.jobs.count, Self.groupJobs), bytes < Self.groupBytes {
                bytes += queue.jobs[group.count].byteCount
                group.append(queue.jobs[group.count])
            }
            queue.jobs.removeFirst(group.count)
            if bytes < Self.groupBytes, !queue.background.isEmpty {
                group.append(queue.background.removeFirst())
            }
            guard group.isEmpty else { return .some(group) }
            return queue.isStopping ? .some(nil) : nil
        }
    }
}
