import Domain
import Glibc
import Log
import Offline

/// What the ingestor does by itself behind its callers.
package enum BackgroundWork: Sendable {
    /// Segments are merged, retention rules are kept, retractions are brought to their end.
    case all
    /// As `all`, but segments are merged only when somebody asks for it.
    case withoutCompaction
    /// Nothing: what is pending stays so.
    case none
}

/// The thread that does what can wait, one thing at a time: restores online rows after retractions,
/// keeps retention rules once a day, merges segments while there are too many.
///
/// What fails is tried again later; nothing waits for it.
final class Maintenance: Sendable {
    struct State: Sendable {
        /// Log entries that came into history since segments were last merged.
        var entriesSinceMerge = 0
        /// Something has come that should not wait for the next look around.
        var isUrgent = true
        var isWorking = false
        /// Merges wait until then, because history is being loaded; and since when they do.
        var mergesAt: ContinuousClock.Instant?
        var waitsSince: ContinuousClock.Instant?
        /// Somebody waits for all to be done.
        var isHurried = false
        var failure: AlulaError?
        var isStopping = false
        var isDone = false
    }

    let state = Waitable(State())
    private let parts: IngestParts
    private let work: BackgroundWork
    private let restoration: Restoration
    private let retention: Retention
    /// Told of the rows that retention took out of a view.
    private let retired: @Sendable (FeatureView, UInt64) -> Void

    /// So many entries of pushes may leave segments that are worth merging.
    fileprivate static let manyEntries = 64
    private static let pause = Duration.seconds(60)
    /// Merging waits so long for the next run of an import, and for all of them together: it would
    /// take the disk and a core from them, and is better done once for many.
    private static let calm = Duration.seconds(3)
    private static let longestWait = Duration.seconds(60)
    private static let niceness: Int32 = 10
    private static let firstRetry = Duration.seconds(1)
    private static let longestRetry = Duration.seconds(300)

    init(
        _ parts: IngestParts,
        work: BackgroundWork,
        restoration: Restoration,
        retention: Retention,
        retired: @escaping @Sendable (FeatureView, UInt64) -> Void
    ) {
        self.retired = retired
        self.parts = parts
        self.work = work
        self.restoration = restoration
        self.retention = retention
    }

    func start() {
        guard work != .none else { return state.update { $0.isDone = true } }
        startThread("alula maintenance") { [self] in
            // On Linux, of this thread only: calls come first where there are not enough cores.
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness)
            var retry = Self.firstRetry
            while !isStopping() {
                let failure = failureOfRound()
                state.update { state in
                    state.failure = failure
                    state.isWorking = false
                }
                if failure == nil {
                    retry = Self.firstRetry
                    waitForWork()
                } else {
                    _ = state.wait(until: .now + retry) { $0.isStopping ? () : nil }
                    retry = min(retry * 2, Self.longestRetry)
                }
            }
            state.update { $0.isDone = true }
        }
    }

    /// Looks around soon: something was dropped.
    func hurry() { state.update { $0.isUrgent = true } }

    /// Notes what has come into history.
    func applied(_ changes: [LogEntry.Change]) {
        state.update { state in
            state.entriesSinceMerge += changes.count
            for change in changes {
                switch change {
                case .push: break
                case .publishImport, .retract, .forget, .retire: state.isUrgent = true
                }
            }
        }
    }

    /// Waits until all is done that there was to do; false when the deadline has passed.
    func waitUntilIdle(deadline: ContinuousClock.Instant) -> Bool {
        state.update { $0.isHurried = true }
        let isIdle: Void? = state.wait(until: deadline) { state in
            state.hasWork || state.isWorking || state.mergesAt != nil ? nil : ()
        }
        state.update { $0.isHurried = false }
        return isIdle != nil
    }

    /// Stops what runs, at once.
    func stop() { state.update { $0.isStopping = true } }

    func join() { state.wait { $0.isDone ? () : nil } }

    private func isStopping() -> Bool { state.read(\.isStopping) }

    private func waitForWork() {
        let latest = min(.now + Self.pause, state.read(\.mergesAt) ?? .now + Self.pause)
        _ = state.wait(until: latest) { state in
            state.isStopping || state.hasWork || state.isHurried && state.mergesAt != nil ? () : nil
        }
    }

    /// Does all there is to do; answers why it could not.
    private func failureOfRound() -> AlulaError? {
        state.update { state in
            state.isUrgent = false
            state.entriesSinceMerge = 0
            state.isWorking = true
        }
        do throws(AlulaError) {
            if try restoration.isPending() {
                _ = try restoration.run(
                    views: parts.views(),
                    isCancelled: isStopping,
                    progress: { _, _, _ in }
                )
            }
            try retention.expire(isCancelled: isStopping)
            for dropped in parts.catalog().droppedViews where try retention.isDue(dropped) {
                let rows = try retention.erase(dropped, isCancelled: isStopping)
                if rows > 0 { retired(dropped.view, rows) }
            }
            for view in parts.views() where try retention.isDue(view) {
                let rows = try retention.run(
                    view,
                    dryRun: false,
                    isCancelled: isStopping,
                    progress: { _, _ in }
                )
                if rows > 0 { retired(view, rows) }
            }
            try mergeSegments()
            try parts.offline.cutLog()
            return nil
        } catch {
            return error.code == .cancelled ? nil : error
        }
    }

    private func mergeSegments() throws(AlulaError) {
        guard work == .all, !waitsForCalm() else { return }
        while !isStopping(), try parts.offline.compactStep(parts.views(), isCancelled: isStopping) {
            // What cannot wait goes first; the rest of the merging follows in the same round.
            if try restoration.isPending() { return state.update { $0.isUrgent = true } }
        }
    }

    /// Whether history is being loaded, so that merges had better wait.
    private func waitsForCalm() -> Bool {
        let now = ContinuousClock.now
        let calm = parts.offline.lastStaged.map { $0 + Self.calm }
        return state.update { state in
            let since = state.waitsSince ?? now
            let waits = !state.isHurried && now < calm ?? now && now < since + Self.longestWait
            state.waitsSince = waits ? since : nil
            state.mergesAt = waits ? calm : nil
            return waits
        }
    }
}

extension Maintenance.State {
    fileprivate var hasWork: Bool { isUrgent || entriesSinceMerge >= Maintenance.manyEntries }
}
