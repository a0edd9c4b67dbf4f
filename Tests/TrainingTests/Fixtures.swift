import Artifacts
import Codec
import Domain
import Foundation
import Offline
import Statistics

@testable import Training

/// A directory with an offline store, artifacts and training sets over them, removed behind it.
final class Scratch {
    let path: String
    let offline: OfflineStore
    let artifacts: ArtifactStore
    let sets: TrainingSets

    init() throws {
        path = NSTemporaryDirectory() + "alula-training-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        offline = try OfflineStore(path: path + "/offline.sqlite")
        artifacts = try ArtifactStore(directory: path + "/artifacts")
        sets = TrainingSets(offline: offline, artifacts: artifacts)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }  // best effort
}

func time(_ microseconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds) }

extension FeatureView {
    static func test(
        id: UInt32 = 1,
        keys: [(name: String, type: KeyType)] = [("id", .int64)],
        features: [(id: UInt32, name: String, type: ValueType)] = [(1, "value", .int64)],
        lookback: TimeSpan? = nil
    ) throws -> FeatureView {
        FeatureView(
            id: FeatureViewID(id),
            name: try FeatureViewName("view\(id)", as: "view"),
            entity: Entity(
                id: EntityID(id),
                name: try EntityName("entity\(id)", as: "entity"),
                keys: try keys.map {
                    .init(name: try JoinKeyName($0.name, as: "key"), type: $0.type)
                }
            ),
            features: try features.map {
                Feature(
                    id: FeatureID($0.id),
                    name: try FeatureName($0.name, as: "feature"),
                    type: $0.type
                )
            },
            lookback: lookback
        )
    }

    /// All features, under their names; `role` and `keys` where the view is taken in a role.
    func part(role: String? = nil, keys: [String]? = nil) throws -> FeaturePlan.ViewPart {
        FeaturePlan.ViewPart(
            view: self,
            label: role ?? name.text,
            keyColumns: try entity.keys.enumerated().map { index, join in
                .init(
                    name: try ColumnName(keys?[index] ?? join.name.text, as: "column"),
                    type: join.type
                )
            },
            lookback: lookback,
            maxAge: nil,
            features: try features.map {
                .init(
                    feature: $0.id,
                    name: $0.name,
                    type: $0.type,
                    column: try ColumnName(
                        (role.map { $0 + "__" } ?? "") + $0.name.text,
                        as: "column"
                    )
                )
            }
        )
    }

    /// Rows of one int64 key.
    func rows(
        _ rows: [(key: Int64, event: Int64, created: Int64?, values: [FeatureValue])]
    ) throws -> FeatureRows {
        FeatureRows(
            view: id,
            schemaVersion: 1,
            keys: [try Column(.int64, rows.map { .int64($0.key) })],
            event: try Column(.timestamp, rows.map { .timestamp(time($0.event)) }),
            created: try Column(
                .timestamp,
                rows.map { $0.created.map { .timestamp(time($0)) } ?? .null }
            ),
            features: try features.enumerated().map { index, feature in
                try Column(feature.type, rows.map { $0.values[index] })
            }
        )
    }
}

extension FeaturePlan {
    static func test(
        _ parts: [ViewPart],
        request: [(name: String, type: ValueType)] = []
    ) throws -> FeaturePlan {
        FeaturePlan(
            service: FeatureServiceReference(
                name: try FeatureServiceName("service", as: "service"),
                version: 1
            ),
            snapshotRevision: 1,
            views: parts,
            requestFields: try request.map {
                .init(name: try ColumnName($0.name, as: "column"), type: $0.type)
            }
        )
    }
}

extension RecordBatch {
    static func test(
        _ columns: [(name: String, type: ValueType, values: [FeatureValue])]
    ) throws -> Self {
        RecordBatch(
            schema: Schema(fields: columns.map { .init(name: $0.name, type: $0.type) }),
            columns: try columns.map { try Column($0.type, $0.values) },
            rowCount: columns.first?.values.count ?? 0
        )
    }

    /// All rows of one column.
    func values(_ name: String) -> [FeatureValue] {
        guard let column = self[name] else { return [] }
        return (0..<rowCount).map { column[$0] }
    }
}

extension Scratch {
    func push(
        _ entry: UInt64,
        _ view: FeatureView,
        _ rows: [(key: Int64, event: Int64, created: Int64?, values: [FeatureValue])]
    ) throws {
        try offline.apply([
            .init(
                entry: entry,
                recorded: time(1_000 + Int64(entry)),
                change: .rows(try view.rows(rows), layout: view.layouts[0])
            )
        ])
    }

    func publish(
        _ entry: UInt64,
        _ view: FeatureView,
        _ rows: [(key: Int64, event: Int64, created: Int64?, values: [FeatureValue])]
    ) throws {
        let record = try offline.beginImport(
            .init(
                view: view.id,
                project: ProjectName("p", as: "project"),
                sourceName: "",
                sourceDigest: ContentDigest(hex: String(repeating: "00", count: 32)),
                options: "\(entry)",
                begun: time(0)
            ),
            again: false
        )
        _ = try offline.stage(
            importID: record.id,
            chunk: 0,
            rows: view.rows(rows),
            layout: view.layouts[0]
        )
        try offline.apply([
            .init(
                entry: entry,
                recorded: time(1_000 + Int64(entry)),
                change: .publish(importID: record.id)
            )
        ])
    }

    struct Made {
        var record: TrainingSetRecord
        var batches: [RecordBatch]
        var profile: TableProfile?

        /// Of all batches.
        func values(_ name: String) -> [FeatureValue] { batches.flatMap { $0.values(name) } }
    }

    func make(
        _ plan: FeaturePlan,
        _ spine: RecordBatch,
        batchRows: Int = 65_536,
        label: String = "",
        through: UInt64? = nil,
        asKnown: Bool = false,
        keepUnknown: Bool = false,
        by others: TrainingSets? = nil
    ) throws -> Made {
        var batches: [RecordBatch] = []
        var start = 0
        var profile: TableProfile?
        let record = try (others ?? sets).make(
            TrainingRequest(
                id: .random(prefix: "ts"),
                plan: plan,
                project: ProjectName("p", as: "project"),
                spineSchema: spine.schema,
                eventTimeColumn: "when",
                label: label,
                through: through ?? offline.appliedThrough,
                asKnown: asKnown,
                keepUnknown: keepUnknown,
                spineName: "spine.csv",
                actor: "local",
                made: time(7)
            ),
            spine: {
                guard start < spine.rowCount else { return nil }
                let range = start..<min(start + batchRows, spine.rowCount)
                start = range.upperBound
                return spine.slice(range)
            },
            emit: { batches.append(try BatchCodec.decode($1.bytes(), schema: $0)) },
            isCancelled: { false },
            onProfile: { profile = $0 }
        )
        return Made(record: record, batches: batches, profile: profile)
    }

    func remake(
        _ record: TrainingSetRecord,
        _ plan: FeaturePlan
    ) throws -> (ContentDigest, [RecordBatch]) {
        var batches: [RecordBatch] = []
        let remade = try sets.remake(
            record,
            plan: plan,
            emit: { batches.append(try BatchCodec.decode($1.bytes(), schema: $0)) },
            isCancelled: { false }
        )
        return (remade.digest, batches)
    }
}
