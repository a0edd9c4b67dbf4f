package import Domain

/// Who writes, when, and under which request id.
package struct WriteCall: Sendable, Hashable {
    /// 16 bytes, the same when a call is repeated; or none: every call is a new one.
    package var requestID: [UInt8]
    package var identity: Identity
    package var project: ProjectName
    package var now: Timestamp

    package init(
        requestID: [UInt8],
        identity: Identity,
        project: ProjectName,
        now: Timestamp
    ) {
        self.requestID = requestID
        self.identity = identity
        self.project = project
        self.now = now
    }

    package var actor: String { identity.name }

    /// Whether the actor has shown who they are.
    package var isVerified: Bool { identity.isVerified }
}

/// What a run is started with.
package struct RunStart: Sendable, Hashable {
    package var experiment: ExperimentName
    package var name: String
    package var params: [String: String]
    package var tags: [String: String]
    package var trainingSet: TrainingSetID?
    package var codeRevision: String
    package var environment: [String: String]
    /// Between two heartbeats, in whole seconds; zero where none will be sent.
    package var heartbeat: TimeSpan
    package var inputs: [RunItem]

    package init(
        experiment: ExperimentName,
        name: String = "",
        params: [String: String] = [:],
        tags: [String: String] = [:],
        trainingSet: TrainingSetID? = nil,
        codeRevision: String = "",
        environment: [String: String] = [:],
        heartbeat: TimeSpan = .seconds(0),
        inputs: [RunItem] = []
    ) {
        self.experiment = experiment
        self.name = name
        self.params = params
        self.tags = tags
        self.trainingSet = trainingSet
        self.codeRevision = codeRevision
        self.environment = environment
        self.heartbeat = heartbeat
        self.inputs = inputs
    }
}

/// What is added to a run, all or nothing.
package struct RunAddition: Sendable, Hashable {
    /// Written once each.
    package var params: [String: String]
    /// Points of series; one that is there already is not added again.
    package var metrics: [Metric]
    /// A tag takes its last value.
    package var tags: [String: String]
    package var inputs: [RunItem]
    package var outputs: [RunItem]

    package init(
        params: [String: String] = [:],
        metrics: [Metric] = [],
        tags: [String: String] = [:],
        inputs: [RunItem] = [],
        outputs: [RunItem] = []
    ) {
        self.params = params
        self.metrics = metrics
        self.tags = tags
        self.inputs = inputs
        self.outputs = outputs
    }

    var isMetricsOnly: Bool {
        params.isEmpty && tags.isEmpty && inputs.isEmpty && outputs.isEmpty
    }

    /// Whether it is only tags, which ended runs take too.
    var isTagsOnly: Bool {
        params.isEmpty && metrics.isEmpty && inputs.isEmpty && outputs.isEmpty
    }
}

/// What a version is registered with; what is left out is taken from its run and its training set.
package struct VersionRegistration: Sendable, Hashable {
    package var model: RegisteredModelName
    package var run: RunID
    package var artifacts: [ModelVersion.Artifact]
    package var service: FeatureServiceReference?
    package var trainingSet: TrainingSetID?
    package var description: String
    package var tags: [String: String]

    package init(
        model: RegisteredModelName,
        run: RunID,
        artifacts: [ModelVersion.Artifact],
        service: FeatureServiceReference? = nil,
        trainingSet: TrainingSetID? = nil,
        description: String = "",
        tags: [String: String] = [:]
    ) {
        self.model = model
        self.run = run
        self.artifacts = artifacts
        self.service = service
        self.trainingSet = trainingSet
        self.description = description
        self.tags = tags
    }
}
