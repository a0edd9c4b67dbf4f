import Catalog
import Domain
import Logging
import Registry
import Releases
import Served
import Synchronization

/// Looks at the rules of all rollouts that run, and moves them forward or back.
///
/// One thread of low priority does it. All that it knows stands in the catalog, and each step is one
/// transaction there: a restart goes on where it was.
final class RolloutDesk: Sendable {
    /// What rules read.
    struct Sources: Sendable {
        var watched: MonitorDesk.Sources
        var releases: ReleaseDesk
        var monitors: MonitorDesk
    }

    private let sources: Sources
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    private let run = Rounds("rollouts", pause: .milliseconds(500))
    private let failures: FailureLog
    /// When each is looked at next, by the clock that never goes back.
    private let due = Mutex<[UInt64: ContinuousClock.Instant]>([:])

    /// Of all rules of a rollout; what takes longer cannot be told.
    private static let lookTime = Duration.seconds(20)
    private static let leastPause = Duration.milliseconds(500)
    private static let mostPause = Duration.seconds(60)
    /// A look is repeated after so many times what it took, at the soonest.
    private static let restFactor = 10

    init(_ sources: Sources, now: @escaping @Sendable () -> Timestamp, logger: Logger) {
        self.sources = sources
        self.now = now
        self.logger = logger
        failures = FailureLog("rollouts could not be looked at", logger)
    }

    func start() {
        run.begin { [self] in round() }
    }

    /// Returns when the look that is under way has ended.
    func stop() { run.end() }

    private func round() {
        failures.attempt {
            let running = try sources.watched.registry.runningRollouts()
            let numbers = Set(running.map(\.number))
            due.withLock { due in due = due.filter { numbers.contains($0.key) } }
            for record in running {
                if run.isEnding { return }
                let start = ContinuousClock.now
                if let next = due.withLock({ $0[record.number] }), start < next { continue }
                try look(at: record)
                let took = (ContinuousClock.now - start) * Self.restFactor
                due.withLock {
                    $0[record.number] = ContinuousClock.now + max(Self.pause(record), took)
                }
            }
        }
    }

    /// A sixtieth of the step's time, within bounds.
    private static func pause(_ record: RolloutRecord) -> Duration {
        guard let plan = try? RolloutPlan(json: record.definition),  // unreadable: told by the look
            plan.steps.indices.contains(record.step)
        else { return mostPause }
        let part = Duration.microseconds(plan.steps[record.step].hold.microseconds / 60)
        return min(max(part, leastPause), mostPause)
    }

    private func look(at record: RolloutRecord) throws(AlulaError) {
        let plan: RolloutPlan
        do {
            plan = try RolloutPlan(json: record.definition)
        } catch {
            throw .corrupt("the plan of rollout \(record.number) cannot be read: \(error)")
        }
        let time = now()
        let limit = ContinuousClock.now + Self.lookTime
        let reading = RolloutReading(
            sources: sources,
            record: record,
            plan: plan,
            time: time,
            isCancelled: { [run] in run.isEnding || ContinuousClock.now > limit }
        )
        var looked = record
        looked.figures = reading.figures()
        if run.isEnding { return }
        looked.evaluated = time
        let decision = RolloutDecision(
            plan,
            step: record.step,
            since: record.since,
            figures: looked.figures,
            now: time
        )
        if case .wait(let reason) = decision {
            looked.reason = reason
            try sources.watched.registry.note(looked)
            return
        }
        try sources.releases.step(looked, decision, now: time)
        logger.notice(
            "a rollout moved",
            metadata: [
                "model": "\(record.model)", "version": "\(record.version)",
                "rollout": "\(record.plan)", "decision": "\(decision)",
            ]
        )
    }
}
