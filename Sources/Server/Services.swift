import Artifacts
import Catalog
import Domain
import Ingest
import Offline
import Registry
import Releases
import Training

/// Everything that answers calls, built once by the composition root.
struct Services: Sendable {
    let directory: DataDirectory
    let catalog: Catalog.Catalog
    let registry: Registry.Registry
    let releases: Releases.Releases
    let artifacts: ArtifactStore
    let offline: OfflineStore
    let ingestor: Ingestor
    let trainingSets: TrainingSets
    let plans: PlanCache
    let started: Timestamp
    let now: @Sendable () -> Timestamp
}
