/// What is kept of a training set: enough to make it again, and to prove that it is the same.
public struct TrainingSetRecord: Sendable, Hashable {
    public var id: TrainingSetID
    public var project: ProjectName
    /// Always with its version.
    public var service: FeatureServiceReference
    /// Every row up to this log entry was seen, and none after it.
    public var logEntry: UInt64
    /// Over the canonical form of all columns (`proto/README.md`).
    public var digest: ContentDigest
    /// Of the spine in its canonical form.
    public var spineDigest: ContentDigest
    /// The artifact that keeps the spine.
    public var spineArtifact: ContentDigest
    public var rows: UInt64
    public var schema: Schema
    public var eventTimeColumn: String
    public var label: String
    public var made: Timestamp
    public var asKnown: Bool
    public var keepUnknown: Bool
    public var reports: [ViewReport]
    public var featureColumns: [String]
    public var spineName: String
    public var actor: String
    /// Rows of the spine that deletion has blanked since: all their columns are null.
    public var blankedRows: UInt64
    /// The model whose prediction log it was made of; empty where it was joined from history.
    ///
    /// Its features are those that were served, and stand in its spine.
    public var servedModel: String

    public init(
        id: TrainingSetID,
        project: ProjectName,
        service: FeatureServiceReference,
        logEntry: UInt64,
        digest: ContentDigest,
        spineDigest: ContentDigest,
        spineArtifact: ContentDigest,
        rows: UInt64,
        schema: Schema,
        eventTimeColumn: String,
        label: String,
        made: Timestamp,
        asKnown: Bool,
        keepUnknown: Bool,
        reports: [ViewReport],
        featureColumns: [String],
        spineName: String,
        actor: String,
        blankedRows: UInt64 = 0,
        servedModel: String = ""
    ) {
        self.id = id
        self.project = project
        self.service = service
        self.logEntry = logEntry
        self.digest = digest
        self.spineDigest = spineDigest
        self.spineArtifact = spineArtifact
        self.rows = rows
        self.schema = schema
        self.eventTimeColumn = eventTimeColumn
        self.label = label
        self.made = made
        self.asKnown = asKnown
        self.keepUnknown = keepUnknown
        self.reports = reports
        self.featureColumns = featureColumns
        self.spineName = spineName
        self.actor = actor
        self.blankedRows = blankedRows
        self.servedModel = servedModel
    }

    /// By which it is made again, of the plan of its service.
    public func plan(_ plan: FeaturePlan) -> FeaturePlan {
        servedModel.isEmpty ? plan : plan.keysOnly
    }
}

/// How one view of a training set was joined, in counts of spine rows.
public struct ViewReport: Sendable, Hashable {
    /// The role, or the view's name.
    public var label: String
    public var view: FeatureViewName
    public var matched: UInt64 = 0
    public var expired: UInt64 = 0
    public var notFound: UInt64 = 0
    /// A null in a key, or no event time: joins nothing.
    public var nullKeys: UInt64 = 0
    /// Rows used whose created time lies after the spine's event time.
    public var late: UInt64 = 0
    /// Rows used whose created time is not known.
    public var unknown: UInt64 = 0
    public var oldestEvent: Timestamp?
    public var newestEvent: Timestamp?

    public init(label: String, view: FeatureViewName) {
        self.label = label
        self.view = view
    }
}
