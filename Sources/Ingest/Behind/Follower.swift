import Domain
import Log
import Offline

/// The thread that applies the log to the offline store, in order, and drops from the log what is
/// durable there.
///
/// It lets entries gather for a moment, so that many small ones become one segment in one
/// transaction; somebody who waits for an entry has it applied at once.
final class Follower: Sendable {
    struct Progress: Sendable {
        /// The last acknowledged entry.
        var last: UInt64
        var applied: UInt64
        /// Entries up to this one are no longer in the log.
        var dropped: UInt64
        /// What was acknowledged since the start and is not applied.
        var backlog = Backlog()
        /// Somebody waits for this entry.
        var wanted: UInt64 = 0
        var isGathering = false
        /// What it fails of at the moment; nil while it moves.
        var failure: AlulaError?
        var isStopping = false
        var isDone = false
    }

    let progress: Waitable<Progress>
    private let log: FeatureLog
    private let offline: OfflineStore
    private let limit: Backlog.Limit
    /// The last entry from before the start.
    let inherited: UInt64

    private static let pieceBytes = 8 << 20
    private static let gatheringTime = Duration.milliseconds(100)
    private static let gatheredBytes = 4 << 20
    private static let firstPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(10)

    /// Throws where log and offline store are not of one directory: one is behind what the other
    /// needs.
    init(log: FeatureLog, offline: OfflineStore, limit: Backlog.Limit) throws(AlulaError) {
        self.log = log
        self.limit = limit
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

    /// `bytes` are those of the entries since the one before; `isOfRows` where all of them are
    /// pushes: others are applied at once, as what is staged meanwhile must not come before them.
    func acknowledged(_ last: UInt64, bytes: Int, isOfRows: Bool) {
        progress.note { state in
            guard last > state.last else { return false }
            state.last = last
            state.backlog.add(through: last, bytes: bytes)
            if !isOfRows { state.wanted = last }
            return !state.isGathering || isUrgent(state)
        }
    }

    /// Returns when there is room for another push; throws where too much waits for the offline store
    /// all the time until the deadline.
    func admit(
        until deadline: ContinuousClock.Instant,
        isCancelled: () -> Bool
    ) throws(AlulaError) {
        while progress.read({ isFull($0) }) {
            let now = ContinuousClock.now
            guard now < deadline, !isCancelled() else { throw refusal(progress.read { $0 }) }
            _ = progress.wait(until: min(deadline, now + Self.firstPause)) { state in
                isFull(state) ? nil : ()
            }
        }
    }

    private func isFull(_ state: Progress) -> Bool {
        state.backlog.bytes > limit.bytes || state.last - state.applied > limit.entries
    }

    private func refusal(_ state: Progress) -> AlulaError {
        let reason = state.failure.map { ": \($0.message)" } ?? ""
        return AlulaError(
            .resourceExhausted,
            "\(state.last - state.applied) writes of \(state.backlog.bytes >> 20) MiB wait for the "
                + "offline store, which is slower than they come\(reason)",
            help: state.failure == nil
                ? "push again in a moment, and more slowly; reads go on"
                : "mend that, then push again; reads go on",
            retry: .sameRequest
        )
    }

    /// Ends the thread when it has caught up, or at once where it cannot.
    func stop() { progress.update { $0.isStopping = true } }

    func join() { progress.wait { $0.isDone ? () : nil } }

    func wait(for entry: UInt64, until deadline: ContinuousClock.Instant) throws(AlulaError) {
        want(entry)
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
        want(entry)
        try wait(isCancelled) { $0.applied >= entry }
    }

    /// Waits until the entries up to this one are applied and no longer in the log.
    func waitUntilDropped(_ entry: UInt64, isCancelled: () -> Bool) throws(AlulaError) {
        want(entry)
        try wait(isCancelled) { $0.dropped >= entry }
    }

    private func want(_ entry: UInt64) {
        progress.note { state in
            guard entry > state.wanted, entry > state.applied else { return false }
            state.wanted = entry
            return true
        }
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

    /// Waits for something to apply or to drop, and a moment for more of it; nil at the end.
    private func nextPosition() -> UInt64? {
        let isBehind = progress.wait { state -> Bool? in
            let isBehind = state.applied < state.last || state.dropped < state.applied
            if state.isStopping, state.failure != nil || !isBehind { return false }
            guard isBehind else { return nil }
            state.isGathering = true
            return true
        }
        guard isBehind else { return nil }
        _ = progress.wait(until: .now + Self.gatheringTime) { isUrgent($0) ? () : nil }
        return progress.update { state in
            state.isGathering = false
            return state.applied
        }
    }

    private func isUrgent(_ state: Progress) -> Bool {
        state.isStopping || state.wanted > state.applied || state.applied < inherited
            || state.backlog.bytes >= Self.gatheredBytes
    }

    private func advance(
        from position: UInt64,
        _ applied: ([LogEntry.Change]) -> Void
    ) throws(AlulaError) {
        // A crash may have come between the two. Where the log takes no writes, history follows it yet.
        let dropped = Result { () throws(AlulaError) in try drop(through: position) }
        let entries = try log.entries(after: position, limitBytes: Self.pieceBytes)
        guard let last = entries.last?.number else { return try dropped.get() }
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
            state.backlog.remove(through: last)
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
