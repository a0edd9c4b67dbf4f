package import Domain

/// All that a gate looks at, read in the transaction that decides.
package struct GateFacts: Sendable, Hashable {
    package var version: ModelVersion
    /// The holder of the stage that entered it last; nil where there is none.
    package var holder: ModelVersion?
    /// What the version and the holder read, where they read something.
    package var service: FeatureService?
    package var holderService: FeatureService?
    package var trainingSet: TrainingSetRecord?
    /// What became of making the training set again; nil where that was never tried.
    package var reproduction: ReproductionFact?
    /// What is missing of all that the version was made of, for people.
    package var lineageGaps: [String]
    /// By artifact name; nil where the kind is not known.
    package var kinds: [String: ArtifactKind?]
    /// For this version and this stage.
    package var approvals: [Approval]
    /// Who made the version or its run.
    package var authors: Set<String>
    /// Since when the version has been in its present stage; nil in a stage without holders.
    package var inStageSince: Timestamp?
    package var now: Timestamp

    package init(
        version: ModelVersion,
        holder: ModelVersion? = nil,
        service: FeatureService? = nil,
        holderService: FeatureService? = nil,
        trainingSet: TrainingSetRecord? = nil,
        reproduction: ReproductionFact? = nil,
        lineageGaps: [String] = [],
        kinds: [String: ArtifactKind?] = [:],
        approvals: [Approval] = [],
        authors: Set<String> = [],
        inStageSince: Timestamp? = nil,
        now: Timestamp
    ) {
        self.version = version
        self.holder = holder
        self.service = service
        self.holderService = holderService
        self.trainingSet = trainingSet
        self.reproduction = reproduction
        self.lineageGaps = lineageGaps
        self.kinds = kinds
        self.approvals = approvals
        self.authors = authors
        self.inStageSince = inStageSince
        self.now = now
    }
}
