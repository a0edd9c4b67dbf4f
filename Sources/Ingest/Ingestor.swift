package import Domain
import Log
package import Offline
package import Online
package import RocksDB
import Synchronization

/// The way in: a push made durable, then visible; imports published; history carried to the online
/// store.
///
/// One writer takes all waiting writes as a group: the log entries, the online rows and the answers
/// by request id go into one synced RocksDB batch, and only then are the callers answered. The
/// follower applies the log to the offline store behind. Calls block and may come from any thread.
package final class Ingestor: Sendable {
    let offline: OfflineStore
    let online: OnlineStore
    let now: @Sendable () -> Timestamp
    let writer: Writer
    let database: Database
    let catalog: @Sendable () -> CatalogSnapshot
    let follower: Follower
    let restoration: Restoration
    let forgetting: Forgetting
    let retention: Retention
    /// The secret of the directory's keyed hashes.
    let secret: [UInt8]
    let maintenance: Maintenance
    private let answered: AnsweredRequests
    /// How long a push waits before it is refused because too much waits.
    private let patience: TimeSpan

    /// Resumes where the log and the offline store stand; throws where they are not of one
    /// directory.
    ///
    /// `retired` is told of the rows that retention took out of a view by itself.
    package init(
        database: Database,
        online: OnlineStore,
        offline: OfflineStore,
        catalog: @escaping @Sendable () -> CatalogSnapshot,
        now: @escaping @Sendable () -> Timestamp,
        background: BackgroundWork = .all,
        backlog: Backlog.Limit = Backlog.Limit(),
        retired: @escaping @Sendable (FeatureView, UInt64) -> Void = { _, _ in }
    ) throws(AlulaError) {
        self.database = database
        self.online = online
        self.offline = offline
        self.catalog = catalog
        self.now = now
        answered = AnsweredRequests(database: database)
        let log = FeatureLog(database)
        patience = backlog.patience
        let follower = try Follower(log: log, offline: offline, limit: backlog)
        self.follower = follower
        writer = Writer(
            database: database,
            online: online,
            catalog: catalog,
            now: now,
            patience: backlog.patience
        ) {
            follower.acknowledged($0, bytes: $1.bytes, isOfRows: $1.isOfRows)
        }
        let parts = IngestParts(
            database: database,
            online: online,
            offline: offline,
            writer: writer,
            follower: follower,
            catalog: catalog,
            now: now
        )
        secret = try parts.records.secret()
        restoration = Restoration(parts)
        forgetting = Forgetting(parts)
        retention = Retention(parts)
        maintenance = Maintenance(
            parts,
            work: background,
            restoration: restoration,
            retention: retention,
            retired: retired
        )
        try writer.start(from: try log.head())
        follower.start { [maintenance] in maintenance.applied($0) }
        maintenance.start()
    }

    deinit {
        maintenance.stop()
        writer.stop()
        follower.stop()
    }

    /// Checks the batch against the view and makes its good rows durable and readable online; every
    /// row gets a status.
    ///
    /// `answer` encodes the result; its bytes are kept with the write, and a repeat with the same
    /// request id within a day gets them and changes nothing.
    ///
    /// Throws where nothing was written for a reason that concerns all rows: a column that makes no
    /// sense, a retired view, a store that takes no writes; `resourceExhausted` where the disk or the
    /// offline store does not keep up for a while.
    package func push(
        batch: RecordBatch,
        to view: FeatureView,
        requestID: [UInt8],
        isCancelled: @Sendable () -> Bool = { false },
        answer: @escaping @Sendable (PushResult) -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        if let earlier = try earlierAnswer(requestID) { return earlier }
        try follower.admit(until: .now + patience.duration, isCancelled: isCancelled)
        try catalog().checkWritable(view)
        let checked = try FeatureRowsChecker.check(batch, view: view, now: now())
        return try bytes(
            .push(PushJob(view: view, checked: checked, requestID: requestID, answer: answer))
        )
    }

    /// Makes the staged rows of an import visible to history, by one small log entry; an import
    /// that was published before answers the entry of then.
    ///
    /// `rows` is for the log's readers.
    package func publishImport(
        id: String,
        view: FeatureView,
        rows: UInt64,
        requestID: [UInt8],
        answer: @escaping @Sendable (_ entry: UInt64) -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        if let earlier = try earlierAnswer(requestID) { return earlier }
        guard try offline.importRecord(id: id).descriptor.view == view.id else {
            throw .invalid("import \(id) is not of view \(view.name)")
        }
        try catalog().checkWritable(view)
        return try bytes(
            .publish(
                PublishJob(
                    importID: id,
                    view: view.id,
                    rows: rows,
                    requestID: requestID,
                    answer: answer
                )
            )
        )
    }

    /// The ids of all imports that were published, those included that history does not show yet.
    package func publishedImports() throws(AlulaError) -> [String] { try answered.publications() }

    func bytes(_ work: Job.Work) throws(AlulaError) -> [UInt8] {
        guard case .bytes(let answer) = try writer.run(work) else { throw .otherKindOfWrite }
        return answer
    }

    func earlierAnswer(_ requestID: [UInt8]) throws(AlulaError) -> [UInt8]? {
        guard requestID.count == Self.requestIDBytes else {
            throw .invalid(
                "a write needs a request id of \(Self.requestIDBytes) bytes: "
                    + "found \(requestID.count)"
            )
        }
        return try answered.answer(to: requestID)
    }

    private static let requestIDBytes = 16
}

extension Ingestor {
    /// The newest acknowledged log entry; 0 where there is none.
    package var lastEntry: UInt64 { follower.progress.read(\.last) }

    /// Of each view with rows online: how new they are, and how many; as of the last write.
    package var freshness: [FeatureViewID: ViewFreshness] { writer.freshness.withLock { $0 } }

    /// Groups of writes, each one synced batch, since the start.
    package var writtenGroups: UInt64 { writer.groups.load(ordering: .relaxed) }

    /// Writes that wait for a group.
    package var waitingWrites: Int { writer.waiting }

    /// Bytes of acknowledged writes that the offline store has not applied.
    package var unappliedBytes: Int { follower.progress.read(\.backlog.bytes) }

    /// The log entry up to which the offline store has followed.
    package var appliedEntry: UInt64 { follower.progress.read(\.applied) }

    /// Why the store takes no writes, or why the offline store does not follow; nil while all is
    /// well.
    package var failure: AlulaError? { storageFailure ?? historyFailure }

    /// Why the store takes no writes; nil while it does.
    package var storageFailure: AlulaError? { database.failure }

    /// Why the offline store does not follow the log; nil while it does.
    package var historyFailure: AlulaError? { follower.progress.read(\.failure) }

    /// How far the offline store has come in the log as it was at the start; nil once it has all.
    package var inherited: (applied: UInt64, last: UInt64)? {
        let applied = appliedEntry
        return applied < follower.inherited ? (applied, follower.inherited) : nil
    }

    /// What the work in the background fails of at the moment; it is tried again.
    package var backgroundFailure: AlulaError? { maintenance.state.read(\.failure) }

    /// Waits until the offline store has applied the log up to `entry`; throws `deadlineExceeded`.
    package func waitUntilApplied(
        _ entry: UInt64,
        deadline: ContinuousClock.Instant
    ) throws(AlulaError) {
        try follower.wait(for: entry, until: deadline)
    }

    /// Writes all that waits, lets the offline store catch up, and puts everything on disk.
    ///
    /// Later writes are refused.
    package func stop() throws(AlulaError) {
        maintenance.stop()
        maintenance.join()
        writer.stop()
        writer.join()
        follower.stop()
        follower.join()
        try database.flush()
        try database.syncLog()
    }
}
