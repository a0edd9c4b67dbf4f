import Domain
import Online
import RocksDB
import TestSupport

/// A store in a directory of its own, and the words to fill and ask it.
struct OnlineFixture {
    let directory: TemporaryDirectory
    let database: Database
    var store: OnlineStore

    init(cacheBytes: Int = 4 << 20) throws {
        directory = try TemporaryDirectory()
        database = try Database(path: directory.file("db"), cacheBytes: 8 << 20)
        store = OnlineStore(database, cache: RowCache(byteBudget: cacheBytes, lanes: 4))
    }

    /// The same store with nothing in its row cache.
    func cold() -> OnlineFixture {
        var fixture = self
        fixture.store = OnlineStore(database, cache: RowCache(byteBudget: 4 << 20, lanes: 4))
        return fixture
    }

    /// The store as it would be found after a crash now.
    func crashed(_ name: String = "crashed") throws -> OnlineStore {
        try directory.copy("db", to: name)
        return OnlineStore(
            try Database(path: directory.file(name), cacheBytes: 8 << 20),
            cache: RowCache(byteBudget: 4 << 20, lanes: 4)
        )
    }

    @discardableResult
    func push(
        _ rows: FeatureRows,
        to view: FeatureView,
        entry: UInt64 = 1,
        recorded: Int64 = 1_000
    ) throws -> [PushStatus] {
        try apply(
            rows,
            to: view,
            from: .push(entry: entry, recorded: Timestamp(microseconds: recorded))
        )
    }

    @discardableResult
    func apply(
        _ rows: FeatureRows,
        to view: FeatureView,
        from origin: RowOrigin
    ) throws -> [PushStatus] {
        let batch = WriteBatch(database)
        var pending = PendingRows()
        let statuses = try store.apply(rows, of: view, from: origin, into: batch, pending: &pending)
        store.cache.begin(pending, in: batch)
        try database.write(batch, .buffered)
        store.cache.finish(pending, in: batch, written: true)
        return statuses
    }
}

enum Fixtures {
    static func name<Kind>(_ text: String) -> Name<Kind> {
        guard let name = Name<Kind>(text) else { preconditionFailure("\(text) is not a name") }
        return name
    }

    static func view(
        id: UInt32 = 1,
        name: String = "v",
        entity: UInt32 = 1,
        keys: [(String, KeyType)] = [("id", .int64)],
        features: [(UInt32, String, ValueType)] = [(1, "x", .int64)],
        maxAge: TimeSpan? = nil,
        layouts: [RowLayout]? = nil
    ) -> FeatureView {
        FeatureView(
            id: FeatureViewID(id),
            name: self.name(name),
            entity: Entity(
                id: EntityID(entity),
                name: self.name("e\(entity)"),
                keys: keys.map { Entity.JoinKey(name: self.name($0.0), type: $0.1) }
            ),
            features: features.map {
                Feature(id: FeatureID($0.0), name: self.name($0.1), type: $0.2)
            },
            maxAge: maxAge,
            layouts: layouts
        )
    }

    /// One column of values for each key and each feature of the view, all of the same length.
    static func rows(
        _ view: FeatureView,
        keys: [[FeatureValue]],
        events: [Int64],
        created: [Int64?]? = nil,
        features: [[FeatureValue]],
        version: UInt32? = nil
    ) throws -> FeatureRows {
        let version = version ?? view.schemaVersion
        let slots = view.layout(version)?.slots ?? []
        return FeatureRows(
            view: view.id,
            schemaVersion: version,
            keys: try zip(view.entity.keys, keys).map { try Column($0.type.valueType, $1) },
            event: try times(events),
            created: try times(created ?? events.map { _ in nil }),
            features: try zip(slots, features).map { try Column($0.type, $1) }
        )
    }

    static func times(_ values: [Int64?]) throws -> Column {
        try Column(
            .timestamp,
            values.map { $0.map { .timestamp(Timestamp(microseconds: $0)) } ?? .null }
        )
    }

    /// All features of the view as they are now, or those named with the types asked for.
    static func part(
        _ view: FeatureView,
        label: String? = nil,
        keyColumns: [String]? = nil,
        features: [(UInt32, ValueType)]? = nil
    ) -> FeaturePlan.ViewPart {
        let features = features ?? view.features.map { ($0.id.number, $0.type) }
        let columns = keyColumns ?? view.entity.keys.map(\.name.text)
        return FeaturePlan.ViewPart(
            view: view,
            label: label ?? view.name.text,
            keyColumns: zip(view.entity.keys, columns).map {
                FeatureService.KeyColumn(name: name($1), type: $0.type)
            },
            lookback: nil,
            maxAge: view.maxAge,
            features: features.map { id, type in
                FeatureService.Selection(
                    feature: FeatureID(id),
                    name: name("f\(id)"),
                    type: type,
                    column: name("\(label ?? view.name.text)__f\(id)")
                )
            }
        )
    }

    static func plan(_ parts: [FeaturePlan.ViewPart]) -> FeaturePlan {
        FeaturePlan(
            service: FeatureServiceReference(name: name("s"), version: 1),
            snapshotRevision: 1,
            views: parts,
            requestFields: []
        )
    }

    static func keys(_ columns: [(String, ValueType, [FeatureValue])]) throws -> RecordBatch {
        RecordBatch(
            schema: Schema(fields: columns.map { Schema.Field(name: $0.0, type: $0.1) }),
            columns: try columns.map { try Column($0.1, $0.2) },
            rowCount: columns.first?.2.count ?? 0
        )
    }
}

extension OnlineFixture {
    private init(_ directory: TemporaryDirectory, _ database: Database) {
        self.directory = directory
        self.database = database
        store = OnlineStore(database, cache: RowCache(byteBudget: 4 << 20, lanes: 4))
    }

    /// A fixture that goes on with what a crash now would leave.
    func reopened(_ name: String) throws -> OnlineFixture {
        let next = try TemporaryDirectory()
        try directory.copy("db", to: name)
        try next.take(directory.file(name), as: "db")
        return OnlineFixture(next, try Database(path: next.file("db"), cacheBytes: 8 << 20))
    }
}
