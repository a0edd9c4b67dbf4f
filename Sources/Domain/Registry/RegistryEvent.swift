/// One change of a model that model servers and people may wait for.
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
    }

    /// Its place in the one sequence of all events, from 1 without gaps.
    package var revision: UInt64
    package var time: Timestamp
    package var kind: Kind
    package var model: RegisteredModelName
    package var version: UInt32
    /// Nil where it is about no stage.
    package var stage: Stage?
    /// Where the version was before; of one that left, where it is now.
    package var other: Stage?
    package var alias: AliasName?
    package var actor: String

    package init(
        revision: UInt64,
        time: Timestamp,
        kind: Kind,
        model: RegisteredModelName,
        version: UInt32,
        stage: Stage? = nil,
        other: Stage? = nil,
        alias: AliasName? = nil,
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
        self.actor = actor
    }
}
