import Catalog
import Domain
import Foundation
import GRDB
import Registry
import Releases
import Synchronization
import Testing

/// Catalog, registry and desk on one pool in a temporary directory, with the definitions below.
final class Fixture {
    let directory = NSTemporaryDirectory() + "alula-releases-\(UUID())"
    let catalog: CatalogStore
    let registry: RegistryStore
    let desk: ReleaseDesk
    let stored: Stored
    let project = ProjectName("p")
    let model = RegisteredModelName("credit")
    let clock = Mutex(Timestamp(microseconds: 1_000))

    /// Sizes of the artifacts that are there.
    final class Stored: Sendable {
        let sizes = Mutex<[ContentDigest: UInt64]>([:])
    }

    static let definitions = """
        project: p
        entities: [{name: person, keys: {id: int64}}]
        views:
          - {name: history, entity: person, features: {due: int32, late: int32}}
          - {name: other, entity: person, features: {x: float32}}
        services:
          - {name: credit, features: [history:*]}
        """

    static let gate = """
        gates:
          - model: credit
            to: production
            from: [staging]
            require:
              - {metric: auc, better: higher, min: 0.7, no_worse_than_holder_by: 0.01}
        """

    init(gated: Bool = false) throws {
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
        let pool = try openCatalogPool(path: directory + "/catalog.sqlite")
        let stored = Stored()
        self.stored = stored
        catalog = try CatalogStore(pool: pool)
        registry = try RegistryStore(
            pool: pool,
            artifacts: .init(
                size: { digest in stored.sizes.withLock { $0[digest] } },
                firstBytes: { _ in [] }
            ),
            auditKey: try AuditKey(secret: [UInt8](repeating: 7, count: 32))
        )
        desk = ReleaseDesk(catalog: catalog, registry: registry)
        try apply(Self.definitions)
        if gated { try apply(Self.gate) }
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// By somebody who may do everything but is not verified, at the fixture's time.
    func call(
        _ requestID: [UInt8] = [],
        by identity: Identity = Identity(
            name: "me",
            roles: Set(Role.allCases),
            isVerified: false
        )
    ) throws -> WriteCall {
        WriteCall(
            requestID: requestID,
            identity: identity,
            project: try #require(project),
            now: clock.withLock { $0 }
        )
    }

    @discardableResult
    func apply(
        _ yaml: String...,
        retire: [String] = [],
        drop: [String] = [],
        call: WriteCall? = nil
    ) throws -> ApplyOutcome? {
        var outcome: ApplyOutcome?
        _ = try desk.apply(
            files: yaml.map { ("d.yaml", $0) },
            retire: retire,
            drop: drop,
            project: "",
            call: try call ?? self.call()
        ) {
            outcome = $0
            return [UInt8(truncatingIfNeeded: $0.changes.count)]
        }
        return outcome
    }

    /// Registers a version that has this AUC and reads `credit`, or `service`.
    @discardableResult
    func version(
        auc: Double? = 0.8,
        artifacts: Int = 1,
        status: Run.Status = .finished,
        service: String? = "credit"
    ) throws -> UInt32 {
        var id: RunID?
        _ = try registry.startRun(
            RunStart(experiment: try ExperimentName("e", as: "experiment")),
            call: try call()
        ) {
            id = $0.id
            return []
        }
        let run = try #require(id)
        if let auc {
            let metric = Metric(
                name: try MetricName("auc", as: "metric"),
                value: auc,
                step: 0,
                time: Timestamp(microseconds: 0)
            )
            _ = try registry.log(
                run: run,
                RunAddition(metrics: [metric]),
                call: try call()
            ) { [] }
        }
        let files = try (0..<artifacts).map { index in
            let bytes = (0..<32).map { _ in UInt8.random(in: 0...255) }
            let digest = try #require(ContentDigest(bytes: bytes))
            stored.sizes.withLock { $0[digest] = 5 }
            return ModelVersion.Artifact(name: "m\(index)", digest: digest, bytes: 5)
        }
        var number: UInt32 = 0
        _ = try registry.register(
            VersionRegistration(
                model: try #require(model),
                run: run,
                artifacts: files,
                service: try service.map { try FeatureServiceReference(text: $0) }
            ),
            call: try call()
        ) {
            number = $0.number
            return []
        }
        if status != .running {
            _ = try registry.endRun(run, status: status, call: try call()) { _ in [] }
        }
        return number
    }

    @discardableResult
    func promote(
        _ version: UInt32,
        _ stage: Stage,
        share: Share = .all,
        dryRun: Bool = false,
        revision: UInt64? = nil,
        call: WriteCall? = nil
    ) throws -> PromotionOutcome {
        var outcome: PromotionOutcome?
        _ = try desk.promote(
            model: try #require(model),
            version: version,
            to: stage,
            share: share,
            reason: "because",
            dryRun: dryRun,
            expectedRevision: revision,
            call: try call ?? self.call()
        ) {
            outcome = $0
            return []
        }
        return try #require(outcome)
    }

    @discardableResult
    func rollback(_ stage: Stage) throws -> PromotionOutcome {
        var outcome: PromotionOutcome?
        _ = try desk.rollback(
            model: try #require(model),
            stage: stage,
            reason: "it is bad",
            call: try call()
        ) {
            outcome = $0
            return []
        }
        return try #require(outcome)
    }

    /// Cuts a byte off every artifact.
    func damageArtifacts() {
        stored.sizes.withLock { sizes in for key in sizes.keys { sizes[key] = 4 } }
    }

    /// `production 2 < 1, staging 3`: holders, and whom each remembers.
    func holders() throws -> String {
        let models = try registry.models(project: try #require(project))
        return (models.first?.holders ?? []).map { holder in
            "\(holder.stage.text) \(holder.version)"
                + (holder.previous.map { " < \($0)" } ?? "")
        }.joined(separator: ", ")
    }

    func stages() throws -> [String] {
        try registry.versions(
            of: try #require(model),
            project: try #require(project),
            PageRequest()
        ).items.reversed().map(\.stage.text)
    }

    func revision() throws -> UInt64 {
        try registry.models(project: try #require(project)).first?.revision ?? 0
    }
}

func error(_ body: () throws -> Void) -> AlulaError? {
    do {
        try body()
        return nil
    } catch {
        return error as? AlulaError
    }
}
