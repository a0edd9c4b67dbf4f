package import Domain
import Offline

extension TrainingSets {
    /// What a set is that was just made again; what was taken out of history is looked up now.
    package func state(
        of record: TrainingSetRecord,
        remade: Remade,
        plan: FeaturePlan
    ) throws(AlulaError) -> SetState {
        SetState.of(
            record,
            remadeWith: remade.digest,
            remade.reports,
            plan: plan,
            removals: try offline.removals(after: record.logEntry).compactMap(SetRemoval.init)
        )
    }
}

extension SetRemoval {
    /// Nil where the removal does not say of what it is.
    fileprivate init?(_ removal: OfflineStore.Removal) {
        switch removal.kind {
        case .forget:
            guard let entity = removal.entity else { return nil }
            self.init(logEntry: removal.logEntry, target: .entity(entity))
        case .retention:
            guard let view = removal.view else { return nil }
            self.init(logEntry: removal.logEntry, target: .view(view))
        }
    }
}
