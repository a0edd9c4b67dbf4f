import Catalog
import Domain
import Registry

/// The recorded training sets of all projects with the plans of their services, for what concerns
/// history: deletion, retraction, retention.
struct PlannedSets: Sendable {
    struct PlannedSet: Sendable {
        let record: TrainingSetRecord
        let plan: FeaturePlan
    }

    let catalog: CatalogStore
    let registry: RegistryStore
    let plans: PlanCache

    /// The sets whose services read one of these views, the oldest first.
    func reading(_ views: Set<FeatureViewID>) throws(AlulaError) -> [PlannedSet] {
        var found: [TrainingSetID: TrainingSetRecord] = [:]
        for view in views {
            for record in try registry.trainingSets(using: view) { found[record.id] = record }
        }
        return try planned(
            found.values.sorted { ($0.made, $0.id.text) < ($1.made, $1.id.text) }
        )
    }

    /// The sets whose services read a view of this entity, the oldest first.
    func reading(_ entity: EntityID) throws(AlulaError) -> [PlannedSet] {
        try planned(try registry.trainingSets(using: entity))
    }

    private func planned(_ records: [TrainingSetRecord]) throws(AlulaError) -> [PlannedSet] {
        let snapshot = catalog.snapshot
        return try records.map { (record) throws(AlulaError) in
            let project = try snapshot.project(record.project.text)
            return PlannedSet(
                record: record,
                plan: record.plan(
                    try plans.plan(record.service, in: project, of: snapshot).plan
                )
            )
        }
    }
}
