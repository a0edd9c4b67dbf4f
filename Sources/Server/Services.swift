import Artifacts
import Catalog
import Domain
import Ingest
import Offline
import Online
import Registry
import Releases
import Served
import Training
import Trust

/// Everything that answers calls, built once by the composition root.
struct Services: Sendable {
    let directory: DataDirectory
    let catalog: CatalogStore
    let registry: RegistryStore
    let auditHeads: AuditHeads
    let auditKeyIsOutside: Bool
    let watches: WatchHub
    let importNews: ImportNews
    let stagingTurns: StagingTurns
    let releases: ReleaseDesk
    let artifacts: ArtifactStore
    let offline: OfflineStore
    let online: OnlineStore
    let ingestor: Ingestor
    let trainingSets: TrainingSets
    let plans: PlanCache
    let servedModels: ServedModels
    let lookups: KeptLookups
    let readDesks: ReadDesks
    let readCounts: ReadCounts
    let served: ServedLog
    let monitors: MonitorDesk
    let rollouts: RolloutDesk
    let profiles: ProfileDesk
    let spines: KeptSpines
    let heartbeats: Heartbeats
    let forgetting: Forgetting
    let backups: Backups
    let connections: Connections
    let tokens: TokenStore
    let gatekeeper: Gatekeeper
    let limits: ServerLimits
    let health: StorageHealth
    let room: DiskRoom
    let buffered: BufferBudget
    let working: WorkingBytes
    let rates: RequestRates
    let figures: CallFigures
    let slowCalls: SlowCalls
    let started: Timestamp
    let now: @Sendable () -> Timestamp

    var plannedSets: PlannedSets {
        PlannedSets(catalog: catalog, registry: registry, plans: plans)
    }
}
