/// One change that model servers, people and their commands may wait for.
package struct RegistryEvent: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case registered
        case promoted
        case rolledBack = "rolled back"
        /// A version left a stage that another entered, or was taken out of it.
        case left
        case aliasSet = "alias set"
        case aliasDeleted = "alias deleted"
        case approved
        /// A version is no more.
        case deleted
        /// A gate let a version through that was promoted or rolled back.
        case gatePassed = "gate passed"
        /// A promotion or a rollback was refused.
        case gateRefused = "gate refused"
        case importPublished = "import published"
        /// An alarm of a monitor began, or ended.
        case monitorFiring = "monitor firing"
        case monitorResolved = "monitor resolved"
        /// A version became the shadow of a stage, or is it no longer.
        case shadowed
        case unshadowed
        /// A rollout went a step forward or back, the first one too.
        case rolloutStepped = "rollout stepped"
        /// A rollout is done, was stepped back or cancelled.
        case rolloutEnded = "rollout ended"
        /// The newest row of a view grew older than its max age, or one came that is not.
        case freshnessLost = "freshness lost"
        case freshnessRegained = "freshness regained"

        /// What it is about and what happened, for patterns: `stage.promoted`.
        package var name: String {
            switch self {
            case .registered: "version.registered"
            case .approved: "version.approved"
            case .deleted: "version.deleted"
            case .promoted: "stage.promoted"
            case .rolledBack: "stage.rolled_back"
            case .left: "stage.left"
            case .gatePassed: "gate.passed"
            case .gateRefused: "gate.refused"
            case .aliasSet: "alias.set"
            case .aliasDeleted: "alias.deleted"
            case .importPublished: "import.published"
            case .monitorFiring: "monitor.firing"
            case .monitorResolved: "monitor.resolved"
            case .shadowed: "shadow.set"
            case .unshadowed: "shadow.ended"
            case .rolloutStepped: "rollout.stepped"
            case .rolloutEnded: "rollout.ended"
            case .freshnessLost: "freshness.lost"
            case .freshnessRegained: "freshness.regained"
            }
        }
    }

    /// Its place in the one sequence of all events, from 1 without gaps.
    package var revision: UInt64
    package var time: Timestamp
    package var kind: Kind
    /// Nil where it is about none.
    package var model: RegisteredModelName?
    /// 0 where it is about none.
    package var version: UInt32
    /// Nil where it is about no stage.
    package var stage: Stage?
    /// Where the version was before; of one that left, where it is now.
    package var other: Stage?
    package var alias: AliasName?
    package var view: FeatureViewName?
    /// An import's id, a monitor's name, or that of a rollout's plan.
    package var subject: String?
    /// In words: why a gate refused, how many rows came.
    package var detail: String
    package var actor: String

    package init(
        revision: UInt64,
        time: Timestamp,
        kind: Kind,
        model: RegisteredModelName?,
        version: UInt32,
        stage: Stage? = nil,
        other: Stage? = nil,
        alias: AliasName? = nil,
        view: FeatureViewName? = nil,
        subject: String? = nil,
        detail: String = "",
        actor: String
    ) {
        self.revision = revision
        self.time = time
        self.kind = kind
        self.model = model
        self.version = version
        self.stage = stage
        self.other = other
        self.alias = alias
        self.view = view
        self.subject = subject
        self.detail = detail
        self.actor = actor
    }
}
