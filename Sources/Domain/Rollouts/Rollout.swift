/// What a look at one rule of a rollout found.
package struct RolloutFigure: Sendable, Hashable, Codable {
    package enum Outcome: String, Sendable, Hashable, Codable {
        case passed
        case failed
        case cannotTell = "cannot tell"
    }

    /// For people.
    package var rule: String
    package var outcome: Outcome
    package var value: Double?
    package var threshold: Double?
    /// That were looked at.
    package var rows: UInt64
    package var reason: String

    package init(
        rule: String,
        outcome: Outcome,
        value: Double? = nil,
        threshold: Double? = nil,
        rows: UInt64 = 0,
        reason: String
    ) {
        self.rule = rule
        self.outcome = outcome
        self.value = value
        self.threshold = threshold
        self.rows = rows
        self.reason = reason
    }
}

package enum RolloutState: String, Sendable, Hashable, CaseIterable {
    case running
    case done
    case steppedBack = "stepped_back"
    /// By somebody, or because somebody moved the stage meanwhile.
    case cancelled
}

/// What becomes of a rollout after a look at its rules.
package enum RolloutDecision: Sendable, Hashable {
    /// With what it waits for.
    case wait(String)
    case forward(step: Int)
    case done
    case back(String)

    /// A pure function of what was found: a rule that failed takes the version out at once; what
    /// cannot be told is waited for; a step stands for its time at least.
    package init(
        _ plan: RolloutPlan,
        step: Int,
        since: Timestamp,
        figures: [RolloutFigure],
        now: Timestamp
    ) {
        let failed = figures.filter { $0.outcome == .failed }
        guard failed.isEmpty else {
            self = .back(failed.map { "\($0.rule): \($0.reason)" }.joined(separator: "; "))
            return
        }
        guard plan.steps.indices.contains(step) else {
            self = .done
            return
        }
        let end = since + plan.steps[step].hold
        guard now >= end else {
            self = .wait("\(plan.steps[step].share) stands until \(end)")
            return
        }
        let unknown = figures.filter { $0.outcome == .cannotTell }
        guard unknown.isEmpty else {
            self = .wait(unknown.map { "\($0.rule): \($0.reason)" }.joined(separator: "; "))
            return
        }
        self = step + 1 < plan.steps.count ? .forward(step: step + 1) : .done
    }
}
