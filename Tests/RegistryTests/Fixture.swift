import Domain
import Foundation
import GRDB
import Migrations
import Registry
import Synchronization
import Testing

/// A registry in a temporary directory, in which service `credit` has versions 1 and 2.
final class Fixture {
    let directory = NSTemporaryDirectory() + "alula-registry-\(UUID())"
    let pool: DatabasePool
    let registry: RegistryStore
    let artifacts: Artifacts
    private let clock = Mutex<Int64>(1_000_000)

    /// Sizes of the artifacts that are there.
    final class Artifacts: Sendable {
        let sizes = Mutex<[ContentDigest: UInt64]>([:])
    }

    init() throws {
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
        pool = try DatabasePool(path: directory + "/catalog.sqlite")
        try pool.write { database in
            for migration in CatalogMigrations.all { try database.execute(sql: migration.sql) }
            try database.execute(
                sql: """
                    INSERT INTO project VALUES ('p'), ('q');
                    INSERT INTO entity VALUES (1, 'p', 'person');
                    INSERT INTO view (id, project, name, entity, lookback, event_time_column, owner,
                        description) VALUES (7, 'p', 'history', 1, 90000000, 't', '', '');
                    INSERT INTO feature VALUES (3, 7, 0, 'due', 'int64');
                    INSERT INTO service (id, project, name, description) VALUES
                        (1, 'p', 'credit', ''), (2, 'q', 'other', '');
                    INSERT INTO service_version VALUES (1, 1), (1, 2), (2, 1);
                    INSERT INTO projection VALUES (1, 1, 0, 7, 'history', NULL, 1, 90000000, NULL);
                    INSERT INTO selection VALUES (1, 1, 0, 0, 3, 'due', 'int64', 'due');
                    """
            )
        }
        let artifacts = Artifacts()
        self.artifacts = artifacts
        registry = try RegistryStore(
            pool: pool,
            artifacts: .init(
                size: { digest in artifacts.sizes.withLock { $0[digest] } },
                firstBytes: { _ in [] }
            ),
            auditKey: try AuditKey(secret: [UInt8](repeating: 7, count: 32))
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func call(
        _ requestID: [UInt8] = [],
        actor: String = "me",
        project: String = "p",
        at time: Int64? = nil
    ) throws -> WriteCall {
        let now = clock.withLock { clock in
            clock += 1
            return time ?? clock
        }
        return WriteCall(
            requestID: requestID,
            identity: Identity(name: actor, roles: Set(Role.allCases), isVerified: false),
            project: try ProjectName(project, as: "project"),
            now: Timestamp(microseconds: now)
        )
    }

    func start(
        _ experiment: String = "credit",
        params: [String: String] = [:],
        tags: [String: String] = [:],
        trainingSet: TrainingSetID? = nil,
        call: WriteCall? = nil
    ) throws -> Run {
        var started: Run?
        let start = RunStart(
            experiment: try ExperimentName(experiment, as: "experiment"),
            name: "first",
            params: params,
            tags: tags,
            trainingSet: trainingSet,
            codeRevision: "abc"
        )
        _ = try registry.startRun(start, call: try call ?? self.call()) {
            started = $0
            return Array($0.id.text.utf8)
        }
        return try #require(started)
    }

    func log(
        _ run: RunID,
        params: [String: String] = [:],
        metrics: [(String, Double, Int64)] = [],
        tags: [String: String] = [:],
        call: WriteCall? = nil
    ) throws {
        _ = try registry.log(
            run: run,
            RunAddition(
                params: params,
                metrics: try metrics.map { try metric($0.0, $0.1, $0.2) },
                tags: tags
            ),
            call: try call ?? self.call()
        ) { [1] }
    }

    func metric(_ name: String, _ value: Double, _ step: Int64) throws -> Metric {
        Metric(
            name: try MetricName(name, as: "metric"),
            value: value,
            step: step,
            time: Timestamp(microseconds: step * 10)
        )
    }

    func trainingSet(
        _ service: String = "credit@1",
        project: String = "p"
    ) throws -> TrainingSetRecord {
        let spine = digest(9)
        artifacts.sizes.withLock { $0[spine] = 10 }
        var report = ViewReport(label: "history", view: try FeatureViewName("history", as: "view"))
        report.matched = 8
        report.late = 1
        report.oldestEvent = Timestamp(microseconds: 5)
        return TrainingSetRecord(
            id: .random(prefix: "ts"),
            project: try ProjectName(project, as: "project"),
            service: try FeatureServiceReference(text: service),
            logEntry: 42,
            digest: digest(1),
            spineDigest: digest(2),
            spineArtifact: spine,
            rows: 10,
            schema: Schema(fields: [
                .init(name: "id", type: .int64),
                .init(name: "v", type: .fixedList(.float32, length: 4)),
            ]),
            eventTimeColumn: "t",
            label: "y",
            made: Timestamp(microseconds: 77),
            asKnown: true,
            keepUnknown: false,
            reports: [report],
            featureColumns: ["v"],
            spineName: "loans.csv",
            actor: "me"
        )
    }

    func record(_ record: TrainingSetRecord) throws {
        _ = try registry.recordTrainingSet(record, call: try call(project: record.project.text)) {
            _ in []
        }
    }

    func digest(_ byte: UInt8) -> ContentDigest {
        ContentDigest(bytes: [UInt8](repeating: byte, count: 32)) ?? digest(0)
    }

    func artifact(_ name: String = "model.onnx", _ byte: UInt8 = 3) -> ModelVersion.Artifact {
        artifacts.sizes.withLock { $0[digest(byte)] = 100 }
        return ModelVersion.Artifact(name: name, digest: digest(byte), bytes: 100)
    }

    func register(
        _ run: RunID,
        model: String = "credit",
        artifacts: [ModelVersion.Artifact]? = nil,
        service: String? = nil,
        trainingSet: TrainingSetID? = nil,
        call: WriteCall? = nil
    ) throws -> ModelVersion {
        var registered: ModelVersion?
        _ = try registry.register(
            VersionRegistration(
                model: try RegisteredModelName(model, as: "model"),
                run: run,
                artifacts: artifacts ?? [artifact()],
                service: try service.map { try FeatureServiceReference(text: $0) },
                trainingSet: trainingSet,
                description: "a try",
                tags: ["t": "1"]
            ),
            call: try call ?? self.call()
        ) {
            registered = $0
            return []
        }
        return try #require(registered)
    }

    var project: ProjectName { get throws { try ProjectName("p", as: "project") } }
    var model: RegisteredModelName { get throws { try RegisteredModelName("credit", as: "model") } }
}

func error(_ body: () throws -> Void) -> AlulaError? {
    do {
        try body()
        return nil
    } catch {
        return error as? AlulaError
    }
}
