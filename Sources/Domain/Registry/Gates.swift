/// What a version must show before it may enter a stage of a model.
public struct Gate: Sendable, Hashable {
    public enum Rule: Sendable, Hashable {
        case metric(MetricRule)
    }

    public struct MetricRule: Sendable, Hashable {
        public enum Direction: String, Sendable, Hashable {
            case higher
            case lower
        }

        public var metric: MetricName
        public var better: Direction
        /// At least this.
        public var min: Double?
        /// At most this.
        public var max: Double?
        /// At most so much worse than the present holder of the stage; passes where there is none.
        public var noWorseThanHolderBy: Double?

        public init(
            metric: MetricName,
            better: Direction,
            min: Double? = nil,
            max: Double? = nil,
            noWorseThanHolderBy: Double? = nil
        ) {
            self.metric = metric
            self.better = better
            self.min = min
            self.max = max
            self.noWorseThanHolderBy = noWorseThanHolderBy
        }
    }

    public var model: RegisteredModelName
    public var to: Stage
    /// The stages a version may come from; empty is any.
    public var from: [Stage]
    public var rules: [Rule]

    public init(model: RegisteredModelName, to: Stage, from: [Stage] = [], rules: [Rule]) {
        self.model = model
        self.to = to
        self.from = from
        self.rules = rules
    }
}

/// What a gate said of a version: every rule, with its figures.
public struct GateVerdict: Sendable, Hashable {
    public enum Outcome: String, Sendable, Hashable {
        case passed
        case failed
        /// Not passed: what the rule asks about is not known.
        case cannotTell = "cannot tell"
    }

    public struct RuleVerdict: Sendable, Hashable {
        /// What is asked, such as `auc at least 0.7`.
        public var rule: String
        public var outcome: Outcome
        /// With the figures, such as `0.6812 is below 0.7`.
        public var reason: String

        public init(rule: String, outcome: Outcome, reason: String) {
            self.rule = rule
            self.outcome = outcome
            self.reason = reason
        }
    }

    public var rules: [RuleVerdict]

    public init(rules: [RuleVerdict]) { self.rules = rules }

    public var passed: Bool { rules.allSatisfy { $0.outcome == .passed } }
}
