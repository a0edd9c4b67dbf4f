/// What features are about: a name and its join keys, in the order of their definition.
public struct Entity: Sendable, Hashable {
    public struct JoinKey: Sendable, Hashable {
        public var name: JoinKeyName
        public var type: KeyType

        public init(name: JoinKeyName, type: KeyType) {
            self.name = name
            self.type = type
        }
    }

    public var id: EntityID
    public var name: EntityName
    public var keys: [JoinKey]

    public init(id: EntityID, name: EntityName, keys: [JoinKey]) {
        self.id = id
        self.name = name
        self.keys = keys
    }
}

/// A named value that a view holds for its entity.
public struct Feature: Sendable, Hashable {
    public var id: FeatureID
    public var name: FeatureName
    public var type: ValueType

    public init(id: FeatureID, name: FeatureName, type: ValueType) {
        self.id = id
        self.name = name
        self.type = type
    }
}

/// Which features a stored row has, in which order and of which types.
public struct RowLayout: Sendable, Hashable {
    public struct Slot: Sendable, Hashable {
        public var feature: FeatureID
        public var type: ValueType

        public init(feature: FeatureID, type: ValueType) {
            self.feature = feature
            self.type = type
        }
    }

    public var version: UInt32
    public var slots: [Slot]

    public init(version: UInt32, slots: [Slot]) {
        self.version = version
        self.slots = slots
    }

    public init(version: UInt32, features: [Feature]) {
        self.init(version: version, slots: features.map { Slot(feature: $0.id, type: $0.type) })
    }
}

/// Features of exactly one entity that arrive together, one row at an event time.
public struct FeatureView: Sendable, Hashable {
    public var id: FeatureViewID
    public var name: FeatureViewName
    public var entity: Entity
    /// In the order of their definition; later additions stand last.
    public var features: [Feature]
    /// How far back from a spine row a row still counts, both ends inclusive; nil is unbounded.
    public var lookback: TimeSpan?
    /// How old a row may be when it is served; nil is unbounded.
    public var maxAge: TimeSpan?
    /// Names of the time columns in source files.
    public var eventTimeColumn: String
    public var createdTimeColumn: String?
    public var owner: String
    public var description: String
    /// Every schema version so far, ascending; the last one is that of `features`.
    ///
    /// Each stored row names its version, so that it is read with the layout it was written with.
    public var layouts: [RowLayout]
    /// A retired view takes no writes and no new publications.
    public var isRetired: Bool
    /// What is kept of its history; nil is everything.
    public var retention: RetentionRule?

    public init(
        id: FeatureViewID,
        name: FeatureViewName,
        entity: Entity,
        features: [Feature],
        lookback: TimeSpan? = nil,
        maxAge: TimeSpan? = nil,
        eventTimeColumn: String = FeatureView.defaultEventTimeColumn,
        createdTimeColumn: String? = nil,
        owner: String = "",
        description: String = "",
        layouts: [RowLayout]? = nil,
        isRetired: Bool = false,
        retention: RetentionRule? = nil
    ) {
        self.id = id
        self.name = name
        self.entity = entity
        self.features = features
        self.lookback = lookback
        self.maxAge = maxAge
        self.eventTimeColumn = eventTimeColumn
        self.createdTimeColumn = createdTimeColumn
        self.owner = owner
        self.description = description
        self.layouts = layouts ?? [RowLayout(version: 1, features: features)]
        self.isRetired = isRetired
        self.retention = retention
    }

    public var schemaVersion: UInt32 { layouts.last?.version ?? 1 }

    /// The layout of this version; nil means that the row was written by a newer catalog: replan.
    public func layout(_ version: UInt32) -> RowLayout? { layouts.first { $0.version == version } }

    /// The event time column of a source that names none.
    public static let defaultEventTimeColumn = "event_time"
    /// The created time column that is taken, where a source has it, when the view names none.
    public static let defaultCreatedTimeColumn = "created_time"
}

/// A published version of the ordered projection of views that one model reads.
///
/// It never changes.
public struct FeatureService: Sendable, Hashable {
    /// One view in one role, and the features taken from it.
    public struct Projection: Sendable, Hashable {
        public var view: FeatureViewID
        /// The view's name when published, for messages.
        public var viewName: FeatureViewName
        /// `origin` where one view is taken in two roles; nil otherwise.
        public var role: FeatureViewName?
        public var entity: EntityID
        /// For each join key of the entity, in its order, the column of the spine that holds it.
        public var keyColumns: [KeyColumn]
        public var features: [Selection]
        public var lookback: TimeSpan?
        public var maxAge: TimeSpan?

        public init(
            view: FeatureViewID,
            viewName: FeatureViewName,
            role: FeatureViewName?,
            entity: EntityID,
            keyColumns: [KeyColumn],
            features: [Selection],
            lookback: TimeSpan?,
            maxAge: TimeSpan?
        ) {
            self.view = view
            self.viewName = viewName
            self.role = role
            self.entity = entity
            self.keyColumns = keyColumns
            self.features = features
            self.lookback = lookback
            self.maxAge = maxAge
        }
    }

    public struct KeyColumn: Sendable, Hashable {
        public var name: ColumnName
        public var type: KeyType

        public init(name: ColumnName, type: KeyType) {
            self.name = name
            self.type = type
        }
    }

    /// One feature as published: its id, its type then, and the column it becomes.
    public struct Selection: Sendable, Hashable {
        public var feature: FeatureID
        public var name: FeatureName
        public var type: ValueType
        public var column: ColumnName

        public init(feature: FeatureID, name: FeatureName, type: ValueType, column: ColumnName) {
            self.feature = feature
            self.name = name
            self.type = type
            self.column = column
        }
    }

    /// A value that only the caller knows; part of the vector, behind the features.
    public struct RequestField: Sendable, Hashable {
        public var name: ColumnName
        public var type: ValueType

        public init(name: ColumnName, type: ValueType) {
            self.name = name
            self.type = type
        }
    }

    public var name: FeatureServiceName
    /// 1, 2, … for each name.
    public var version: UInt32
    public var projections: [Projection]
    public var requestFields: [RequestField]
    public var description: String

    public init(
        name: FeatureServiceName,
        version: UInt32,
        projections: [Projection],
        requestFields: [RequestField] = [],
        description: String = ""
    ) {
        self.name = name
        self.version = version
        self.projections = projections
        self.requestFields = requestFields
        self.description = description
    }

    public var reference: FeatureServiceReference {
        FeatureServiceReference(name: name, version: version)
    }
}

/// `credit` (the newest version) or `credit@2`.
public struct FeatureServiceReference: Sendable, Hashable, CustomStringConvertible {
    public var name: FeatureServiceName
    public var version: UInt32?

    public init(name: FeatureServiceName, version: UInt32? = nil) {
        self.name = name
        self.version = version
    }

    public init(text: String) throws(AlulaError) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        name = try FeatureServiceName(String(parts[0]), as: "service")
        version = nil
        guard parts.count == 2 else { return }
        guard let number = UInt32(parts[1]), number > 0 else {
            throw .invalid(
                "service version \"\(parts[1])\" is not a number: expected \(name) or \(name)@2"
            )
        }
        version = number
    }

    public var description: String { version.map { "\(name)@\($0)" } ?? name.text }
}
