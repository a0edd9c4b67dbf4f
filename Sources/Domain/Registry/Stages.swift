/// Where a version stands on its way to users: one of the four, or one that the definitions give the
/// model.
public struct Stage: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let name: StageName

    public init(_ name: StageName) { self.name = name }

    public init(text: String) throws(AlulaError) {
        name = try StageName(text, as: "stage")
    }

    public static let none = Stage(StageName(trusted: "none"))
    public static let staging = Stage(StageName(trusted: "staging"))
    public static let production = Stage(StageName(trusted: "production"))
    public static let archived = Stage(StageName(trusted: "archived"))

    /// The stages that every model has.
    public static let common: [Stage] = [.none, .staging, .production, .archived]

    /// Whether versions hold the stage, few at a time and remembered when they leave; `none` and
    /// `archived` take any number and remember nobody.
    public var hasHolder: Bool { self != .none && self != .archived }

    public var text: String { name.text }
    public var description: String { name.text }

    public static func < (left: Stage, right: Stage) -> Bool { left.name < right.name }
}

/// What the definitions say of one stage of a model.
public struct StageDefinition: Sendable, Hashable {
    public var model: RegisteredModelName
    public var stage: Stage
    /// How many versions hold it at once; the oldest gives way to one more.
    public var holders: UInt32

    public init(model: RegisteredModelName, stage: Stage, holders: UInt32) {
        self.model = model
        self.stage = stage
        self.holders = holders
    }
}

/// How a caller says which version of a model it means.
public enum VersionChoice: Sendable, Hashable {
    /// The holder with the greatest share of the stage, or the one asked for, which must hold it.
    case stage(Stage, version: UInt32?)
    case alias(AliasName)
    case version(UInt32)
}

/// A name that points at a version of a model.
public struct ModelAlias: Sendable, Hashable {
    public var name: AliasName
    public var version: UInt32
    /// Whether only a verified actor with the right moves or removes it.
    public var isProtected: Bool
    public var since: Timestamp
    public var actor: String

    public init(
        name: AliasName,
        version: UInt32,
        isProtected: Bool,
        since: Timestamp,
        actor: String
    ) {
        self.name = name
        self.version = version
        self.isProtected = isProtected
        self.since = since
        self.actor = actor
    }
}

/// When a version held a stage.
public struct StageTenure: Sendable, Hashable {
    public var stage: Stage
    public var version: UInt32
    /// The first moment at which it held the stage.
    public var since: Timestamp
    /// The first moment at which it did so no longer; nil where it still does.
    public var until: Timestamp?
    /// Of the stage, at the moment that was asked about.
    public var share: Share

    public init(
        stage: Stage,
        version: UInt32,
        since: Timestamp,
        until: Timestamp?,
        share: Share
    ) {
        self.stage = stage
        self.version = version
        self.since = since
        self.until = until
        self.share = share
    }
}
