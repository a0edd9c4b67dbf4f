package import Domain

/// One thing that apply changes, for people.
package struct DefinitionChange: Sendable, Hashable {
    package enum Kind: String, Sendable {
        case project
        case entity
        case view
        case service
        case stage
        case gate
        case monitor
        case rollout
    }

    package enum Action: String, Sendable {
        case create
        case change
        case publish
        case retire
        case drop
    }

    package var kind: Kind
    package var name: String
    package var action: Action
    /// Such as `feature population: int64`, `look-back 90d to 30d`.
    package var lines: [String]
}

/// A model version that must go on working, and the published service version it reads.
package struct Dependent: Sendable, Hashable {
    /// Such as `credit version 3 (production)`.
    package var title: String
    package var service: FeatureServiceReference

    package init(title: String, service: FeatureServiceReference) {
        self.title = title
        self.service = service
    }
}

/// What an apply comes to, decided and not yet written.
package struct DefinitionChanges: Sendable {
    /// One act on the tables.
    ///
    /// Ids were given out when it was decided.
    enum Operation: Sendable {
        case addProject
        case addEntity(Entity)
        case putView(FeatureView)
        case addService(FeatureServiceName, description: String)
        case describeService(FeatureServiceName, String)
        case publish(FeatureService)
        case putStage(StageDefinition)
        case dropStage(StageDefinition)
        case putGate(VersionedGate)
        case putMonitor(VersionedMonitor)
        case putRollout(VersionedRolloutPlan)
        case retireView(FeatureViewID)
        case retireService(FeatureServiceName)
        case dropView(FeatureView)
        case dropService(FeatureServiceName, through: UInt32)
    }

    package var project: ProjectName
    package var changes: [DefinitionChange] = []
    /// Why apply would be refused: what would break, named.
    package var breaks: [String] = []
    /// Gates as they were and as they will be.
    package var gateChanges: [GateChange] = []
    package var monitorChanges: [MonitorChange] = []
    package var rolloutChanges: [RolloutPlanChange] = []
    package var stageChanges: [StageChange] = []
    /// Published versions of services that cannot be read any more.
    package var unreadable: [FeatureServiceReference] = []
    var operations: [Operation] = []

    package var isEmpty: Bool { operations.isEmpty }

    package var changesGates: Bool { changes.contains { $0.kind == .gate || $0.kind == .stage } }
}

/// A gate before and after an apply; `before` is nil where there was none.
package struct GateChange: Sendable, Hashable {
    package var before: VersionedGate?
    package var after: VersionedGate
}

/// A stage of a model before and after an apply; nil where its model has, or had, no such definition.
package struct StageChange: Sendable, Hashable {
    package var before: StageDefinition?
    package var after: StageDefinition?
}
