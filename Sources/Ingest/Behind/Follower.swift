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
        /// Entries up to this one are no longer in the log.
        var dropped: UInt64
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
        let dropped = try log.dropped()
        guard dropped <= applied else {
            throw .corrupt(
                "offline.sqlite ends at log entry \(applied), and the log in online/ begins behind "
                    + "\(dropped): they are not of one directory, or offline.sqlite was restored "
                    + "alone"
            )
        }
        inherited = last
        progress = Waitable(Progress(last: last, applied: applied, dropped: dropped))
    }

    /// `applied` is told of changes that have come into history, before those who wait for them.
    func start(applied: @escaping @Sendable ([LogEntry.Change]) -> Void) {
        startThread("alula follower") { [self] in
            var pause = Self.firstPause
            var isSettled = false
            // Where it fails, it is tried again behind the next entry.
            try? settle(&isSettled)
            while let position = nextPosition() {
                do throws(AlulaError) {
                    try advance(from: position, applied)
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

    /// As `wait(for:until:)`, for as long as it takes; throws `cancelled`, or why it does not come
    /// to it.
    func wait(for entry: UInt64, isCancelled: () -> Bool) throws(AlulaError) {
        try wait(isCancelled) { $0.applied >= entry }
    }

    /// Waits until the entries up to this one are applied and no longer in the log.
    func waitUntilDropped(_ entry: UInt64, isCancelled: () -> Bool) throws(AlulaError) {
        try wait(isCancelled) { $0.dropped >= entry }
    }

    private func wait(
        _ isCancelled: () -> Bool,
        _ isReached: (Progress) -> Bool
    ) throws(AlulaError) {
        while true {
            let state: Progress? = progress.wait(until: .now + Self.firstPause) { state in
                isReached(state) || state.isDone ? state : nil
            }
            if let state {
                if isReached(state) { return }
                throw state.failure
                    ?? AlulaError(
                        .unavailable,
                        "the server is stopping: what waits for the offline store goes on later"
                    )
            }
            guard !isCancelled() else {
                throw AlulaError(.cancelled, "it was stopped while the offline store catches up")
            }
        }
    }

    /// Gives up retention whose log entry did not come before the process ended.
    private func settle(_ isSettled: inout Bool) throws(AlulaError) {
        guard !isSettled, offline.appliedThrough >= inherited else { return }
        try offline.discardAbandonedRetention()
        isSettled = true
    }

    /// Waits for something to apply or to drop; nil at the end.
    private func nextPosition() -> UInt64? {
        progress.wait { state -> UInt64?? in
            let isBehind = state.applied < state.last || state.dropped < state.applied
            if state.isStopping, state.failure != nil || !isBehind { return .some(nil) }
            return isBehind ? .some(state.applied) : nil
        }
    }

    private func advance(
        from position: UInt64,
        _ applied: ([LogEntry.Change]) -> Void
    ) throws(AlulaError) {
        // A crash may have come between the two.
        try drop(through: position)
        let entries = try log.entries(after: position, limitBytes: Self.pieceBytes)
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
        applied(entries.map(\.entry.change))
        progress.update { state in
            state.applied = last
            state.failure = nil
        }
        try drop(through: last)
    }

    private func drop(through entry: UInt64) throws(AlulaError) {
        guard progress.read(\.dropped) < entry else { return }
        try log.dropThrough(entry)
        progress.update { state in
            state.dropped = entry
            state.failure = nil
        }
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
