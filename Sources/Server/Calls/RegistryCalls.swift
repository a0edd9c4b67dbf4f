import Catalog
import Domain
import NIOCore
import Registry
import Releases
import SwiftProtobuf
import Wire

/// Runs.
extension Dispatcher {
    func startRun(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireStartRunRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let start = RunStart(
            experiment: try ExperimentName(request.experiment, as: "experiment"),
            name: request.name,
            params: try .init(wire: request.params, as: "param"),
            tags: try .init(wire: request.tags, as: "tag"),
            trainingSet: request.trainingSet.isEmpty
                ? nil : try TrainingSetID(request.trainingSet, as: "training set"),
            codeRevision: request.codeRevision
        )
        let stored = try services.registry.startRun(start, call: try writeCall(call, head)) {
            try WireRun($0).serializedBytes()
        }
        return Answer(stored: stored)
    }

    func logRun(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireLogRunRequest.self, from: call.control)
        let head = try CallHead(request.head)
        var metrics: [Metric] = []
        for metric in request.metrics { metrics.append(try Metric(wire: metric)) }
        let stored = try services.registry.log(
            run: try RunID(request.run, as: "run"),
            params: try .init(wire: request.params, as: "param"),
            metrics: metrics,
            tags: try .init(wire: request.tags, as: "tag"),
            call: try writeCall(call, head)
        ) { try WireEmpty().serializedBytes() }
        return Answer(stored: stored)
    }

    func endRun(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireEndRunRequest.self, from: call.control)
        let head = try CallHead(request.head)
        guard let status = Run.Status(rawValue: request.status), status != .running else {
            throw AlulaError.invalid(
                "a run ends as finished or failed, not as \"\(request.status)\""
            )
        }
        let stored = try services.registry.endRun(
            try RunID(request.run, as: "run"),
            status: status,
            call: try writeCall(call, head)
        ) { try WireRun($0).serializedBytes() }
        return Answer(stored: stored)
    }

    func getRun(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireGetRunRequest.self, from: call.control)
        let project = try project(of: request.head)
        let run = try services.registry.run(
            try RunID(request.run, as: "run"),
            project: project,
            history: request.history
        )
        return try Answer(WireRun(run))
    }

    func listRuns(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireListRunsRequest.self, from: call.control)
        var answer = WireRuns()
        answer.runs = try services.registry.runs(
            project: try project(of: request.head),
            experiment: request.experiment.isEmpty
                ? nil : try ExperimentName(request.experiment, as: "experiment"),
            limit: request.limit == 0 ? 100 : Int(request.limit)
        ).map(WireRun.init)
        return try Answer(answer)
    }

    func project(of head: WireCallHead) throws(AlulaError) -> ProjectName {
        try services.catalog.snapshot.project(try CallHead(head).project).name
    }
}

/// Models and their versions.
extension Dispatcher {
    func registerVersion(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireRegisterVersionRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let artifacts = try request.artifacts.map {
            ModelVersion.Artifact(
                name: $0.name,
                digest: try ContentDigest(hex: $0.digest),
                bytes: $0.bytes
            )
        }
        let registration = VersionRegistration(
            model: try RegisteredModelName(request.model, as: "model"),
            run: try RunID(request.run, as: "run"),
            artifacts: artifacts,
            service: request.service.isEmpty
                ? nil : try FeatureServiceReference(text: request.service),
            trainingSet: request.trainingSet.isEmpty
                ? nil : try TrainingSetID(request.trainingSet, as: "training set"),
            description: request.description_p,
            tags: try .init(wire: request.tags, as: "tag")
        )
        let stored = try services.registry.register(
            registration,
            call: try writeCall(call, head)
        ) { try message($0).serializedBytes() }
        return Answer(stored: stored)
    }

    func listModels(_ call: Call) throws -> Answer {
        let project = try services.catalog.snapshot.project(try CallHead.peek(call.control).project)
        var answer = WireModels()
        let models = try services.registry.models(project: project.name)
        answer.models = models.filter { call.identity.scope.covers($0.name) }.map(
            WireRegisteredModel.init
        )
        return try Answer(answer)
    }

    func listVersions(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireListVersionsRequest.self, from: call.control)
        var answer = WireVersions()
        answer.versions = try services.registry.versions(
            of: try RegisteredModelName(request.model, as: "model"),
            project: try project(of: request.head)
        ).map(message)
        return try Answer(answer)
    }

    func resolveVersion(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireResolveVersionRequest.self, from: call.control)
        let model = try RegisteredModelName(request.model, as: "model")
        let project = try project(of: request.head)
        guard (request.version == 0) != request.stage.isEmpty else {
            throw AlulaError.invalid("a version of \(model) is named by its number or by its stage")
        }
        let version =
            request.version != 0
            ? try services.registry.version(request.version, of: model, project: project)
            : try services.registry.holder(
                of: try Stage(text: request.stage),
                model: model,
                project: project
            )
        return try Answer(message(version))
    }

    private func message(_ version: ModelVersion) throws -> WireModelVersion {
        WireModelVersion(
            version,
            trainingSet: try version.trainingSet.flatMap(services.registry.trainingSet)
        )
    }
}

/// Stages, and what can be asked about them.
extension Dispatcher {
    func promote(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WirePromoteRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let stored = try services.releases.promote(
            model: try RegisteredModelName(request.model, as: "model"),
            version: request.version,
            to: try Stage(text: request.stage),
            reason: request.reason,
            dryRun: request.dryRun,
            expectedRevision: request.expectedRevision == 0 ? nil : request.expectedRevision,
            call: try writeCall(call, head)
        ) { try WirePromoteResponse($0).serializedBytes() }
        return Answer(stored: stored)
    }

    func rollback(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireRollbackRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let stored = try services.releases.rollback(
            model: try RegisteredModelName(request.model, as: "model"),
            stage: try Stage(text: request.stage),
            reason: request.reason,
            call: try writeCall(call, head)
        ) { try WirePromoteResponse($0).serializedBytes() }
        return Answer(stored: stored)
    }

    func lineage(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireLineageRequest.self, from: call.control)
        let lineage = try services.registry.lineage(
            of: request.version,
            model: try RegisteredModelName(request.model, as: "model"),
            project: try project(of: request.head)
        )
        return try Answer(WireLineage(lineage))
    }

    func listAudit(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireListAuditRequest.self, from: call.control)
        var answer = WireAuditEntries()
        answer.entries = try services.registry.audit(
            after: request.after,
            limit: request.limit == 0 ? 1_000 : Int(min(request.limit, 1_000)),
            object: request.object
        ).map(WireAuditEntry.init)
        return try Answer(answer)
    }
}
