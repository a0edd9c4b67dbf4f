import Domain
import Ingest
import Offline
import Online
import RocksDB
import Synchronization
import TestSupport

/// A clock that stands still until it is set.
final class TestClock: Sendable {
    private let microseconds: Mutex<Int64>

    init(_ microseconds: Int64) { self.microseconds = Mutex(microseconds) }

    var now: Timestamp {
        get { Timestamp(microseconds: microseconds.withLock { $0 }) }
        set { microseconds.withLock { $0 = newValue.microseconds } }
    }
}

/// A catalog that a test changes.
final class TestCatalog: Sendable {
    private let state: Mutex<CatalogSnapshot>

    init(_ views: [FeatureView]) { state = Mutex(Self.snapshot(1, views)) }

    var snapshot: CatalogSnapshot { state.withLock { $0 } }

    func set(_ views: [FeatureView]) {
        state.withLock { $0 = Self.snapshot($0.revision + 1, views) }
    }

    private static func snapshot(_ revision: UInt64, _ views: [FeatureView]) -> CatalogSnapshot {
        let project = CatalogSnapshot.Project(
            name: Fixtures.name("p"),
            views: Dictionary(uniqueKeysWithValues: views.map { ($0.name, $0) })
        )
        return CatalogSnapshot(revision: revision, projects: [project.name: project])
    }
}

/// Both stores in one directory, and the way in.
struct IngestFixture {
    let directory: TemporaryDirectory
    let clock: TestClock
    let catalog: TestCatalog
    let database: Database
    let offline: OfflineStore
    let online: OnlineStore
    let ingestor: Ingestor

    /// Far enough from 0 that times around it are easy to write: `Fixtures.now`.
    init(
        _ views: [FeatureView] = [Fixtures.view()],
        in directory: TemporaryDirectory? = nil,
        now: Int64 = Fixtures.now,
        background: BackgroundWork = .none,
        backlog: Backlog.Limit = Backlog.Limit()
    ) throws {
        self.directory = try directory ?? TemporaryDirectory()
        let clock = TestClock(now)
        let catalog = TestCatalog(views)
        self.clock = clock
        self.catalog = catalog
        database = try Database(path: self.directory.file("online"), cacheBytes: 8 << 20)
        offline = try OfflineStore(path: self.directory.file("offline.sqlite"))
        online = OnlineStore(database, cache: RowCache(byteBudget: 4 << 20, lanes: 4))
        ingestor = try Ingestor(
            database: database,
            online: online,
            offline: offline,
            catalog: { catalog.snapshot },
            now: { clock.now },
            background: background,
            backlog: backlog
        )
    }

    /// Pushes and gives the result as it was encoded for the request id.
    @discardableResult
    func push(
        _ batch: RecordBatch,
        to view: FeatureView = Fixtures.view(),
        requestID: [UInt8] = Fixtures.requestID()
    ) throws -> PushResult {
        let kept = Mutex<PushResult?>(nil)
        let bytes = try ingestor.push(batch: batch, to: view, requestID: requestID) { result in
            kept.withLock { $0 = result }
            return Fixtures.encode(result)
        }
        return kept.withLock { $0 } ?? Fixtures.decode(bytes)
    }

    func settle() throws {
        try ingestor.waitUntilApplied(ingestor.lastEntry, deadline: .now + .seconds(30))
    }

    /// The online values of these keys, nil where there is no row.
    func read(_ keys: [Int64], of view: FeatureView = Fixtures.view()) throws -> [FeatureValue?] {
        let answer = try online.read(
            plan: Fixtures.plan(view),
            keys: try Fixtures.batch([("id", .int64, keys.map { .int64($0) })]),
            now: clock.now
        )
        return keys.indices.map { row in
            answer.statuses[0][row] == FeatureStatus.notFound.rawValue
                ? nil : answer.columns[0][row]
        }
    }

    func history(_ key: Int64, of view: FeatureView = Fixtures.view()) throws -> HistoryRows {
        try settle()
        return try offline.history(
            of: view,
            key: EntityKey([.int64(key)]),
            through: ingestor.lastEntry
        )
    }
}

enum Fixtures {
    static let now: Int64 = 1_000_000_000_000

    static func name<Kind>(_ text: String) -> Name<Kind> {
        guard let name = Name<Kind>(text) else { preconditionFailure("\(text) is not a name") }
        return name
    }

    static func view(
        id: UInt32 = 1,
        name: String = "v",
        keys: [(String, KeyType)] = [("id", .int64)],
        features: [(UInt32, String, ValueType)] = [(1, "x", .int64)],
        isRetired: Bool = false
    ) -> FeatureView {
        FeatureView(
            id: FeatureViewID(id),
            name: self.name(name),
            entity: Entity(
                id: EntityID(1),
                name: self.name("e"),
                keys: keys.map { Entity.JoinKey(name: self.name($0.0), type: $0.1) }
            ),
            features: features.map {
                Feature(id: FeatureID($0.0), name: self.name($0.1), type: $0.2)
            },
            isRetired: isRetired
        )
    }

    static func plan(_ view: FeatureView) -> FeaturePlan {
        FeaturePlan(
            service: FeatureServiceReference(name: name("s"), version: 1),
            snapshotRevision: 1,
            views: [
                FeaturePlan.ViewPart(
                    view: view,
                    label: view.name.text,
                    keyColumns: view.entity.keys.map {
                        FeatureService.KeyColumn(name: name($0.name.text), type: $0.type)
                    },
                    lookback: nil,
                    maxAge: nil,
                    features: view.features.map {
                        FeatureService.Selection(
                            feature: $0.id,
                            name: $0.name,
                            type: $0.type,
                            column: name($0.name.text)
                        )
                    }
                )
            ],
            requestFields: []
        )
    }

    static func batch(_ columns: [(String, ValueType, [FeatureValue])]) throws -> RecordBatch {
        RecordBatch(
            schema: Schema(fields: columns.map { Schema.Field(name: $0.0, type: $0.1) }),
            columns: try columns.map { try Column($0.1, $0.2) },
            rowCount: columns.first?.2.count ?? 0
        )
    }

    /// Rows of `view()`: key, event time (counted from `now`), value, and perhaps created times.
    static func rows(
        _ rows: [(key: Int64, event: Int64, value: Int64)],
        created: [Int64?]? = nil
    ) throws -> RecordBatch {
        var columns: [(String, ValueType, [FeatureValue])] = [
            ("id", .int64, rows.map { .int64($0.key) }),
            (RowColumn.eventTime, .timestamp, rows.map { time($0.event) }),
            ("x", .int64, rows.map { .int64($0.value) }),
        ]
        if let created {
            columns.append(
                (RowColumn.createdTime, .timestamp, created.map { $0.map(time) ?? .null })
            )
        }
        return try batch(columns)
    }

    static func time(_ sinceNow: Int64) -> FeatureValue {
        .timestamp(Timestamp(microseconds: now + sinceNow))
    }

    static func requestID() -> [UInt8] { (0..<16).map { _ in UInt8.random(in: 0...255) } }

    /// Entry, then a byte a row.
    static func encode(_ result: PushResult) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: result.logEntry >> (8 * $0)) }
            + result.statuses.map(\.rawValue)
    }

    static func decode(_ bytes: [UInt8]) -> PushResult {
        PushResult(
            logEntry: bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) },
            statuses: bytes.dropFirst(8).compactMap { PushStatus(rawValue: $0) },
            problems: []
        )
    }
}
