import Catalog
import Domain
import Offline
import Registry
import Search
import Wire

/// Runs and versions, found.
extension Dispatcher {
    func searchRuns(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireSearchRunsRequest.self, from: call.control)
        let project = try project(of: request.head)
        let page = try services.registry.search(
            runsOf: request.experiment.isEmpty
                ? nil : try ExperimentName(request.experiment, as: "experiment"),
            try searchRequest(request, call),
            project: project,
            importFact: { try importFact($0, project, call) }
        )
        var answer = WireRuns()
        (answer.runs, answer.nextPageToken) = try page.fitted { WireRun($0) }
        return try Answer(answer)
    }

    func searchVersions(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireSearchVersionsRequest.self, from: call.control)
        let project = try project(of: request.head)
        let page = try services.registry.search(
            versionsOf: request.model.isEmpty
                ? nil : try RegisteredModelName(request.model, as: "model"),
            try searchRequest(request, call),
            project: project,
            importFact: { try importFact($0, project, call) }
        )
        var answer = WireVersions()
        (answer.versions, answer.nextPageToken) = try page.fitted(message)
        return try Answer(answer)
    }

    private func searchRequest(
        _ request: some SearchMessage,
        _ call: Call
    ) throws -> SearchRequest {
        try SearchRequest(
            where: request.where,
            order: request.order,
            limit: request.limit,
            token: request.pageToken,
            models: call.identity.scope.models
        )
    }

    /// An import of the project that the caller may know of; throws where there is none.
    func importFact(
        _ id: String,
        _ project: ProjectName,
        _ call: Call
    ) throws -> ImportFact {
        let record = try services.offline.importRecord(id: id)
        let view = services.catalog.snapshot.view(id: record.descriptor.view)
        let scope = call.identity.scope
        guard record.descriptor.project == project,
            scope.views == nil || view.map({ scope.covers($0.name) }) ?? false
        else {
            throw AlulaError.notFound(
                "there is no import \"\(id)\"",
                help: "alula imports lists them"
            )
        }
        return ImportFact(
            view: record.descriptor.view,
            logEntry: record.logEntry,
            retracted: try record.logEntry.flatMap {
                try services.offline.retraction(of: $0, view: record.descriptor.view)
            }
        )
    }
}

/// What searches for runs and for versions have in common.
private protocol SearchMessage {
    var `where`: String { get }
    var order: String { get }
    var limit: UInt32 { get }
    var pageToken: String { get }
}

extension WireSearchRunsRequest: SearchMessage {}
extension WireSearchVersionsRequest: SearchMessage {}
