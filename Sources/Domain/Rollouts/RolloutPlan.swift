package enum RolloutPlanKind {}
package typealias RolloutPlanName = Name<RolloutPlanKind>

/// How a version takes over a stage by itself, and what takes it out again.
package struct RolloutPlan: Sendable, Hashable {
    package struct Step: Sendable, Hashable {
        package var share: Share
        /// The least time that it stands.
        package var hold: TimeSpan

        package init(share: Share, hold: TimeSpan = .seconds(0)) {
            self.share = share
            self.hold = hold
        }
    }

    package enum Bound: Sendable, Hashable {
        case atLeast(Double)
        case atMost(Double)
        /// Of the version that had the greatest share before the rollout.
        case notWorseThanHolderBy(Double)
    }

    package enum Rule: Sendable, Hashable {
        /// Of predictions that the version made in the step's time, and the outcomes that came; of the
        /// holder since the rollout began.
        case metric(name: String, Bound, minSamples: UInt64)
        /// Of vectors that the version was served in the step's time but for the last `delay` of it; of
        /// the holder since the rollout began.
        case share(ServedShare, Bound, minSamples: UInt64, delay: TimeSpan)
        /// It must not be breached by the new version.
        case monitor(MonitorName)
    }

    package var name: RolloutPlanName
    /// Nil is any.
    package var model: RegisteredModelName?
    package var stage: Stage
    /// Shares grow, and the last is all.
    package var steps: [Step]
    package var rules: [Rule]

    package init(
        name: RolloutPlanName,
        model: RegisteredModelName?,
        stage: Stage,
        steps: [Step],
        rules: [Rule]
    ) {
        self.name = name
        self.model = model
        self.stage = stage
        self.steps = steps
        self.rules = rules
    }

    package static let mostSteps = 32
    package static let mostRules = 32
    package static let usualMinSamples: UInt64 = 100
    /// What was served last may yet get its prediction.
    package static let usualDelay = TimeSpan.seconds(60)
}

/// A share of what a version was asked for.
package enum ServedShare: String, Sendable, Hashable, CaseIterable {
    /// The model server could not predict, or the server refused the read.
    case errors
    /// Served, and neither predicted nor told to have failed.
    case unpredicted
}

/// A plan and how often it was defined anew.
package struct VersionedRolloutPlan: Sendable, Hashable {
    package var plan: RolloutPlan
    package var version: UInt32
    package var isRetired: Bool

    package init(plan: RolloutPlan, version: UInt32, isRetired: Bool = false) {
        self.plan = plan
        self.version = version
        self.isRetired = isRetired
    }
}

extension RolloutPlan.Rule {
    /// Such as `auc at least 0.7, of 200 outcomes at least`.
    package var description: String {
        switch self {
        case .metric(let name, let bound, let samples):
            "\(name) \(bound.description), of \(samples) outcomes at least"
        case .share(let share, let bound, let samples, let delay):
            "\(share.rawValue) \(bound.description), of \(samples) vectors at least"
                + (delay.microseconds > 0 ? ", but for the last \(delay)" : "")
        case .monitor(let name): "monitor \(name) is not breached"
        }
    }
}

extension RolloutPlan.Bound {
    /// Such as `at most 0.01`.
    fileprivate var description: String {
        switch self {
        case .atLeast(let bound): "at least \(bound)"
        case .atMost(let bound): "at most \(bound)"
        case .notWorseThanHolderBy(let bound): "not worse than the holder's by \(bound)"
        }
    }
}

extension RolloutPlan {
    /// For people, part by part.
    package var descriptions: [String] {
        var lines = ["\(stage) of " + (model.map { "model \($0)" } ?? "any model")]
        lines += steps.map { step in
            step.hold.microseconds > 0
                ? "\(step.share) for \(step.hold)" : "\(step.share)"
        }
        return lines + rules.map(\.description)
    }
}
