package import Domain
import Offline
import RocksDB

extension Ingestor {
    /// How far a materialization has come.
    package struct MaterializeProgress: Sendable, Hashable {
        package var view: FeatureViewName
        /// Keys of this view that were compared.
        package var keysDone: UInt64
        /// Rows of all views that became the newest of their keys.
        package var rowsWritten: UInt64
        package var viewIsDone: Bool
    }

    /// Carries the newest published row of every key to the online store, where it is not there
    /// already.
    ///
    /// Rows later than now stay behind. Small batches go through the one writer behind the pushes,
    /// so that a newer row is never overwritten; running it again changes nothing. Answers how many
    /// rows became the newest of their keys, all of them on disk. Throws `cancelled` between
    /// batches; what is written then stays.
    @discardableResult
    package func materialize(
        views: [FeatureView],
        cancelled: () -> Bool = { false },
        progress: (MaterializeProgress) -> Void = { _ in }
    ) throws(AlulaError) -> UInt64 {
        let notAfter = now()
        var written: UInt64 = 0
        for view in views {
            var state = MaterializeProgress(
                view: view.name,
                keysDone: 0,
                rowsWritten: written,
                viewIsDone: false
            )
            while let entry = try materialize(view, notAfter, &state, cancelled, progress) {
                // What was withdrawn up to there is not remembered: history says it.
                try follower.wait(for: entry, isCancelled: cancelled)
            }
            written = state.rowsWritten
            state.viewIsDone = true
            progress(state)
        }
        try database.syncLog()
        return written
    }

    /// Answers the log entry that history has to reach before it is done all over again; nil where
    /// it is done.
    private func materialize(
        _ view: FeatureView,
        _ notAfter: Timestamp,
        _ state: inout MaterializeProgress,
        _ cancelled: () -> Bool,
        _ progress: (MaterializeProgress) -> Void
    ) throws(AlulaError) -> UInt64? {
        state.keysDone = 0
        var stale: UInt64?
        // While a batch is written the next one is read.
        var waiting: Job?
        func finish(_ job: Job) throws(AlulaError) {
            switch try job.answer() {
            case .rowsWritten(let count): state.rowsWritten += UInt64(count)
            case .stale(let entry): stale = entry
            case .bytes, .entry: throw AlulaError.otherKindOfWrite
            }
            guard stale == nil, case .materialize(let batch) = job.work else { return }
            state.keysDone += UInt64(batch.newest.rows.count)
            progress(state)
        }
        do {
            try offline.newestRows(of: view, notAfter: notAfter, batchRows: Self.batchRows) {
                guard !cancelled() else {
                    throw AlulaError(.cancelled, "materialize was stopped in view \(view.name)")
                }
                guard $0.rows.count > 0 else { return true }
                let job = try writer.submit(
                    .materialize(MaterializeJob(view: view, newest: $0))
                )
                if let before = waiting { try finish(before) }
                waiting = job
                return stale == nil
            }
            if let last = waiting, stale == nil { try finish(last) }
            return stale
        } catch let error as AlulaError {
            throw error
        } catch {
            throw AlulaError(.internal, "history of view \(view.name) could not be read: \(error)")
        }
    }

    private static let batchRows = 1_000
}
