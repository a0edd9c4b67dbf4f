import Catalog
import Domain
import NIOCore
import Registry
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
            codeRevision: request.codeRevision,
            environment: try .init(wire: request.environment, as: "fact of the environment"),
            heartbeat: .seconds(Int64(request.heartbeatSeconds)),
            inputs: try request.inputs.map(RunItem.init)
        )
        let stored = try services.registry.startRun(start, call: try writeCall(call, head)) {
            try WireRun($0).serializedBytes()
        }
        return Answer(stored: stored)
    }

    func logRun(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireLogRunRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let run = try RunID(request.run, as: "run")
        var metrics: [Metric] = []
        for metric in request.metrics { metrics.append(try Metric(wire: metric)) }
        let stored = try services.registry.log(
            run: run,
            RunAddition(
                params: try .init(wire: request.params, as: "param"),
                metrics: metrics,
                tags: try .init(wire: request.tags, as: "tag"),
                inputs: try request.inputs.map(RunItem.init),
                outputs: try request.outputs.map(RunItem.init)
            ),
            call: try writeCall(call, head)
        ) { try WireEmpty().serializedBytes() }
        services.heartbeats.hear(run)
        return Answer(stored: stored)
    }

    /// Says that a run is alive; nothing is written but where it was taken for lost.
    func beatRun(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireBeatRunRequest.self, from: call.control)
        let run = try RunID(request.run, as: "run")
        _ = try services.registry.reviveRun(run, call: try writeCall(call, CallHead(request.head)))
        services.heartbeats.hear(run)
        return try Answer(WireEmpty())
    }

    func endRun(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireEndRunRequest.self, from: call.control)
        let head = try CallHead(request.head)
        guard let status = Run.Status(rawValue: request.status),
            status == .finished || status == .failed
        else {
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
        let page = try services.registry.runs(
            project: try project(of: request.head),
            experiment: request.experiment.isEmpty
                ? nil : try ExperimentName(request.experiment, as: "experiment"),
            try PageRequest(token: request.pageToken, limit: request.limit)
        )
        var answer = WireRuns()
        (answer.runs, answer.nextPageToken) = try page.fitted { WireRun($0) }
        return try Answer(answer)
    }

    func project(of head: WireCallHead) throws(AlulaError) -> ProjectName {
        try services.catalog.snapshot.project(try CallHead(head).project).name
    }
}
