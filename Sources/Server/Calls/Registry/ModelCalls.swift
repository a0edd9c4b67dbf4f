import Artifacts
import Catalog
import Domain
import NIOCore
import Registry
import SwiftProtobuf
import Trust
import Wire

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
        try checkHolders(of: artifacts.map(\.digest), call)
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

    /// Refuses content that models beyond the caller's scope hold and none within it does: named in
    /// a version it could be fetched.
    private func checkHolders(of digests: [ContentDigest], _ call: Call) throws {
        let scope = call.identity.scope
        guard !scope.isEverything else { return }
        var all = digests
        for digest in digests where try services.artifacts.size(of: digest) != nil {
            all += try services.registry.directory(digest)?.files.map(\.digest) ?? []
        }
        for digest in all {
            let holders = try services.registry.models(holding: digest)
            guard
                holders.isEmpty
                    || holders.contains(where: {
                        scope.covers($0.project) && scope.covers($0.model)
                    })
            else { throw Gatekeeper.refusal(of: call.operation) }
        }
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
        let page = try services.registry.versions(
            of: try RegisteredModelName(request.model, as: "model"),
            project: try project(of: request.head),
            try PageRequest(token: request.pageToken, limit: request.limit)
        )
        var answer = WireVersions()
        (answer.versions, answer.nextPageToken) = try page.fitted(message)
        return try Answer(answer)
    }

    func resolveVersion(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireResolveVersionRequest.self, from: call.control)
        let model = try RegisteredModelName(request.model, as: "model")
        let version = try services.registry.version(
            try request.choice,
            of: model,
            project: try project(of: request.head)
        )
        return try Answer(message(version))
    }

    func message(_ version: ModelVersion) throws -> WireModelVersion {
        WireModelVersion(
            version,
            trainingSet: try version.trainingSet.flatMap(services.registry.trainingSet)
        )
    }
}

extension WireResolveVersionRequest {
    fileprivate var choice: VersionChoice {
        get throws(AlulaError) {
            switch (version, stage, alias) {
            case (let number, "", "") where number != 0: return .version(number)
            case (let number, let stage, "") where !stage.isEmpty:
                return .stage(try Stage(text: stage), version: number == 0 ? nil : number)
            case (0, "", let alias) where !alias.isEmpty:
                return .alias(try AliasName(alias, as: "alias"))
            default:
                throw .invalid(
                    "a version of \(model) is named by its number, by its stage or by an alias"
                )
            }
        }
    }
}
