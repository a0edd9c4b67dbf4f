import Catalog
import Domain
import Registry
import Synchronization

/// Tells when the newest row of a view with a max age has grown older than it, so that reads answer
/// `expired` for every key, and when one has come that is not.
///
/// Where views stand is in the catalog with the event that told it: each change is told once, also
/// over restarts. A view that never had a row was never fresh.
final class FreshnessWatch: Sendable {
    private let registry: RegistryStore
    private let catalog: CatalogStore
    private let newestEvent: @Sendable (FeatureViewID) -> Timestamp?
    private let now: @Sendable () -> Timestamp
    /// Those that are told to be lost.
    private let lost: Mutex<[FeatureViewID: FreshnessChange]>

    init(
        _ registry: RegistryStore,
        _ catalog: CatalogStore,
        newestEvent: @escaping @Sendable (FeatureViewID) -> Timestamp?,
        now: @escaping @Sendable () -> Timestamp
    ) throws(AlulaError) {
        self.registry = registry
        self.catalog = catalog
        self.newestEvent = newestEvent
        self.now = now
        var known: [FeatureViewID: FreshnessChange] = [:]
        for change in try registry.viewsNotFresh() { known[change.view] = change }
        lost = Mutex(known)
    }

    /// Looks at all views once; what could not be kept is found again by the next look.
    func look(_ call: (ProjectName) -> WriteCall) throws(AlulaError) {
        let known = lost.withLock { $0 }
        let now = now()
        var changes: [FreshnessChange] = []
        var watched: Set<FeatureViewID> = []
        for project in catalog.snapshot.projects.values {
            for view in project.views.values where !view.isRetired {
                guard let maxAge = view.maxAge else { continue }
                watched.insert(view.id)
                let change = change(of: view, project.name, maxAge, now, known[view.id] != nil)
                if let change { changes.append(change) }
            }
        }
        for (id, was) in known where !watched.contains(id) {
            var change = was
            change.isLost = false
            change.detail = "it is looked at no more: the view has no max age, or is retired"
            changes.append(change)
        }
        changes.sort { $0.view.number < $1.view.number }
        guard let first = changes.first else { return }
        try registry.keep(changes, call: call(first.project))
        lost.withLock { lost in
            for change in changes { lost[change.view] = change.isLost ? change : nil }
        }
    }

    private func change(
        of view: FeatureView,
        _ project: ProjectName,
        _ maxAge: TimeSpan,
        _ now: Timestamp,
        _ wasLost: Bool
    ) -> FreshnessChange? {
        guard let newest = newestEvent(view.id) else { return nil }
        let (age, overflow) = now.microseconds.subtractingReportingOverflow(newest.microseconds)
        let isLost = overflow || age > maxAge.microseconds
        guard isLost != wasLost else { return nil }
        return FreshnessChange(
            view: view.id,
            name: view.name,
            project: project,
            isLost: isLost,
            detail: "the newest row is of \(newest), the max age is \(maxAge)"
        )
    }
}
