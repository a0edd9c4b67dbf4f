import Artifacts
import Domain
import NIOCore
import Registry
import SwiftProtobuf
import Wire

extension Dispatcher {
    /// Removes what no record refers to.
    func collectGarbage(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireCollectGarbageRequest.self, from: call.control)
        let head = try CallHead(request.head)
        if let stored = try services.registry.storedAnswer(head.requestID, act: Self.collectAct) {
            return Answer(stored: stored)
        }
        guard request.digest.isEmpty else { return try removeArtifact(request, head, call) }
        let age = TimeSpan.seconds(
            request.olderSeconds == 0 ? 86_400 : Int64(clamping: min(request.olderSeconds, 1 << 40))
        )
        guard age >= Limits.garbageAge else {
            throw AlulaError.invalid(
                "what is younger than \(Limits.garbageAge) is not collected: an upload may want it"
            )
        }
        // Read before files are looked at: what is named later is young then.
        let moment = services.now() - age
        let named = try services.registry.heldArtifacts()
        let garbage = try services.artifacts.collect(
            keeping: named,
            untouchedSince: moment,
            dryRun: request.dryRun,
            isCancelled: { call.isEnded }
        )
        var answer = WireGarbage()
        answer.artifacts = UInt64(garbage.artifacts.count)
        answer.uploads = UInt64(garbage.uploads)
        answer.chunks = UInt64(garbage.chunks)
        answer.bytes = garbage.bytes
        answer.first = garbage.artifacts.prefix(1_000).map(WireGarbageArtifact.init)
        return try record(answer, request, head, call)
    }

    static let collectAct = "collect garbage"

    /// Removes one artifact that no record names.
    private func removeArtifact(
        _ request: WireCollectGarbageRequest,
        _ head: CallHead,
        _ call: Call
    ) throws -> Answer {
        let digest = try ContentDigest(hex: request.digest)
        guard let bytes = try services.artifacts.size(of: digest) else {
            throw AlulaError.notFound("there is no artifact \(digest)")
        }
        let remove: () throws -> Void = {
            let holders = try services.registry.holders(of: digest)
            guard holders.isEmpty else {
                throw AlulaError.refused(
                    "artifact \(digest) stays: records refer to it",
                    details: holders
                )
            }
            if !request.dryRun { try services.artifacts.remove(digest) }
        }
        // No record is written in between, so that none comes to name what is being removed.
        try services.registry.whileNothingIsWritten(remove)
        var answer = WireGarbage()
        answer.artifacts = 1
        answer.bytes = bytes
        var artifact = WireGarbageArtifact()
        artifact.digest = digest.description
        artifact.bytes = bytes
        answer.first = [artifact]
        return try record(answer, request, head, call)
    }

    private func record(
        _ answer: WireGarbage,
        _ request: WireCollectGarbageRequest,
        _ head: CallHead,
        _ call: Call
    ) throws -> Answer {
        guard !request.dryRun else { return try Answer(answer) }
        let stored = try services.registry.record(
            Self.collectAct,
            detail: [
                "artifacts": String(answer.artifacts), "bytes": String(answer.bytes),
                "digest": request.digest,
            ],
            call: WriteCall(
                requestID: head.requestID,
                identity: call.identity,
                project: .unnamed,
                now: services.now()
            ),
            answer: [UInt8](try answer.serializedBytes() as [UInt8])
        )
        return Answer(stored: stored)
    }
}

extension WireGarbageArtifact {
    fileprivate init(_ entry: ArtifactStore.Entry) {
        self.init()
        digest = entry.digest.description
        bytes = entry.bytes
        modifiedUs = entry.modified.microseconds
    }
}
