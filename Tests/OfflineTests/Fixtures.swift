import Codec
import Domain
import Foundation
import TestSupport

@testable import Offline

typealias Naive = NaivePointInTimeJoin

/// A directory of its own for one test, removed behind it.
final class Scratch {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "alula-offline-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }  // best effort

    func store(groupRows: Int = 65_536) throws -> OfflineStore {
        try OfflineStore(path: path + "/offline.sqlite", groupRows: groupRows)
    }
}

func time(_ microseconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds) }

func key(_ parts: KeyPart...) -> EntityKey { EntityKey(parts) }

extension FeatureView {
    static func test(
        id: UInt32 = 1,
        keys: [KeyType] = [.int64],
        features: [(id: UInt32, name: String, type: ValueType)] = [(1, "value", .int64)],
        version: UInt32 = 1,
        layouts: [RowLayout] = []
    ) throws -> FeatureView {
        let features = try features.map {
            Feature(
                id: FeatureID($0.id),
                name: try FeatureName($0.name, as: "feature"),
                type: $0.type
            )
        }
        let entity = Entity(
            id: EntityID(1),
            name: try EntityName("thing", as: "entity"),
            keys: try keys.enumerated().map {
                Entity.JoinKey(name: try JoinKeyName("k\($0)", as: "key"), type: $1)
            }
        )
        return FeatureView(
            id: FeatureViewID(id),
            name: try FeatureViewName("view\(id)", as: "view"),
            entity: entity,
            features: features,
            layouts: layouts + [RowLayout(version: version, features: features)]
        )
    }

    var layout: RowLayout { layouts[layouts.count - 1] }

    /// A plan's part that takes all features of this view.
    func part(lookback: TimeSpan? = nil) throws -> FeaturePlan.ViewPart {
        FeaturePlan.ViewPart(
            view: self,
            label: name.text,
            keyColumns: try entity.keys.map {
                .init(name: try ColumnName($0.name.text, as: "column"), type: $0.type)
            },
            lookback: lookback,
            maxAge: nil,
            features: try features.map {
                .init(
                    feature: $0.id,
                    name: $0.name,
                    type: $0.type,
                    column: try ColumnName($0.name.text, as: "column")
                )
            }
        )
    }

    func rows(
        _ rows: [(key: EntityKey, event: Int64, created: Int64?, values: [FeatureValue])]
    ) throws -> FeatureRows {
        func column(_ type: ValueType, _ value: (Int) -> FeatureValue) throws -> Column {
            try Column(type, rows.indices.map(value))
        }
        return FeatureRows(
            view: id,
            schemaVersion: schemaVersion,
            keys: try entity.keys.enumerated().map { part, join in
                try column(join.type.valueType) { rows[$0].key.parts[part].value }
            },
            event: try column(.timestamp) { .timestamp(time(rows[$0].event)) },
            created: try column(.timestamp) {
                rows[$0].created.map { .timestamp(time($0)) } ?? .null
            },
            features: try layout.slots.enumerated().map { index, slot in
                try column(slot.type) { rows[$0].values[index] }
            }
        )
    }
}

extension KeyPart {
    var value: FeatureValue {
        switch self {
        case .int64(let number): .int64(number)
        case .string(let text): .string(text)
        case .bytes(let bytes): .bytes(bytes)
        }
    }
}

extension OfflineStore {
    func push(
        _ entry: UInt64,
        at recorded: Int64? = nil,
        _ rows: FeatureRows,
        _ view: FeatureView
    ) throws {
        try apply([
            LogPiece(
                entry: entry,
                recorded: time(recorded ?? Int64(entry)),
                change: .rows(rows, layout: view.layout)
            )
        ])
    }
}

extension SortedSpine {
    init(_ types: [KeyType], _ rows: [(key: EntityKey?, time: Int64?)]) throws {
        var builder = Builder(keyTypes: types)
        let keys = try types.enumerated().map { part, type in
            try Column(type.valueType, rows.map { $0.key?.parts[part].value ?? .null })
        }
        let times = try Column(
            .timestamp,
            rows.map { $0.time.map { .timestamp(Domain.Timestamp(microseconds: $0)) } ?? .null }
        )
        try builder.append(keys: keys, times: times)
        self = builder.finish()
    }
}

extension OfflineStore {
    /// The features of the joined rows in the order of the spine, and the report.
    func features(of joined: JoinedView) throws -> ([Column], ViewReport) {
        let count = joined.spine.rowCount
        let columns = joined.columns()
        let reports = try gather([joined], into: [columns], isCancelled: { false })
        let rows = columns.map {
            $0.isFixedWidth ? $0.column(0..<count) : $0.texts().column(0..<count)
        }
        return (rows, reports[0])
    }
}
