import Codec
import Domain
import Online
import RocksDB
import TestSupport
import Testing

/// The bytes of an answer, written straight from stored rows, are those of a batch that was built
/// value by value.
struct ReadBytesTests {
    /// One row of one view as it was pushed.
    private struct Pushed {
        var version: UInt32
        var event: Int64
        var values: [FeatureID: FeatureValue]
    }

    private static let types: [ValueType] = [
        .bool, .int32, .int64, .float32, .float64, .timestamp, .string, .bytes,
        .list(.int64), .list(.string), .list(.bool), .fixedList(.float32, length: 5),
        .fixedList(.int64, length: 1), .fixedList(.string, length: 2), .list(.float32),
    ]

    @Test(arguments: 0..<60)
    func `answers are the bytes of a batch built value by value`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let fixture = try OnlineFixture()
        let views = (1...2).map { Self.view(UInt32($0), &random) }
        var truth: [FeatureViewID: [Int64: Pushed]] = [:]
        for view in views {
            for key in 0..<Int64(12) where random.chance(0.8) {
                truth[view.id, default: [:]][key] = try Self.push(view, key, fixture, &random)
            }
        }
        let parts = views.map { Fixtures.part($0) }
        var plan = Fixtures.plan(parts)
        plan.requestFields = [
            .init(name: Fixtures.name("note"), type: .string),
            .init(name: Fixtures.name("sum"), type: .float64),
        ]
        let lane = ReadLane(fixture.store)
        for rows in [0, 1, 7, 8, 9, 64, 2_000] {
            let keys = (0..<rows).map { _ in Int64.random(in: 0..<14, using: &random) }
            let notes = keys.map { FeatureValue.string(String(repeating: "n", count: Int($0))) }
            let sums = keys.map { $0 % 3 == 0 ? FeatureValue.null : .float64(Double($0)) }
            let batch = try Fixtures.keys([
                ("id", .int64, keys.map { .int64($0) }), ("note", .string, notes),
                ("sum", .float64, sums),
            ])
            let got = try fixture.store.readBytes(
                plan: plan,
                keys: batch,
                now: Timestamp(microseconds: 1_000),
                lane: lane
            )
            let want = try Self.expected(plan, keys, truth, [batch.columns[1], batch.columns[2]])
            #expect(got == want, "seed \(seed), \(rows) rows")
        }
    }

    /// With two schema versions of random types, the second wider where it can be.
    private static func view(_ id: UInt32, _ random: inout SeededRandom) -> FeatureView {
        let count = Int.random(in: 1...9, using: &random)
        let first = (0..<count).map { _ in types.randomElement(using: &random) ?? .int64 }
        let second = first.map { random.chance(0.5) ? wider($0) : $0 }
        let slots = second.enumerated().map {
            RowLayout.Slot(feature: FeatureID(UInt32($0.offset)), type: $0.element)
        }
        let old = first.enumerated().map {
            RowLayout.Slot(feature: FeatureID(UInt32($0.offset)), type: $0.element)
        }
        let added = types.randomElement(using: &random) ?? .string
        let new = RowLayout.Slot(feature: FeatureID(100), type: added)
        return Fixtures.view(
            id: id,
            name: "v\(id)",
            features: (slots + [new]).map { ($0.feature.number, "f\($0.feature.number)", $0.type) },
            maxAge: id == 1 ? nil : TimeSpan(microseconds: 500),
            layouts: random.chance(0.5)
                ? [RowLayout(version: 1, slots: slots + [new])]
                : [
                    RowLayout(version: 1, slots: old.shuffled(using: &random)),
                    RowLayout(version: 2, slots: (slots + [new]).shuffled(using: &random)),
                ]
        )
    }

    private static func wider(_ type: ValueType) -> ValueType {
        switch type {
        case .scalar(.int32): .int64
        case .scalar(.float32): .float64
        case .list(.float32): .list(.float64)
        case .fixedList(.float32, let length): .fixedList(.float64, length: length)
        default: type
        }
    }

    private static func push(
        _ view: FeatureView,
        _ key: Int64,
        _ fixture: OnlineFixture,
        _ random: inout SeededRandom
    ) throws -> Pushed {
        let layout = view.layouts.randomElement(using: &random) ?? view.layouts[0]
        let event = Int64.random(in: 0..<1_000, using: &random)
        var values: [FeatureID: FeatureValue] = [:]
        for slot in layout.slots {
            values[slot.feature] =
                random.chance(0.2) ? .null : value(slot.type, &random)
        }
        try fixture.push(
            try Fixtures.rows(
                view,
                keys: [[.int64(key)]],
                events: [event],
                features: layout.slots.map { [values[$0.feature] ?? .null] },
                version: layout.version
            ),
            to: view
        )
        return Pushed(version: layout.version, event: event, values: values)
    }

    private static func value(_ type: ValueType, _ random: inout SeededRandom) -> FeatureValue {
        func item(_ item: ScalarType) -> FeatureValue {
            let number = Int64.random(in: -1_000...1_000, using: &random)
            switch item {
            case .bool: return .bool(number > 0)
            case .int32: return .int32(Int32(number))
            case .int64: return .int64(number << 20)
            case .float32: return .float32(Float(number) / 8)
            case .float64: return .float64(Double(number) / 1_024)
            case .timestamp: return .timestamp(Timestamp(microseconds: number))
            case .string: return .string(String(repeating: "é", count: Int(abs(number) % 9)))
            case .bytes: return .bytes(Array(repeating: 7, count: Int(abs(number) % 5)))
            }
        }
        switch type {
        case .scalar(let kind): return item(kind)
        case .list(let kind):
            return .list((0..<Int.random(in: 0...4, using: &random)).map { _ in item(kind) })
        case .fixedList(let kind, let length): return .list((0..<length).map { _ in item(kind) })
        }
    }

    /// The answer by one builder a column and a loop over keys.
    private static func expected(
        _ plan: FeaturePlan,
        _ keys: [Int64],
        _ truth: [FeatureViewID: [Int64: Pushed]],
        _ carried: [Column]
    ) throws -> [UInt8] {
        var columns: [Column] = []
        var tail: [UInt8] = []
        for part in plan.views {
            let rows = keys.map { truth[part.view.id]?[$0] }
            let oldest = part.maxAge.map { 1_000 - $0.microseconds } ?? .min
            for feature in part.features {
                columns.append(
                    try Column(
                        feature.type,
                        rows.map { row in
                            guard let row, row.event >= oldest else { return .null }
                            return widened(row.values[feature.feature] ?? .null, feature.type)
                        }
                    )
                )
            }
            for row in rows {
                let bits = UInt64(bitPattern: row?.event ?? 0)
                for byte in 0..<8 {
                    tail.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * byte)))
                }
            }
            for row in rows {
                let status: FeatureStatus =
                    row == nil
                    ? .notFound
                    : row.map { $0.event >= oldest } == true
                        ? .present : .expired
                tail.append(status.rawValue)
            }
            while tail.count % 8 != 0 { tail.append(0) }
        }
        return BatchCodec.encode(
            RecordBatch(schema: plan.schema, columns: columns + carried, rowCount: keys.count)
        ) + tail
    }

    private static func widened(_ value: FeatureValue, _ type: ValueType) -> FeatureValue {
        switch (value, type.item) {
        case (.int32(let number), .int64): .int64(Int64(number))
        case (.float32(let number), .float64): .float64(Double(number))
        case (.list(let items), _): .list(items.map { widened($0, .scalar(type.item)) })
        default: value
        }
    }
}
