import Artifacts
import Catalog
import Codec
import Domain
import Foundation
import Registry
import Synchronization
import Training

/// The spines that are kept of training sets, and what deletions take out of them.
final class KeptSpines: Sendable {
    /// A deletion that training sets in the making may not have seen.
    private struct Recent {
        let number: UInt64
        let entity: EntityID
        let key: EntityKey
        let logEntry: UInt64
    }

    private struct State {
        var recent: [Recent] = []
        var lastNumber: UInt64 = 0
        /// Training sets that are being made.
        var making = 0
    }

    private let sets: PlannedSets
    private let registry: RegistryStore
    private let artifacts: ArtifactStore
    private let trainingSets: TrainingSets
    private let now: @Sendable () -> Timestamp
    private let state = Mutex(State())
    /// Held by whoever replaces spines: of two replacements of one spine none is lost.
    private let turn = NSLock()

    init(
        sets: PlannedSets,
        registry: RegistryStore,
        artifacts: ArtifactStore,
        trainingSets: TrainingSets,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.sets = sets
        self.registry = registry
        self.artifacts = artifacts
        self.trainingSets = trainingSets
        self.now = now
    }

    /// The sets whose spines hold the key, with the rows of each that do.
    func holding(
        _ key: EntityKey,
        of entity: EntityID,
        isCancelled: () -> Bool
    ) throws -> [(set: TrainingSetID, rows: UInt64)] {
        var found: [(TrainingSetID, UInt64)] = []
        for set in try sets.reading(entity) {
            guard !isCancelled() else { throw AlulaError(.cancelled, "the call was cancelled") }
            guard try isThere(set) else { continue }
            let rows = try trainingSets.countSpineRows(
                of: set.record,
                plan: set.plan,
                entity: entity,
                key: key
            )
            if rows > 0 { found.append((set.record.id, rows)) }
        }
        return found
    }

    /// The keys of an entity, in canonical bytes, that kept spines hold and that `isWanted`.
    func keys(
        of entity: EntityID,
        where isWanted: ([UInt8]) -> Bool
    ) throws(AlulaError) -> Set<[UInt8]> {
        var found: Set<[UInt8]> = []
        do {
            for set in try sets.reading(entity) where try isThere(set) {
                try trainingSets.forEachSpineKey(of: set.record, plan: set.plan, entity: entity) {
                    if isWanted($0) { found.insert($0) }
                }
            }
        } catch let error as AlulaError {
            throw error
        } catch {
            throw AlulaError(.internal, "the kept spines could not be read: \(error)")
        }
        return found
    }

    /// Whether the spine is there: of one that is lost, which `alula verify` tells of, nothing is left
    /// to blank.
    private func isThere(_ set: PlannedSets.PlannedSet) throws(AlulaError) -> Bool {
        try artifacts.size(of: set.record.spineArtifact) != nil
    }

    /// Blanks the rows of the key in every kept spine; a spine that has none stays as it is.
    func blank(_ entity: EntityID, key bytes: [UInt8]) throws(AlulaError) {
        turn.lock()
        defer { turn.unlock() }
        for set in try sets.reading(entity) {
            guard let part = set.plan.views.first(where: { $0.view.entity.id == entity }) else {
                continue
            }
            let key = try KeyCodec.decode(bytes, parts: part.view.entity.keys.count)
            try blank(set, entity, key)
        }
        try removeReplaced()
    }

    private func blank(
        _ set: PlannedSets.PlannedSet,
        _ entity: EntityID,
        _ key: EntityKey
    ) throws(AlulaError) {
        guard try isThere(set) else { return }
        do {
            let blanked = try trainingSets.blankSpine(
                of: set.record,
                plan: set.plan,
                entity: entity,
                key: key
            )
            guard let blanked else { return }
            try registry.replaceSpine(
                of: set.record.id,
                replacing: set.record.spineArtifact,
                with: blanked.artifact,
                blankedRows: blanked.rows,
                call: WriteCall(
                    requestID: [],
                    identity: .server,
                    project: set.record.project,
                    now: now()
                )
            )
        } catch let error as AlulaError {
            throw error
        } catch {
            throw AlulaError(.internal, "the spine of \(set.record.id) was not blanked: \(error)")
        }
    }

    /// Leaves nothing in the catalog's log of writes of the profiles that went with blanked spines.
    func emptyLog() throws(AlulaError) { try registry.emptyWriteLog() }

    /// Removes the files of spines that were replaced, also those that a crash has left.
    func removeReplaced() throws(AlulaError) {
        for digest in try registry.discardedArtifacts() {
            // A set of an equal spine that is recorded meanwhile keeps it.
            try registry.whileNothingIsWritten {
                guard try registry.discardedArtifacts().contains(digest) else { return }
                try artifacts.remove(digest)
            }
            try registry.artifactIsGone(digest)
        }
    }
}

extension KeptSpines {
    /// Notes a deletion, for the training sets that are being made.
    func note(_ key: EntityKey, of entity: EntityID, logEntry: UInt64) {
        state.withLock { state in
            guard state.making > 0 else { return }
            state.lastNumber += 1
            state.recent.append(
                Recent(number: state.lastNumber, entity: entity, key: key, logEntry: logEntry)
            )
        }
    }

    /// Runs `make`, which keeps a spine and records its set; what was deleted meanwhile is blanked
    /// in it too.
    func whileMaking<Value>(
        _ plan: FeaturePlan,
        _ make: () throws -> (TrainingSetRecord, Value)
    ) throws -> Value {
        let begun = state.withLock { state -> UInt64 in
            state.making += 1
            return state.lastNumber
        }
        defer {
            state.withLock { state in
                state.making -= 1
                if state.making == 0 { state.recent = [] }
            }
        }
        let (record, value) = try make()
        let missed = state.withLock { state in
            state.recent.filter { $0.number > begun && $0.logEntry > record.logEntry }
        }
        guard !missed.isEmpty else { return value }
        turn.lock()
        defer { turn.unlock() }
        for deletion in missed {
            let record = try registry.trainingSet(record.id) ?? record
            try blank(.init(record: record, plan: plan), deletion.entity, deletion.key)
        }
        try removeReplaced()
        return value
    }
}
