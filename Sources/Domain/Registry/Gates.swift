/// What a version must show before it may enter a stage of a model.
package struct Gate: Sendable, Hashable {
    /// One thing that is asked; a rule may come to several verdicts.
    package enum Rule: Sendable, Hashable {
        case metric(MetricRule)
        case trainingSet(TrainingSetRule)
        /// Everything it was made of is recorded and there.
        case lineage
        case tags([RequiredTag])
        /// What callers send to the present holder of the stage fits this version too.
        case signature
        /// Every artifact is of one of these kinds.
        case artifacts([ArtifactKind])
        case approvals(ApprovalsRule)
        /// How long it has been in the stage it comes from, without a break.
        case soak(TimeSpan)
    }

    package var model: RegisteredModelName
    package var to: Stage
    /// The stages a version may come from; empty is any.
    package var from: [Stage]
    package var rules: [Rule]
    /// What a rollback of the stage must show beside being complete.
    package var rollback: [Rule]

    package init(
        model: RegisteredModelName,
        to: Stage,
        from: [Stage] = [],
        rules: [Rule],
        rollback: [Rule] = []
    ) {
        self.model = model
        self.to = to
        self.from = from
        self.rules = rules
        self.rollback = rollback
    }
}

extension Gate {
    package struct MetricRule: Sendable, Hashable {
        package enum Direction: String, Sendable, Hashable {
            case higher
            case lower
        }

        package var metric: MetricName
        /// The data set it was measured on; empty where metrics name none.
        package var dataSet: String
        package var better: Direction
        /// At least this.
        package var min: Double?
        /// At most this.
        package var max: Double?
        /// At most so much worse than the present holder of the stage; passes where there is none.
        package var noWorseThanHolderBy: Double?

        package init(
            metric: MetricName,
            dataSet: String = "",
            better: Direction,
            min: Double? = nil,
            max: Double? = nil,
            noWorseThanHolderBy: Double? = nil
        ) {
            self.metric = metric
            self.dataSet = dataSet
            self.better = better
            self.min = min
            self.max = max
            self.noWorseThanHolderBy = noWorseThanHolderBy
        }
    }

    /// Asks something of the training set; what is nil is not asked.
    package struct TrainingSetRule: Sendable, Hashable {
        /// Making it again gave its digest, when that was last tried.
        package var isReproducible: Bool
        /// When that was tried, at the longest ago.
        package var checkedWithin: TimeSpan?
        package var youngerThan: TimeSpan?
        package var minRows: UInt64?

        package init(
            isReproducible: Bool = false,
            checkedWithin: TimeSpan? = nil,
            youngerThan: TimeSpan? = nil,
            minRows: UInt64? = nil
        ) {
            self.isReproducible = isReproducible
            self.checkedWithin = checkedWithin
            self.youngerThan = youngerThan
            self.minRows = minRows
        }
    }

    /// A tag that must be there, with this value where one is given.
    package struct RequiredTag: Sendable, Hashable {
        package var key: String
        package var value: String?

        package init(key: String, value: String? = nil) {
            self.key = key
            self.value = value
        }
    }

    /// So many people who have one of these roles, none of them an author of the version.
    package struct ApprovalsRule: Sendable, Hashable {
        package var count: UInt32
        package var roles: [Role]

        package init(count: UInt32, roles: [Role] = [.approver]) {
            self.count = count
            self.roles = roles
        }
    }
}

/// What a gate said of a version: every rule, with its figures.
package struct GateVerdict: Sendable, Hashable {
    package enum Outcome: String, Sendable, Hashable {
        case passed
        case failed
        /// Not passed: what the rule asks about is not known.
        case cannotTell = "cannot tell"
    }

    package struct RuleVerdict: Sendable, Hashable {
        /// What is asked, such as `auc at least 0.7`.
        package var rule: String
        package var outcome: Outcome
        /// With the figures, such as `0.6812 is below 0.7`.
        package var reason: String

        package init(rule: String, outcome: Outcome, reason: String) {
            self.rule = rule
            self.outcome = outcome
            self.reason = reason
        }
    }

    package var rules: [RuleVerdict]
    /// Of the gate that gave it; nil where there was none.
    package var gateVersion: UInt32?

    package init(rules: [RuleVerdict], gateVersion: UInt32? = nil) {
        self.rules = rules
        self.gateVersion = gateVersion
    }

    package var passed: Bool { rules.allSatisfy { $0.outcome == .passed } }
}
