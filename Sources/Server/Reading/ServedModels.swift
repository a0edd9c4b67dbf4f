import Domain
import Registry
import Synchronization
import Wire

/// The versions that a model serves, as the registry last said: event loops ask it without touching the
/// disk.
final class ServedModels: Sendable {
    struct Choice: Hashable, Sendable {
        private static let mostAmong = 64

        let project: ProjectName
        let model: RegisteredModelName
        let version: VersionChoice
        /// Of a stage, only these of its holders.
        let among: [UInt32]

        init(_ request: WireReadRequest, project: ProjectName) throws(AlulaError) {
            self.project = project
            model = try RegisteredModelName(request.model, as: "model")
            guard request.alias.isEmpty || (request.stage.isEmpty && request.version == 0) else {
                throw .invalid(
                    "a read of \(model) names an alias, a stage or a version: found an alias and more"
                )
            }
            among = request.among
            let isOfStage = request.alias.isEmpty && request.version == 0
            guard isOfStage || (among.isEmpty && !request.shadow) else {
                throw .invalid(
                    "a read of \(model) names one version: several, and a shadow, are of a stage"
                )
            }
            guard among.count <= Self.mostAmong, Set(among).count == among.count else {
                throw .invalid(
                    "a read of \(model) names up to \(Self.mostAmong) different versions of a stage"
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

    struct Version: Sendable {
        var number: UInt32
        /// Nil where it was registered without one.
        var service: FeatureServiceReference?
    }

    struct Answer: Sendable {
        /// Who answers, the greatest share first; never empty.
        var holders: [(version: Version, share: Share)]
        /// Of the stage; nil where there is none, or it has no service.
        var shadow: Version?
        /// What else the caller may name inputs of: it is prepared for versions that may answer.
        var others: [FeatureServiceReference]
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
        let served = try registry.served(
            of: choice.model,
            in: choice.project,
            choice.version,
            among: choice.among
        )
        let holders = served.parts.map { part in
            (
                version: Version(number: part.served.version, service: part.served.service),
                share: part.share
            )
        }
        var others: [FeatureServiceReference] = []
        for number in choice.among where !holders.contains(where: { $0.version.number == number }) {
            let other = try registry.served(
                of: choice.model,
                in: choice.project,
                .version(number)
            )
            others += other.parts.compactMap(\.served.service)
        }
        let answer = Answer(
            holders: holders,
            shadow: served.shadow.flatMap { shadow in
                shadow.service.map { Version(number: shadow.version, service: $0) }
            },
            others: others,
            revision: revision
        )
        known.withLock { known in
            if known.count >= Self.mostKnown { known = [:] }
            known[choice] = answer
        }
        return answer
    }
}
