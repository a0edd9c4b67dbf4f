import Domain
import Registry
import Synchronization
import Wire

/// The version that a model serves, as the registry last said: event loops ask it without touching the
/// disk.
final class ServedModels: Sendable {
    struct Choice: Hashable, Sendable {
        let project: ProjectName
        let model: RegisteredModelName
        let version: VersionChoice

        init(_ request: WireReadRequest, project: ProjectName) throws(AlulaError) {
            self.project = project
            model = try RegisteredModelName(request.model, as: "model")
            guard request.alias.isEmpty || (request.stage.isEmpty && request.version == 0) else {
                throw .invalid(
                    "a read of \(model) names an alias, a stage or a version: found an alias and more"
                )
            }
            if !request.alias.isEmpty {
                version = .alias(try AliasName(request.alias, as: "alias"))
            } else if request.stage.isEmpty && request.version != 0 {
                version = .version(request.version)
            } else {
                let stage = request.stage.isEmpty ? "production" : request.stage
                version = .stage(
                    try Stage(text: stage),
                    version: request.version == 0 ? nil : request.version
                )
            }
        }
    }

    struct Answer: Sendable {
        var version: UInt32
        var service: FeatureServiceReference
        /// Of the registry, when it was asked.
        var revision: UInt64
    }

    private let registry: RegistryStore
    private let known = Mutex<[Choice: Answer]>([:])

    private static let mostKnown = 10_000

    init(_ registry: RegistryStore) { self.registry = registry }

    /// Nil where only the registry knows and it may not be asked.
    func answer(_ choice: Choice, mayBlock: Bool) throws(AlulaError) -> Answer? {
        // Read before the registry is asked: what changes meanwhile is asked again.
        let revision = registry.modelsRevision
        if let answer = known.withLock({ $0[choice] }), answer.revision == revision {
            return answer
        }
        guard mayBlock else { return nil }
        let served = try registry.servedVersion(
            of: choice.model,
            in: choice.project,
            choice.version
        )
        guard let service = served.service else {
            throw .refused(
                "version \(served.version) of \(choice.model) was registered without a feature service",
                help: "read the service by its name"
            )
        }
        let answer = Answer(version: served.version, service: service, revision: revision)
        known.withLock { known in
            if known.count >= Self.mostKnown { known = [:] }
            known[choice] = answer
        }
        return answer
    }
}
