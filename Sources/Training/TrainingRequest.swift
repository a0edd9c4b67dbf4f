package import Domain

/// What a training set is to be made of.
package struct TrainingRequest: Sendable {
    package var id: TrainingSetID
    package var plan: FeaturePlan
    package var project: ProjectName
    package var spineSchema: Schema
    package var eventTimeColumn: String
    /// Empty where none is named.
    package var label: String
    /// The last log entry to be seen.
    package var through: UInt64
    package var asKnown: Bool
    package var keepUnknown: Bool
    /// For people: the file the spine came from.
    package var spineName: String
    package var actor: String
    package var made: Timestamp

    package init(
        id: TrainingSetID,
        plan: FeaturePlan,
        project: ProjectName,
        spineSchema: Schema,
        eventTimeColumn: String,
        label: String,
        through: UInt64,
        asKnown: Bool,
        keepUnknown: Bool,
        spineName: String,
        actor: String,
        made: Timestamp
    ) {
        self.id = id
        self.plan = plan
        self.project = project
        self.spineSchema = spineSchema
        self.eventTimeColumn = eventTimeColumn
        self.label = label
        self.through = through
        self.asKnown = asKnown
        self.keepUnknown = keepUnknown
        self.spineName = spineName
        self.actor = actor
        self.made = made
    }
}
