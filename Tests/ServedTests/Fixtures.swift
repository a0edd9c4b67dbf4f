import Codec
import Domain
import Offline
import Synchronization
import TestSupport
import Testing

@testable import Served

/// A log over a file of its own, with a clock that the test moves.
final class World: Sendable {
    private let directory: TemporaryDirectory
    let offline: OfflineStore
    let log: ServedLog
    let name: ServedModel.Name

    /// A log that is not started writes nothing, as one whose disk does not follow.
    init(
        at start: Int64 = 1_000_000,
        limit: Int = ServedLog.mostWaitingBytes,
        isStarted: Bool = true
    ) throws {
        directory = try TemporaryDirectory()
        offline = try OfflineStore(path: directory.file("offline.sqlite"))
        name = ServedModel.Name(
            try ProjectName("p", as: "project"),
            try RegisteredModelName("credit", as: "model")
        )
        let now = Now(start)
        self.now = now
        log = try ServedLog(offline, limit: limit, now: { now.time }, lastEntry: { 5 })
        if isStarted { log.start() }
    }

    let now: Now

    /// Another log over the same file, as after a restart.
    func reopened() throws -> ServedLog {
        log.stop()
        let log = try ServedLog(offline, now: { [now] in now.time }, lastEntry: { 5 })
        log.start()
        return log
    }

    deinit { log.stop() }
}

final class Now: Sendable {
    private let value: Mutex<Int64>

    init(_ start: Int64) { value = Mutex(start) }

    var time: Timestamp { Timestamp(microseconds: value.withLock { $0 }) }

    func set(_ microseconds: Int64) { value.withLock { $0 = microseconds } }
}

/// One vector as it is served.
struct Vector: Hashable {
    var zip: Int64
    var person: String
    var population: Int64?
    var city: String?
    var isFriend: Bool?
    var amount: Double
}

extension World {
    /// Reads `zip` and `person`: a view each, and a request field.
    static func plan(version: UInt32 = 1) throws -> FeaturePlan {
        func view(
            _ id: UInt32,
            _ key: String,
            _ type: KeyType,
            _ features: [(String, ValueType)]
        )
            throws -> FeaturePlan.ViewPart
        {
            let features = try features.enumerated().map {
                Feature(
                    id: FeatureID(10 * id + UInt32($0)),
                    name: try FeatureName($1.0, as: "feature"),
                    type: $1.1
                )
            }
            let view = FeatureView(
                id: FeatureViewID(id),
                name: try FeatureViewName("view\(id)", as: "view"),
                entity: Entity(
                    id: EntityID(id),
                    name: try EntityName("entity\(id)", as: "entity"),
                    keys: [.init(name: try JoinKeyName(key, as: "key"), type: type)]
                ),
                features: features
            )
            return FeaturePlan.ViewPart(
                view: view,
                label: "view\(id)",
                keyColumns: [.init(name: try ColumnName(key, as: "column"), type: type)],
                lookback: nil,
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
        return FeaturePlan(
            service: FeatureServiceReference(
                name: try FeatureServiceName("credit", as: "service"),
                version: version
            ),
            snapshotRevision: 1,
            views: [
                try view(1, "zip", .int64, [("population", .int64), ("city", .string)]),
                try view(2, "person", .string, [("friend", .bool)]),
            ],
            requestFields: [.init(name: try ColumnName("amount", as: "column"), type: .float64)]
        )
    }

    func shape(version: UInt32 = 1, stage: String = "production") throws -> ServedShape {
        ServedShape(log.model(name), version: version, stage: stage, plan: try Self.plan())
    }

    /// Serves the vectors as one answer; gives their ids.
    @discardableResult
    func serve(
        _ vectors: [Vector],
        at time: Int64,
        _ shape: ServedShape? = nil,
        log: ServedLog? = nil
    ) throws -> [PredictionID] {
        let (shape, log) = (try shape ?? self.shape(), log ?? self.log)
        now.set(max(time, now.time.microseconds))
        let keys = [
            Column(int64s: vectors.map(\.zip)),
            try Column(.string, vectors.map { .string($0.person) }),
        ]
        let batch = RecordBatch(
            schema: shape.vector,
            columns: [
                try Column(.int64, vectors.map { $0.population.map { .int64($0) } ?? .null }),
                try Column(.string, vectors.map { $0.city.map { .string($0) } ?? .null }),
                try Column(.bool, vectors.map { $0.isFriend.map { .bool($0) } ?? .null }),
                try Column(.float64, vectors.map { .float64($0.amount) }),
            ],
            rowCount: vectors.count
        )
        var answer = BatchCodec.encode(batch)
        func pad() { while answer.count % 8 != 0 { answer.append(0) } }
        for part in 0..<2 {
            let isFound = vectors.map { part == 0 ? $0.population != nil : $0.isFriend != nil }
            for found in isFound {
                let event: Int64 = found ? time - 10 : 0
                withUnsafeBytes(of: event.littleEndian) { answer.append(contentsOf: $0) }
            }
            answer += isFound.map { $0 ? 0 : 2 }
            pad()
        }
        let choice = log.choose(
            shape,
            keys: keys,
            rows: 0..<vectors.count,
            now: Timestamp(microseconds: time)
        )
        answer.withUnsafeBytes { raw in
            log.keep(choice, shape, keys: keys, firstKey: 0, answer: raw)
        }
        return vectors.indices.map { row in
            PredictionID(
                stamp: choice.stamp,
                version: shape.version,
                row: row,
                isLogged: choice.sampled[row >> 3] & (1 << UInt8(row & 7)) != 0
            )
        }
    }

    func log(
        _ ids: [PredictionID],
        outcomes values: [Double],
        times: [Int64]? = nil,
        requestID: [UInt8] = []
    ) throws -> [LoggedStatus] {
        try logged(
            LoggedValues(
                ids: try Column(.bytes, ids.map { .bytes($0.bytes) }),
                values: try Column(.float64, values.map { .float64($0) }),
                times: times.map { Column(int64s: $0, type: .timestamp) },
                kind: .outcome
            ),
            requestID
        )
    }

    func log(_ ids: [PredictionID], predictions values: [Double]) throws -> [LoggedStatus] {
        try logged(
            LoggedValues(
                ids: try Column(.bytes, ids.map { .bytes($0.bytes) }),
                values: try Column(.float64, values.map { .float64($0) }),
                times: nil,
                kind: .prediction
            )
        )
    }

    func logged(_ values: LoggedValues, _ requestID: [UInt8] = []) throws -> [LoggedStatus] {
        let bytes = try log.log(values, for: name, requestID: requestID) { $0.map(\.rawValue) }
        return bytes.compactMap(LoggedStatus.init(rawValue:))
    }

    /// All rows of a scan, by id.
    func scan(
        _ log: ServedLog? = nil,
        _ change: (inout ServedQuery) -> Void = { _ in }
    ) throws -> [PredictionID: [String: FeatureValue]] {
        var query = ServedQuery(name)
        change(&query)
        var found: [PredictionID: [String: FeatureValue]] = [:]
        try ServedScan(log ?? self.log).scan(query) { batch in
            for row in 0..<batch.rowCount {
                let ids = try #require(batch[ServedColumn.predictionID])
                let id = try #require(PredictionID(ids.slice(row)))
                for (field, column) in zip(batch.schema.fields, batch.columns) {
                    found[id, default: [:]][field.name] = column[row]
                }
            }
        }
        return found
    }
}
