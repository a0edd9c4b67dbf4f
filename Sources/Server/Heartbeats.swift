import Domain
import Foundation
import Logging
import Registry
import Synchronization

/// When runs were last heard of; those that promised heartbeats and are silent are marked as lost.
///
/// Beats are kept in memory: after a start every run has its time anew.
final class Heartbeats: Sendable {
    private struct State {
        var heard: [RunID: Timestamp] = [:]
        var isClosed = false
    }

    private let registry: RegistryStore
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    private let begun: Timestamp
    private let state = Mutex(State())
    private let closing = DispatchSemaphore(value: 0)

    /// Beats that may fail to come before a run is lost.
    private static let missed: Int64 = 4
    /// What a slow network or a busy machine may take more.
    private static let grace = TimeSpan.seconds(5)
    private static let pause = DispatchTimeInterval.seconds(2)

    init(registry: RegistryStore, logger: Logger, now: @escaping @Sendable () -> Timestamp) {
        self.registry = registry
        self.logger = logger
        self.now = now
        begun = now()
    }

    func hear(_ run: RunID) {
        let time = now()
        state.withLock { $0.heard[run] = time }
    }

    /// Looks at runs every other second until it is closed.
    func start() {
        let thread = Thread { self.watch() }
        thread.name = "heartbeats"
        thread.start()
    }

    func close() {
        state.withLock { $0.isClosed = true }
        closing.signal()
    }

    private func watch() {
        while closing.wait(timeout: .now() + Self.pause) == .timedOut {
            do throws(AlulaError) {
                try markLost()
            } catch {
                logger.warning("lost runs were not marked", metadata: ["error": "\(error)"])
            }
        }
    }

    func markLost() throws(AlulaError) {
        let runs = try registry.beatingRuns()
        let heard = state.withLock { state in
            let alive = Set(runs.map(\.id))
            state.heard = state.heard.filter { alive.contains($0.key) }
            return state.heard
        }
        let moment = now()
        for run in runs {
            let last = max(heard[run.id] ?? run.started, begun, run.started)
            let patience = TimeSpan(
                microseconds: run.heartbeat.microseconds * Self.missed + Self.grace.microseconds
            )
            guard moment - patience > last else { continue }
            try registry.loseRun(
                run.id,
                lastHeard: heard[run.id] ?? run.started,
                call: WriteCall(
                    requestID: [],
                    identity: .server,
                    project: run.project,
                    now: moment
                )
            )
            logger.notice("run is lost", metadata: ["run": "\(run.id)"])
        }
    }
}
