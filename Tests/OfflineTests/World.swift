import Codec
import Domain
import TestSupport
import Testing

@testable import Offline

/// A random history in a store, and the same as plain lists.
final class World {
    let store: OfflineStore
    let kind: JoinAgainstOracleTests.KeyKind
    /// The layouts of the view, oldest first; the last is the present one.
    let views: [FeatureView]
    var rows: [Naive.Row] = []
    /// Of each row, the value of feature 4.
    var values: [Int64?] = []
    var hiding = NaiveHiding()
    var lastEntry: UInt64 = 0
    var random: SeededRandom
    private var imports: [UInt64] = []

    var view: FeatureView { views[views.count - 1] }

    init(_ store: OfflineStore, _ kind: JoinAgainstOracleTests.KeyKind, seed: UInt64) throws {
        self.store = store
        self.kind = kind
        random = SeededRandom(seed: seed)
        let old = try FeatureView.test(
            keys: kind.types,
            features: [(4, "value", .int32), (9, "text", .string)]
        )
        views = [
            old,
            try .test(
                keys: kind.types,
                features: [(7, "flags", .list(.bool)), (9, "text", .string), (4, "wide", .int64)],
                version: 2,
                layouts: old.layouts
            ),
        ]
    }

    /// Pushes, imports, retractions, and deletions where they are wanted.
    func grow(entries: Int, forgets: Bool = false) throws {
        for _ in 0..<entries {
            switch Int.random(in: 0...9, using: &random) {
            case 0...5: try push()
            case 6...7: try load()
            case 8: try retract()
            default: if forgets { try forget(kind.randomKey(&random)) } else { try push() }
            }
        }
    }

    func push(rows count: Int? = nil) throws {
        lastEntry += 1
        let layout = views[Int.random(in: 0...1, using: &random)]
        let batch = try batch(count ?? Int.random(in: 1...6, using: &random), layout)
        try store.push(lastEntry, at: Int64(lastEntry) + 2, batch, layout)
        note(batch, created: time(Int64(lastEntry) + 2))
    }

    func load() throws {
        let layout = views[Int.random(in: 0...1, using: &random)]
        let batch = try batch(Int.random(in: 2...8, using: &random), layout)
        let options = "\(lastEntry)"
        let record = try store.beginImport(.test(view: view, options: options), again: true)
        let cut = batch.count / 2
        for (chunk, range) in [0..<cut, cut..<batch.count].enumerated() {
            _ = try store.stage(
                importID: record.id,
                chunk: UInt64(chunk),
                rows: batch.taking(Array(range)),
                layout: layout.layout
            )
        }
        try apply(.publish(importID: record.id))
        imports.append(lastEntry)
        note(batch, created: nil)
    }

    func retract() throws {
        guard lastEntry > 0 else { return }
        let first = UInt64.random(in: 1...lastEntry, using: &random)
        let last = min(lastEntry, first + UInt64.random(in: 0...1, using: &random))
        try apply(.retract(view: view.id, entries: first...last))
        hiding.retractions.append(.init(entry: lastEntry, hides: first...last))
    }

    func forget(_ key: EntityKey) throws {
        try apply(
            .forget(
                entity: view.entity.id,
                views: [view.id],
                key: KeyCodec.encode(key),
                keyHash: [UInt8](repeating: 1, count: 32)
            )
        )
        hiding.deletions.append(.init(entry: lastEntry, key: key))
    }

    func apply(_ change: OfflineStore.LogPiece.Change) throws {
        lastEntry += 1
        try store.apply([
            .init(entry: lastEntry, recorded: time(Int64(lastEntry) + 2), change: change)
        ])
    }

    private func batch(_ count: Int, _ layout: FeatureView) throws -> FeatureRows {
        try layout.rows(
            (0..<count).map { _ in
                let value =
                    Int.random(in: 0...3, using: &random) == 0
                    ? nil : Int64.random(in: -9...9, using: &random)
                return (
                    key: kind.randomKey(&random),
                    event: Int64.random(in: 0...8, using: &random),
                    created: Bool.random(using: &random)
                        ? nil : Int64.random(in: 0...9, using: &random),
                    values: layout.features.map { feature in
                        guard let value else { return .null }
                        return switch feature.type {
                        case .int32: .int32(Int32(value))
                        case .int64: .int64(value)
                        case .string: .string("text \(value)")
                        default: .list([.bool(value > 0), .bool(true)])
                        }
                    }
                )
            }
        )
    }

    private func note(_ batch: FeatureRows, created: Timestamp?) {
        let feature = batch.features.firstIndex { [.int32, .int64].contains($0.type) } ?? 0
        for row in 0..<batch.count {
            rows.append(
                Naive.Row(
                    key: EntityKey(
                        batch.keys.map { column in
                            switch column[row] {
                            case .int64(let number): .int64(number)
                            case .string(let text): .string(text)
                            case .bytes(let bytes): .bytes(bytes)
                            default: preconditionFailure("a key of another type")
                            }
                        }
                    ),
                    event: batch.eventTime(row),
                    created: batch.createdTime(row) ?? created,
                    position: LogPosition(entry: lastEntry, row: UInt32(row))
                )
            )
            let value: Int64? =
                switch batch.features[feature][row] {
                case .int32(let value): Int64(value)
                case .int64(let value): value
                default: nil
                }
            values.append(value)
        }
    }
}

/// All that a store says of a view, from several positions.
struct Answers: Equatable {
    struct Join: Equatable {
        var statuses: [JoinStatus]
        var columns: [Column]
        var report: ViewReport
    }

    struct History: Equatable {
        var rows: FeatureRows
        var recorded: [Timestamp]
        var positions: [LogPosition]
        var importIDs: [String?]
    }

    var joins: [Join] = []
    var history: [History] = []
    var exported: [[LogPosition]] = []
    var exportedFeatures: [[[FeatureValue]]] = []
    var newest: [LogPosition] = []
    var newestRows: [FeatureRows] = []

    init(_ world: World, lookback: Int64? = 3) throws {
        let (store, view) = (world.store, world.view)
        let spine = try SortedSpine(view.entity.keys.map(\.type), Self.spine(world))
        let part = try view.part(lookback: lookback.map { TimeSpan(microseconds: $0) })
        for through in [world.lastEntry / 3, world.lastEntry - 1, world.lastEntry] {
            for asKnown in [false, true] {
                let joined = try store.join(
                    spine,
                    with: part,
                    scope: JoinScope(through: through, asKnown: asKnown)
                )
                let (columns, report) = try store.features(of: joined)
                joins.append(.init(statuses: joined.statuses, columns: columns, report: report))
            }
            for key in world.kind.keys {
                let found = try store.history(of: view, key: key, through: through)
                history.append(
                    .init(
                        rows: found.rows,
                        recorded: found.recorded,
                        positions: found.positions,
                        importIDs: found.importIDs
                    )
                )
            }
            var positions: [LogPosition] = []
            var features: [[FeatureValue]] = []
            try store.export(
                of: view,
                through: through,
                from: through == world.lastEntry ? nil : time(1),
                until: through == world.lastEntry ? nil : time(6),
                isCancelled: { false }
            ) { batch in
                positions += batch.positions
                for row in 0..<batch.rows.count {
                    features.append(batch.rows.features.map { $0[row] })
                }
            }
            exported.append(positions)
            exportedFeatures.append(features)
        }
        try store.newestRows(of: view, notAfter: time(6), batchRows: 3) {
            newest += $0.positions
            newestRows.append($0.rows)
            return true
        }
    }

    static func spine(_ world: World) -> [(key: EntityKey?, time: Int64?)] {
        world.kind.keys.flatMap { key in (-1...9).map { (key: key, time: $0) } }
    }
}
