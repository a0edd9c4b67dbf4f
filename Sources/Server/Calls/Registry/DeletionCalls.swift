import Domain
import Registry
import SwiftProtobuf
import Wire

/// Deleting records for good.
extension Dispatcher {
    func deleteRun(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireDeleteRunRequest.self, from: call.control)
        let stored = try services.registry.deleteRun(
            try RunID(request.run, as: "run"),
            dryRun: request.dryRun,
            call: try writeCall(call, try CallHead(request.head))
        ) { try WireDeletion($0).serializedBytes() }
        return Answer(stored: stored)
    }

    func deleteTrainingSet(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireDeleteTrainingSetRequest.self, from: call.control)
        let stored = try services.registry.deleteTrainingSet(
            try TrainingSetID(request.trainingSet, as: "training set"),
            dryRun: request.dryRun,
            call: try writeCall(call, try CallHead(request.head))
        ) { try WireDeletion($0).serializedBytes() }
        if !request.dryRun { try services.spines.removeReplaced() }
        return Answer(stored: stored)
    }

    func deleteVersion(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireDeleteVersionRequest.self, from: call.control)
        let stored = try services.registry.deleteVersion(
            request.version,
            of: try RegisteredModelName(request.model, as: "model"),
            dryRun: request.dryRun,
            call: try writeCall(call, try CallHead(request.head))
        ) { try WireDeletion($0).serializedBytes() }
        return Answer(stored: stored)
    }
}

extension WireDeletion {
    fileprivate init(_ deletion: RecordDeletion) {
        self.init()
        title = deletion.title
        holders = deletion.holders
        artifacts = UInt64(deletion.artifacts)
        artifactBytes = deletion.artifactBytes
        done = deletion.isDone
    }
}
