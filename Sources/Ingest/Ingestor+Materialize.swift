package import Domain
import Offline

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
    /// rows became the newest of their keys. Throws `cancelled` between batches; what is written
    /// then stays.
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
            try materialize(view, notAfter: notAfter) { newest throws(AlulaError) in
                guard !cancelled() else {
                    throw AlulaError(.cancelled, "materialize was stopped in view \(view.name)")
                }
                state.rowsWritten += try write(newest, of: view)
                state.keysDone += UInt64(newest.rows.count)
                progress(state)
            }
            written = state.rowsWritten
            state.viewIsDone = true
            progress(state)
        }
        return written
    }

    private func materialize(
        _ view: FeatureView,
        notAfter: Timestamp,
        _ body: (NewestRows) throws(AlulaError) -> Void
    ) throws(AlulaError) {
        do {
            try offline.newestRows(of: view, notAfter: notAfter, batchRows: Self.batchRows) {
                try body($0)
                return true
            }
        } catch let error as AlulaError {
            throw error
        } catch {
            throw AlulaError(.internal, "history of view \(view.name) could not be read: \(error)")
        }
    }

    private func write(_ newest: NewestRows, of view: FeatureView) throws(AlulaError) -> UInt64 {
        guard newest.rows.count > 0 else { return 0 }
        let job = MaterializeJob(view: view, rows: newest.rows, positions: newest.positions)
        switch try writer.run(.materialize(job)) {
        case .rowsWritten(let count): return UInt64(count)
        case .bytes: throw AlulaError(.internal, "the writer answered another kind of write")
        }
    }

    private static let batchRows = 1_000
}
