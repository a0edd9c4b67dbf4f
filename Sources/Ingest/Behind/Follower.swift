import Domain
import Log
import Offline

/// The thread that applies the log to the offline store, in order, and drops from the log what is
/// durable there.
final class Follower: Sendable {
    struct Progress: Sendable {
        /// The last acknowledged entry.
        var last: UInt64
        var applied: UInt64
        /// What it fails of at the moment; nil while it moves.
        var failure: AlulaError?
        var isStopping = false
        var isDone = false
    }

    let progress: Waitable<Progress>
    private let log: FeatureLog
    private let offline: OfflineStore
    /// The last entry from before the start.
    private let inherited: UInt64

    private static let pieceBytes = 8 << 20
    private static let firstPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(10)

    /// Throws where log and offline store are not of one directory: one is behind what the other
    /// needs.
    init(log: FeatureLog, offline: OfflineStore) throws(AlulaError) {
        self.log = log
        self.offline = offline
        let last = try log.last()
        let applied = offline.appliedThrough
        guard applied <= last else {
            throw .corrupt(
                "offline.sqlite has log entry \(applied), and the log in online/ ends at \(last): "
                    + "they are not of one directory, or online/ was restored alone"
            )
        }
        guard try log.dropped() <= applied else {
            throw .corrupt(
                "offline.sqlite ends at log entry \(applied), and the log in online/ begins behind "
                    + "\(try log.dropped()): they are not of one directory, or offline.sqlite was "
                    + "restored alone"
            )
        }
        inherited = last
        progress = Waitable(Progress(last: last, applied: applied))
    }

    func start() {
        startThread("alula follower") { [self] in
            var pause = Self.firstPause
            var isSettled = false
            // Where it fails, it is tried again behind the next entry.
            try? settle(&isSettled)
            while let applied = nextPosition() {
                do throws(AlulaError) {
                    try advance(from: applied)
                    try settle(&isSettled)
                    pause = Self.firstPause
                } catch {
                    progress.update { $0.failure = error }
                    _ = progress.wait(until: .now + pause) { $0.isStopping ? () : nil }
                    pause = min(pause * 2, Self.longestPause)
                }
            }
            progress.update { $0.isDone = true }
        }
    }

    func acknowledged(_ last: UInt64) {
        progress.update { $0.last = max($0.last, last) }
    }

    /// Ends the thread when it has caught up, or at once where it cannot.
    func stop() { progress.update { $0.isStopping = true } }

    func join() { progress.wait { $0.isDone ? () : nil } }

    func wait(for entry: UInt64, until deadline: ContinuousClock.Instant) throws(AlulaError) {
        let reached: Bool? = progress.wait(until: deadline) { state in
            if state.applied >= entry { return true }
            return state.isDone ? false : nil
        }
        guard reached != true else { return }
        let state = progress.read { $0 }
        let reason = state.failure.map { ": \($0.message)" } ?? ""
        throw AlulaError(
            .deadlineExceeded,
            "the offline store has applied log entry \(state.applied) and not yet \(entry)\(reason)"
        )
    }

    /// Waits for something to apply; nil at the end.
    private func nextPosition() -> UInt64? {
        progress.wait { state -> UInt64?? in
            if state.isStopping, state.failure != nil || state.applied >= state.last {
                return .some(nil)
            }
            return state.applied < state.last ? .some(state.applied) : nil
        }
    }

    /// Gives up retention whose log entry did not come before the process ended.
    private func settle(_ isSettled: inout Bool) throws(AlulaError) {
        guard !isSettled, offline.appliedThrough >= inherited else { return }
        try offline.discardAbandonedRetention()
        isSettled = true
    }

    private func advance(from applied: UInt64) throws(AlulaError) {
        let entries = try log.entries(after: applied, limitBytes: Self.pieceBytes)
        guard let last = entries.last?.number else { return }
        try offline.apply(
            entries.map { number, entry in
                OfflineStore.LogPiece(
                    entry: number,
                    recorded: entry.recorded,
                    change: entry.change.piece
                )
            }
        )
        progress.update { state in
            state.applied = last
            state.failure = nil
        }
        try log.dropThrough(last)
    }
}

extension LogEntry.Change {
    fileprivate var piece: OfflineStore.LogPiece.Change {
        switch self {
        case .push(let rows, let layout): .rows(rows, layout: layout)
        case .publishImport(let importID, _, _): .publish(importID: importID)
        case .retract(let view, let entries): .retract(view: view, entries: entries)
        case .forget(let entity, let views, let key, let keyHash):
            .forget(entity: entity, views: views, key: key, keyHash: keyHash)
        case .retire(let view, let merge): .retire(view: view, merge: merge)
        }
    }
}
