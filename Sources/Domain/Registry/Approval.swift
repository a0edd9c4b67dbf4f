/// Someone's word that a version may enter a stage.
package struct Approval: Sendable, Hashable {
    package var model: RegisteredModelName
    package var version: UInt32
    package var stage: Stage
    package var actor: String
    /// What they had when they gave it.
    package var roles: Set<Role>
    package var time: Timestamp
    package var reason: String

    package init(
        model: RegisteredModelName,
        version: UInt32,
        stage: Stage,
        actor: String,
        roles: Set<Role>,
        time: Timestamp,
        reason: String
    ) {
        self.model = model
        self.version = version
        self.stage = stage
        self.actor = actor
        self.roles = roles
        self.time = time
        self.reason = reason
    }
}

/// What became of making a training set again, when that was last tried.
package struct ReproductionFact: Sendable, Hashable {
    package enum State: String, Sendable, Hashable {
        case complete
        case incomplete
        case damaged
    }

    package var trainingSet: TrainingSetID
    package var state: State
    /// How far the log reached then.
    package var logEntry: UInt64
    package var time: Timestamp

    package init(trainingSet: TrainingSetID, state: State, logEntry: UInt64, time: Timestamp) {
        self.trainingSet = trainingSet
        self.state = state
        self.logEntry = logEntry
        self.time = time
    }
}
