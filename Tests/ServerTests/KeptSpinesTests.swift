import Artifacts
import Catalog
import Domain
import Foundation
import Offline
import Registry
import Releases
import TestSupport
import Testing
import Training

@testable import Server

/// Catalog, registry, history and artifacts in a temporary directory, and training sets over them.
private final class World {
    private let directory: TemporaryDirectory
    let registry: RegistryStore
    let artifacts: ArtifactStore
    let spines: KeptSpines
    let plan: FeaturePlan
    let entity: Entity
    private let trainingSets: TrainingSets
    private let project: ProjectName

    private static let definitions = """
        project: p
        entities: [{name: airport, keys: {code: string}}]
        views: [{name: stats, entity: airport, features: {delay: int64}}]
        services:
          - name: flights
            features:
              - {view: stats, as: origin, keys: {code: origin}}
              - {view: stats, as: destination, keys: {code: destination}}
        """
    static let schema = Schema(fields: [
        .init(name: "origin", type: .string), .init(name: "destination", type: .string),
        .init(name: "t", type: .timestamp),
    ])

    init() throws {
        directory = try TemporaryDirectory()
        let pool = try openCatalogPool(path: directory.path + "/catalog.sqlite")
        let catalog = try CatalogStore(pool: pool)
        let artifacts = try ArtifactStore(directory: directory.path + "/artifacts")
        self.artifacts = artifacts
        registry = try RegistryStore(
            pool: pool,
            artifacts: .init(size: { try artifacts.size(of: $0) }, firstBytes: { _ in [] }),
            auditKey: try AuditKey(secret: [UInt8](repeating: 7, count: 32))
        )
        project = try ProjectName("p", as: "project")
        _ = try ReleaseDesk(catalog: catalog, registry: registry).apply(
            files: [("d.yaml", Self.definitions)],
            project: "",
            call: Self.call(project)
        ) { _ in [] }
        let defined = try catalog.snapshot.project("p")
        entity = try defined.entity("airport")
        let plans = PlanCache()
        plan = try plans.plan(
            try FeatureServiceReference(text: "flights"),
            in: defined,
            of: catalog.snapshot
        ).plan
        trainingSets = TrainingSets(
            offline: try OfflineStore(path: directory.path + "/offline.sqlite"),
            artifacts: artifacts
        )
        spines = KeptSpines(
            sets: PlannedSets(catalog: catalog, registry: registry, plans: plans),
            registry: registry,
            artifacts: artifacts,
            trainingSets: trainingSets,
            now: { Timestamp(microseconds: 7) }
        )
    }

    /// Makes a set over these flights, and keeps its spine without recording it.
    func make(_ flights: [(String?, String?)]) throws -> TrainingSetRecord {
        var columns = [0, 1].map { _ in ColumnBuilder(.string) }
        var times = ColumnBuilder(.timestamp)
        for (origin, destination) in flights {
            for (column, code) in [origin, destination].enumerated() {
                if let code {
                    columns[column].append(variable: Array(code.utf8))
                } else {
                    columns[column].appendNull()
                }
            }
            times.append(fixed: Int64(5))
        }
        let taken = columns.map { $0.finish() }
        var batches = [
            RecordBatch(
                schema: Self.schema,
                columns: taken + [times.finish()],
                rowCount: flights.count
            )
        ]
        return try trainingSets.make(
            TrainingRequest(
                id: .random(prefix: "ts"),
                plan: plan,
                project: project,
                spineSchema: Self.schema,
                eventTimeColumn: "t",
                label: "",
                through: 0,
                asKnown: false,
                keepUnknown: false,
                spineName: "",
                actor: "me",
                made: Timestamp(microseconds: 6)
            ),
            spine: { batches.popLast() },
            emit: { _, _ in },
            isCancelled: { false }
        )
    }

    func record(_ record: TrainingSetRecord) throws {
        _ = try registry.recordTrainingSet(record, call: Self.call(project)) { _ in [] }
    }

    func blankedRows(_ record: TrainingSetRecord) throws -> UInt64 {
        try #require(try registry.trainingSet(record.id)).blankedRows
    }

    func key(_ code: String) -> EntityKey { EntityKey([.string(code)]) }

    func forget(_ code: String) throws {
        try spines.blank(entity.id, key: [6] + Array(code.utf8) + [0, 1])
    }

    func holding(_ code: String) throws -> [TrainingSetID: UInt64] {
        let found = try spines.holding(key(code), of: entity.id) { false }
        return Dictionary(uniqueKeysWithValues: found.map { ($0.set, $0.rows) })
    }

    private static func call(_ project: ProjectName) -> WriteCall {
        WriteCall(
            requestID: [],
            identity: .local,
            project: project,
            now: Timestamp(microseconds: 1)
        )
    }
}

struct KeptSpinesTests {
    private let world: World

    init() throws { world = try World() }

    @Test func `rows of a key are found and blanked in every role and in every set`() throws {
        let flights: [(String?, String?)] = [
            ("a", "b"), ("b", "a"), ("c", nil), ("a", "a"), (nil, "b"),
        ]
        let first = try world.make(flights)
        let second = try world.make([("c", "d")])
        let third = try world.make(flights)
        for set in [first, second, third] { try world.record(set) }
        #expect(first.spineArtifact == third.spineArtifact)
        #expect(try world.holding("a") == [first.id: 3, third.id: 3])
        #expect(try world.holding("b") == [first.id: 3, third.id: 3])
        try world.forget("a")
        #expect(try world.holding("a") == [:])
        #expect(try world.holding("b") == [first.id: 1, third.id: 1])
        #expect(try world.holding("c") == [first.id: 1, second.id: 1, third.id: 1])
        #expect(try world.artifacts.size(of: first.spineArtifact) == nil)
        #expect(try world.artifacts.size(of: second.spineArtifact) != nil)
        let sets = [first, second, third]
        #expect(try sets.map { try world.blankedRows($0) } == [3, 0, 3])
        try world.forget("a")
        try world.forget("b")
        #expect(try sets.map { try world.blankedRows($0) } == [4, 0, 4])
        #expect(try world.artifacts.entries().content.count == 2)
    }

    @Test func `a set that was being made while its key was forgotten is blanked too`() throws {
        var recorded: TrainingSetRecord?
        try world.spines.whileMaking(world.plan) {
            let record = try world.make([("a", "b"), ("c", "d")])
            try world.forget("a")
            world.spines.note(world.key("a"), of: world.entity.id, logEntry: 1)
            try world.record(record)
            recorded = record
            return (record, ())
        }
        let record: TrainingSetRecord = try #require(recorded)
        #expect(try world.blankedRows(record) == 1)
        #expect(try world.holding("a") == [:])
        #expect(try world.artifacts.size(of: record.spineArtifact) == nil)
    }

    @Test func `a set made from a position behind the deletion keeps its spine`() throws {
        var recorded: TrainingSetRecord?
        world.spines.note(world.key("a"), of: world.entity.id, logEntry: 4)
        try world.spines.whileMaking(world.plan) {
            var record = try world.make([("a", "b")])
            record.logEntry = 3
            world.spines.note(world.key("a"), of: world.entity.id, logEntry: 3)
            try world.record(record)
            recorded = record
            return (record, ())
        }
        let record: TrainingSetRecord = try #require(recorded)
        #expect(try world.blankedRows(record) == 0)
    }
}
