import Catalog
import Codec
import Domain
import Foundation
import Logging
import Offline
import Profiles
import Statistics
import Synchronization
import TestSupport
import Testing

@testable import Served
@testable import Server

/// A view and a model over files of their own, with a clock that the test moves, and beside them a list of
/// every row that is left.
final class ProfileWorld {
    struct Row: Hashable {
        var key: Int64
        var a: Double?
        var city: String?
        var entry: UInt64
        var time: Timestamp
        /// Of a vector.
        var version: UInt32 = 0
    }

    let offline: OfflineStore
    let log: ServedLog
    let view: FeatureView
    let model: ServedModel.Name
    let clock = Clock()
    private(set) var desk: ProfileDesk
    var rows: [Row] = []
    let served = Mutex<[Row]>([])
    private var entry: UInt64 = 0
    private let directory: TemporaryDirectory

    final class Clock: Sendable {
        private let value = Mutex<Int64>(1_000 * 3_600 * 1_000_000)

        var time: Timestamp { Timestamp(microseconds: value.withLock { $0 }) }

        func add(_ seconds: Int64) { value.withLock { $0 += seconds * 1_000_000 } }
    }

    init() throws {
        directory = try TemporaryDirectory()
        offline = try OfflineStore(path: directory.file("offline.sqlite"))
        let features = [
            Feature(id: FeatureID(1), name: try FeatureName("a", as: "f"), type: .float64),
            Feature(id: FeatureID(2), name: try FeatureName("city", as: "f"), type: .string),
        ]
        view = FeatureView(
            id: FeatureViewID(1),
            name: try FeatureViewName("v", as: "view"),
            entity: Entity(
                id: EntityID(1),
                name: try EntityName("person", as: "entity"),
                keys: [.init(name: try JoinKeyName("id", as: "key"), type: .int64)]
            ),
            features: features
        )
        model = ServedModel.Name(
            try ProjectName("p", as: "project"),
            try RegisteredModelName("m", as: "model")
        )
        let clock = clock
        log = try ServedLog(offline, now: { clock.time }, lastEntry: { 0 })
        log.start()
        desk = Self.desk(offline, log, view, clock)
    }

    deinit { log.stop() }

    /// As after a kill: all that a desk knows is in the files.
    func restart() { desk = Self.desk(offline, log, view, clock) }

    private static func desk(
        _ offline: OfflineStore,
        _ log: ServedLog,
        _ view: FeatureView,
        _ clock: Clock
    ) -> ProfileDesk {
        let name = ProjectName("p")
        let snapshot = CatalogSnapshot(
            revision: 1,
            projects: name.map { [$0: .init(name: $0, views: [view.name: view])] } ?? [:]
        )
        return ProfileDesk(
            ProfileDesk.Sources(
                offline: offline,
                served: log,
                snapshot: { snapshot },
                lastEntry: { offline.appliedThrough }
            ),
            rule: ProfileRule(),
            now: { clock.time },
            logger: Logger(label: "test")
        )
    }

    static func bytes(_ key: Int64) -> [UInt8] {
        KeyCodec.encode(EntityKey([.int64(key)]))
    }
}

// MARK: - What happens to history

extension ProfileWorld {
    private func apply(_ change: OfflineStore.LogPiece.Change) throws {
        entry += 1
        try offline.apply([.init(entry: entry, recorded: clock.time, change: change)])
    }

    func push(_ some: [(key: Int64, a: Double, city: String)]) throws {
        let layout = try #require(view.layouts.last)
        let event = clock.time.microseconds
        try apply(
            .rows(
                FeatureRows(
                    view: view.id,
                    schemaVersion: view.schemaVersion,
                    keys: [Column(int64s: some.map(\.key))],
                    event: Column(int64s: some.map { _ in event }, type: .timestamp),
                    created: Column(int64s: some.map { _ in event }, type: .timestamp),
                    features: [
                        try Column(.float64, some.map { .float64($0.a) }),
                        try Column(.string, some.map { .string($0.city) }),
                    ]
                ),
                layout: layout
            )
        )
        rows += some.map {
            Row(key: $0.key, a: $0.a, city: $0.city, entry: entry, time: clock.time)
        }
    }

    func forget(_ key: Int64, isFollowed: Bool = true) throws {
        try apply(
            .forget(
                entity: view.entity.id,
                views: [view.id],
                key: Self.bytes(key),
                keyHash: [UInt8](repeating: UInt8(truncatingIfNeeded: entry), count: 16)
            )
        )
        try desk.forget(view.entity.id, key: Self.bytes(key))
        try offline.eraseForgotten(isCancelled: { false }, progress: { _, _ in })
        rows.removeAll { $0.key == key }
        if isFollowed { try desk.round() }
    }

    func retract(_ random: inout SeededRandom) throws {
        guard entry > 0 else { return }
        let first = UInt64.random(in: 1...entry, using: &random)
        let entries = first...min(entry, first + 1)
        try apply(.retract(view: view.id, entries: entries))
        rows.removeAll { entries.contains($0.entry) }
        try desk.round()
    }

    /// What came with the first log entry.
    func retractFirst() throws {
        try apply(.retract(view: view.id, entries: 1...1))
        rows.removeAll { $0.entry == 1 }
    }

    /// All rows that were so more than a second before now.
    func retire() throws {
        let staged = try offline.stageRetention(
            view,
            RetentionRule(age: .seconds(1)),
            now: clock.time,
            isCancelled: { false },
            progress: { _, _ in }
        )
        if let staged { try apply(.retire(view: view.id, merge: staged.merge)) }
    }
}

extension ProfileWorld {
    func compact() throws {
        _ = try offline.compact(view, isCancelled: { false }, progress: { _, _ in })
    }
}

// MARK: - What is found

extension ProfileWorld {
    func kept() throws -> [ProfiledHour] {
        try offline.readBeside { try ProfileFile($0).hours(.view(view.id)) }
    }

    func profile(since: Timestamp? = nil, until: Timestamp? = nil) throws -> ProfileSpan {
        try desk.profile(of: view, since: since, until: until, isCancelled: { false })
    }

    /// Counts only, which also hold while profiles are coarse.
    func expectCounts(_ context: Comment) throws {
        // Hours that wait to be made again still count what was taken.
        guard try kept().allSatisfy({ !$0.isTouched }) else { return }
        let found = try profile()
        #expect(found.table().rows == UInt64(rows.count), context)
        var hours: [Timestamp: UInt64] = [:]
        for row in rows { hours[ProfileRule().start(of: row.time), default: 0] += 1 }
        var seen: [Timestamp: UInt64] = [:]
        for hour in found.hours { seen[hour.start, default: 0] += hour.rows }
        #expect(seen == hours, context)
    }

    func expectSame(_ context: Comment) throws {
        try expectCounts(context)
        try expect(try profile().table(), rows, context)
    }

    private func expect(_ table: TableProfile, _ rows: [Row], _ context: Comment) throws {
        guard !rows.isEmpty else { return }
        let values = rows.compactMap(\.a)
        let a = try #require(table["a"], context)
        #expect(a.moments.count == UInt64(values.count), context)
        #expect(a.nulls == UInt64(rows.count - values.count), context)
        if !values.isEmpty {
            #expect(a.moments.minimum == values.min(), context)
            #expect(a.moments.maximum == values.max(), context)
            let mean = values.reduce(0, +) / Double(values.count)
            #expect(abs(a.moments.mean - mean) < 1e-9 * (1 + abs(mean)), context)
        }
        var cities: [String: UInt64] = [:]
        for city in rows.compactMap(\.city) { cities[city, default: 0] += 1 }
        let top = try #require(table["city"], context).top(99)
        #expect(
            Dictionary(uniqueKeysWithValues: top.map { ($0.text, $0.count) }) == cities,
            context
        )
    }
}

// MARK: - What a model was served

extension ProfileWorld {
    /// Writes vectors as the log's own thread does.
    func serve(
        version: UInt32,
        _ some: [(key: Int64, a: Double?, city: String?)],
        late seconds: Int64 = 0
    ) throws {
        let first = clock.time.microseconds - seconds * 1_000_000
        let count = some.count
        let plan = FeaturePlan(
            service: FeatureServiceReference(
                name: try FeatureServiceName("s", as: "service"),
                version: version
            ),
            snapshotRevision: 1,
            views: [
                FeaturePlan.ViewPart(
                    view: view,
                    label: "v",
                    keyColumns: [.init(name: try ColumnName("id", as: "column"), type: .int64)],
                    lookback: nil,
                    maxAge: nil,
                    features: try view.features.map {
                        .init(
                            feature: $0.id,
                            name: $0.name,
                            type: $0.type,
                            column: try ColumnName($0.name.text, as: "column")
                        )
                    }
                )
            ],
            requestFields: []
        )
        let ids = some.indices.map {
            PredictionID(stamp: first + Int64($0), version: version, row: $0, isLogged: true)
        }
        let table = ServedTable(
            layout: ServedLayout(plan),
            columns: [
                Column(int64s: ids.map(\.stamp)), Column(int64s: ids.map(\.rest)),
                try Column(.string, some.map { _ in .string("production") }),
                Column(int64s: [Int64](repeating: 0, count: count)),
                Column(int64s: some.map(\.key)),
                try Column(.float64, some.map { $0.a.map { .float64($0) } ?? .null }),
                try Column(.string, some.map { $0.city.map { .string($0) } ?? .null }),
                Column(uint32s: some.map { $0.a == nil ? 3 : 0 }),
                Column(int64s: [Int64](repeating: first, count: count), type: .timestamp),
            ],
            rows: count
        )
        try offline.writeBeside { db in
            try ServedFile(db).insert(table, model, .vectors, version: version, service: "s@1")
        }
        served.withLock { served in
            served += zip(some, ids).map { row, id in
                Row(
                    key: row.key,
                    a: row.a,
                    city: row.city,
                    entry: 0,
                    time: id.served,
                    version: version
                )
            }
        }
    }

    func keptServed() throws -> [ProfiledHour] {
        try offline.readBeside { try ProfileFile($0).hours(.model(model.project, model.model)) }
    }

    func servedProfile(_ versions: Set<UInt32>? = nil) throws -> ProfileSpan {
        try desk.profile(
            of: model,
            versions: versions,
            since: nil,
            until: nil,
            isCancelled: { false }
        )
    }

    func expectServed(_ context: Comment) throws {
        let all = served.withLock { $0 }
        let table = try servedProfile().table()
        #expect(table.rows == UInt64(all.count), context)
        try expect(table, all, context)
        #expect(table["a"]?.expired == UInt64(all.count { $0.a == nil }), context)
        for version in Set(all.map(\.version)) {
            let rows = all.filter { $0.version == version }
            let found = try servedProfile([version])
            #expect(found.hours.allSatisfy { $0.version == version }, context)
            #expect(found.table().rows == UInt64(rows.count), context)
            try expect(found.table(), rows, context)
        }
    }
}
