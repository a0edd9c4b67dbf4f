import Catalog
import Domain
import Foundation
import GRDB
import Testing

/// A catalog in a temporary directory.
final class Fixture {
    let directory = NSTemporaryDirectory() + "alula-catalog-\(UUID())"
    let pool: DatabasePool
    let catalog: CatalogStore

    init() throws {
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
        pool = try openCatalogPool(path: directory + "/catalog.sqlite")
        catalog = try CatalogStore(pool: pool)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Decides and writes; what would break is returned and nothing is written.
    @discardableResult
    func apply(
        _ yaml: String...,
        retire: [String] = [],
        drop: [String] = [],
        project: String = "",
        stageUses: [StageUse] = [],
        dependents: [Dependent] = []
    ) throws -> DefinitionChanges {
        let files = yaml.enumerated().map {
            DefinitionFile(
                name: yaml.count == 1 ? "d.yaml" : "d\($0.offset + 1).yaml",
                yaml: $0.element
            )
        }
        var after: CatalogState?
        let changes = try pool.write { database in
            let state = try CatalogStore.state(in: database)
            let changes = try CatalogStore.decide(
                files,
                retire: retire,
                drop: drop,
                project: project,
                over: state,
                stageUses: { _ in stageUses },
                dependents: { _ in dependents }
            )
            if changes.breaks.isEmpty, !changes.isEmpty {
                after = try CatalogStore.write(
                    changes,
                    now: Timestamp(microseconds: 1),
                    in: database
                )
            }
            return changes
        }
        if let after { catalog.adopt(after) }
        return changes
    }

    /// The mistakes of an apply.
    func mistakes(
        _ yaml: String...,
        retire: [String] = [],
        project: String = ""
    ) throws -> [String] {
        let files = yaml.enumerated().map {
            DefinitionFile(
                name: yaml.count == 1 ? "d.yaml" : "d\($0.offset + 1).yaml",
                yaml: $0.element
            )
        }
        do {
            try pool.read { database in
                _ = try CatalogStore.decide(
                    files,
                    retire: retire,
                    project: project,
                    over: try CatalogStore.state(in: database),
                    dependents: { _ in [] }
                )
            }
            return []
        } catch let error as AlulaError {
            #expect(error.code == .invalidArgument)
            return error.details
        }
    }

    func project() throws -> CatalogSnapshot.Project { try catalog.snapshot.project("") }
}

/// Two entities, three views, two services, a gate.
let credit = """
    project: credit
    entities:
      - {name: person, keys: {dob_ssn: string}}
      - {name: place, keys: {zipcode: int64}}
      - {name: airport, keys: {airport: string}}
    views:
      - name: credit_history
        entity: person
        ttl: 90d
        features: {credit_card_due: int64, missed_payments_1y: int32, score: float32}
        columns: {event_time: event_timestamp, created_time: created_timestamp}
        owner: risk@example.com
      - name: place_stats
        entity: place
        lookback: 30d
        features: {population: int64, score: float64}
      - name: airport_stats
        entity: airport
        max_age: 1d12h
        features:
          delay: float64
          embedding: float32[4]
    services:
      - name: credit
        features: [credit_history:*, place_stats:population]
        request: {loan_amount: float64}
      - name: flights
        features:
          - {view: airport_stats, as: origin, keys: {airport: origin}}
          - {view: airport_stats, as: destination, keys: {airport: destination}}
    gates:
      - model: credit
        to: production
        from: [staging]
        require:
          - {metric: auc, better: higher, min: 0.70, no_worse_than_holder_by: 0.01}
    """

func error(_ body: () throws -> Void) -> AlulaError? {
    do {
        try body()
        return nil
    } catch {
        return error as? AlulaError
    }
}
