package import Domain
package import GRDB
import Synchronization

/// The definitions of all projects: reads are answered from an immutable picture in memory, changes
/// are decided by `decide` and written by `write`, both inside the one write transaction of whoever
/// applies.
package final class CatalogStore: Sendable {
    private let pool: DatabasePool
    private let current: Mutex<CatalogState>
    private let newest = Atomic<UInt64>(0)

    /// Reads the definitions of a pool made by `openCatalogPool`.
    package init(pool: DatabasePool) throws(AlulaError) {
        self.pool = pool
        do {
            current = Mutex(try pool.read { try CatalogTables(database: $0).load() })
        } catch {
            throw storageFailure(error)
        }
        newest.store(snapshot.revision, ordering: .releasing)
    }

    /// The revision of `snapshot`, without a lock.
    package var revision: UInt64 { newest.load(ordering: .acquiring) }

    /// All definitions as of the last apply.
    package var snapshot: CatalogSnapshot { current.withLock { $0.snapshot } }

    /// The gates in force in a project, by model and stage.
    package func gates(_ project: ProjectName) -> [VersionedGate] {
        current.withLock { $0.gates[project] ?? [] }.filter { !$0.isRemoved }
    }

    /// The newest version of each monitor, retired ones too, by project and name.
    package var monitors: [ProjectName: [VersionedMonitor]] { current.withLock { $0.monitors } }

    /// The newest version of each plan of rollouts, retired ones too, by project and name.
    package var rollouts: [ProjectName: [VersionedRolloutPlan]] {
        current.withLock { $0.rollouts }
    }

    /// Takes what a committed transaction has written; an older picture than the present one is let
    /// go.
    package func adopt(_ state: CatalogState) {
        current.withLock { current in
            guard state.snapshot.revision > current.snapshot.revision else { return }
            current = state
            newest.store(state.snapshot.revision, ordering: .releasing)
        }
    }

    /// The definitions as the transaction sees them.
    package static func state(in database: Database) throws -> CatalogState {
        try CatalogTables(database: database).load()
    }

    /// Every version of a model's gates, by stage and version.
    package static func gateHistory(
        _ project: ProjectName,
        _ model: RegisteredModelName,
        in database: Database
    ) throws -> [VersionedGate] {
        try CatalogTables(database: database).gateHistory(project, model)
    }

    /// Writes decided changes at the next revision, and returns the state after them.
    package static func write(
        _ changes: DefinitionChanges,
        now: Timestamp,
        in database: Database
    ) throws -> CatalogState {
        let tables = CatalogTables(database: database)
        try tables.write(changes, now: now)
        return try tables.load()
    }
}

/// The snapshot and the gates of one catalog revision.
package struct CatalogState: Sendable {
    package var snapshot: CatalogSnapshot
    /// The newest version of each, removed ones too.
    package var gates: [ProjectName: [VersionedGate]]
    /// Stages that models have beside the four, or changed.
    package var stages: [ProjectName: [StageDefinition]]
    /// The newest version of each, retired ones too.
    package var monitors: [ProjectName: [VersionedMonitor]]
    /// Likewise of plans of rollouts.
    package var rollouts: [ProjectName: [VersionedRolloutPlan]]
    var next: NextIdentifiers

    /// The gate in force before a stage of a model; nil where any complete version may enter.
    package func gate(
        _ project: ProjectName,
        model: RegisteredModelName,
        to stage: Stage
    ) -> VersionedGate? {
        gates[project]?.first { $0.gate.model == model && $0.gate.to == stage && !$0.isRemoved }
    }
}

/// A gate and how often it was defined anew; every verdict names the version it was given by.
package struct VersionedGate: Sendable, Hashable {
    package var gate: Gate
    package var version: UInt32
    /// From this version on there is none, until there is a next version.
    package var isRemoved: Bool

    package init(gate: Gate, version: UInt32, isRemoved: Bool = false) {
        self.gate = gate
        self.version = version
        self.isRemoved = isRemoved
    }
}

/// The ids that will be given out next; none was ever given before.
struct NextIdentifiers: Sendable {
    var entity: UInt32 = 1
    var view: UInt32 = 1
    var feature: UInt32 = 1

    mutating func takeEntity() -> EntityID {
        defer { entity += 1 }
        return EntityID(entity)
    }

    mutating func takeView() -> FeatureViewID {
        defer { view += 1 }
        return FeatureViewID(view)
    }

    mutating func takeFeature() -> FeatureID {
        defer { feature += 1 }
        return FeatureID(feature)
    }
}
