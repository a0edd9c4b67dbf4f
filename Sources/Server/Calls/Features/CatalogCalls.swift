import Catalog
import Domain
import Ingest
import Registry
import Releases
import SwiftProtobuf
import Wire

extension Dispatcher {
    func plan(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireApplyRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let outcome = try services.releases.plan(
            files: try request.definitions,
            retire: request.retire,
            drop: request.drop,
            project: head.project,
            by: call.identity
        )
        return try Answer(WireApplyResponse(outcome))
    }

    func apply(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireApplyRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let stored = try services.releases.apply(
            files: try request.definitions,
            retire: request.retire,
            drop: request.drop,
            project: head.project,
            by: call.identity,
            call: try writeCall(call, head, projectOptional: true)
        ) { outcome in
            try WireApplyResponse(outcome).serializedBytes()
        }
        if !request.drop.isEmpty { services.ingestor.eraseDropped() }
        return Answer(stored: stored)
    }

    func describeCatalog(_ call: Call) throws -> Answer {
        let head = try CallHead.peek(call.control)
        let snapshot = services.catalog.snapshot
        let scope = call.identity.scope
        let project = try snapshot.project(head.project).narrowed(to: scope)
        let gates = services.releases.gates(project: project.name).filter {
            scope.covers($0.gate.model)
        }
        return try Answer(
            WireCatalogResponse(project, revision: snapshot.revision, gates: gates)
        )
    }

    /// Who writes, when, and under which request id, for the registry's transaction.
    func writeCall(
        _ call: Call,
        _ head: CallHead,
        projectOptional: Bool = false
    ) throws(AlulaError) -> WriteCall {
        let project =
            projectOptional
            ? ProjectName(head.project) ?? .unnamed
            : try services.catalog.snapshot.project(head.project).name
        return WriteCall(
            requestID: head.requestID,
            identity: call.identity,
            project: project,
            now: services.now()
        )
    }
}

extension WireApplyRequest {
    /// The files, with their total size checked.
    fileprivate var definitions: [(name: String, yaml: String)] {
        get throws(AlulaError) {
            let bytes = files.reduce(0) { $0 + $1.yaml.utf8.count }
            guard bytes <= Limits.definitionsBytes else {
                throw .invalid(
                    "definitions of \(bytes) bytes are over the limit of \(Limits.definitionsBytes)",
                    help: "apply them in several calls"
                )
            }
            return files.map { (name: $0.name, yaml: $0.yaml) }
        }
    }
}
