import Catalog
import Domain
import Registry
import Served
import Wire

/// Works out what the rules of a rollout say at a time; changes nothing.
///
/// All rules see one picture: what was served and logged up to that time.
struct RolloutReading {
    let sources: RolloutDesk.Sources
    let record: RolloutRecord
    let plan: RolloutPlan
    let time: Timestamp
    let isCancelled: () -> Bool
    let known = LookedAt()

    init(
        sources: RolloutDesk.Sources,
        record: RolloutRecord,
        plan: RolloutPlan,
        time: Timestamp,
        isCancelled: @escaping () -> Bool
    ) {
        self.sources = sources
        self.record = record
        self.plan = plan
        self.time = time
        self.isCancelled = isCancelled
    }

    /// One for each rule, in their order; what cannot be read cannot be told.
    func figures() -> [RolloutFigure] {
        plan.rules.map { rule in
            switch Result(catching: { () throws(AlulaError) in try figure(of: rule) }) {
            case .success(let figure): figure
            case .failure(let error):
                RolloutFigure(
                    rule: rule.description,
                    outcome: .cannotTell,
                    reason: error.code == .cancelled
                        ? "it took too long to read" : error.message
                )
            }
        }
    }

    private func figure(of rule: RolloutPlan.Rule) throws(AlulaError) -> RolloutFigure {
        do {
            switch rule {
            case .metric(let name, let bound, let samples):
                return try metric(name, bound, samples, rule.description)
            case .share(let share, let bound, let samples, let delay):
                return try self.share(share, bound, samples, delay, rule.description)
            case .monitor(let name): return try monitor(name, rule.description)
            }
        } catch let error as AlulaError {
            throw error
        } catch {
            throw AlulaError(.internal, "a rule of a rollout could not be read: \(error)")
        }
    }
}

// MARK: - Metrics

extension RolloutReading {
    private func metric(
        _ name: String,
        _ bound: RolloutPlan.Bound,
        _ samples: UInt64,
        _ rule: String
    ) throws -> RolloutFigure {
        let found = try look(at: record.version, since: record.since)
        func unknown(_ reason: String) -> RolloutFigure {
            RolloutFigure(
                rule: rule,
                outcome: .cannotTell,
                value: found.value(name),
                rows: found.known,
                reason: reason
            )
        }
        guard found.known >= samples else {
            return unknown(
                "version \(record.version) has \(found.known) predictions with an outcome in this "
                    + "step: fewer than \(samples)"
            )
        }
        guard let value = found.value(name) else {
            return unknown("predictions and outcomes of kind \(found.kind) have no \(name)")
        }
        let threshold: Double
        var compared = ""
        let isHigherBetter = Monitor.metrics.first { $0.name == name }?.isHigherBetter ?? true
        var isLeast = isHigherBetter
        switch bound {
        case .atLeast(let number): (threshold, isLeast) = (number, true)
        case .atMost(let number): (threshold, isLeast) = (number, false)
        case .notWorseThanHolderBy(let margin):
            guard let holder = record.before.main else { return unknown("there was no holder") }
            let other = try look(at: holder, since: record.started)
            guard other.known >= samples, let standard = other.value(name) else {
                return unknown(
                    "version \(holder), the holder, has \(other.known) predictions with an outcome "
                        + "since the rollout began: fewer than \(samples)"
                )
            }
            threshold = isHigherBetter ? standard - margin : standard + margin
            compared = "; version \(holder) has \(MonitorReading.text(standard))"
        }
        let isFine = isLeast ? value >= threshold : value <= threshold
        return RolloutFigure(
            rule: rule,
            outcome: isFine ? .passed : .failed,
            value: value,
            threshold: threshold,
            rows: found.known,
            reason: "\(name) \(MonitorReading.text(value)) of \(found.known) outcomes" + compared
        )
    }
}

// MARK: - Monitors

extension RolloutReading {
    /// Breached by what the version was served since the step began; an alarm that began meanwhile
    /// counts, too.
    private func monitor(_ name: MonitorName, _ rule: String) throws -> RolloutFigure {
        let known = sources.watched.catalog.monitors[record.project] ?? []
        guard
            let versioned = known.first(where: { $0.monitor.name == name && !$0.isRetired })
        else {
            return RolloutFigure(
                rule: rule,
                outcome: .cannotTell,
                reason: "there is no monitor \(name) any more"
            )
        }
        let stands = sources.monitors.record(record.project, name)
        if let stands, let firing = stands.status.firingSince, firing >= record.started {
            return RolloutFigure(
                rule: rule,
                outcome: .failed,
                value: stands.finding.value,
                threshold: stands.finding.threshold,
                rows: stands.finding.rows,
                reason: "it fires since \(firing): \(stands.finding.reason)"
            )
        }
        let reading = MonitorReading(
            sources: sources.watched,
            monitor: versioned.monitor,
            project: record.project,
            time: time,
            isTrial: false,
            isCancelled: isCancelled,
            versions: [record.version]
        )
        let finding = try reading.finding()
        let outcome: RolloutFigure.Outcome =
            switch finding.verdict {
            case .fine: .passed
            case .breached: .failed
            case .cannotTell: .cannotTell
            }
        return RolloutFigure(
            rule: rule,
            outcome: outcome,
            value: finding.value,
            threshold: finding.threshold,
            rows: finding.rows,
            reason: finding.reason
        )
    }
}
