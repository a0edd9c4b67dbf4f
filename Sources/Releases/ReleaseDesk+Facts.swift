import Catalog
import Domain
import Registry

extension ReleaseDesk {
    /// Reads what gates look at, in one transaction.
    func facts(
        of version: ModelVersion,
        into stage: Stage,
        holder: ModelVersion?,
        _ run: Run,
        _ model: ModelRow,
        _ state: CatalogState,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws -> GateFacts {
        let set = try version.trainingSet.flatMap { try tables.trainingSet($0) }
        let project = state.snapshot.projects[call.project]
        var kinds: [String: ArtifactKind?] = [:]
        for artifact in version.artifacts {
            guard artifact.isDirectory else {
                kinds[artifact.name] = .some(try kind(artifact.name, artifact.digest))
                continue
            }
            for file in try tables.files(of: artifact.digest) {
                kinds[artifact.name + "/" + file.path] = .some(try kind(file.path, file.digest))
            }
        }
        return GateFacts(
            version: version,
            holder: holder,
            service: version.service.flatMap { try? project?.service($0) },  // none: cannot tell
            holderService: holder?.service.flatMap { try? project?.service($0) },  // likewise
            trainingSet: set,
            reproduction: try set.flatMap { try tables.reproduction(of: $0.id) },
            lineageGaps: try lineageGaps(of: version, run, set),
            kinds: kinds,
            approvals: try tables.approvals(of: version, for: stage, in: model),
            authors: [version.actor, run.actor],
            inStageSince: try tables.tenureStart(of: version, in: model),
            now: call.now
        )
    }

    private func kind(_ name: String, _ digest: ContentDigest) throws -> ArtifactKind? {
        ArtifactKind.of(name: name, firstBytes: try registry.firstBytes(of: digest))
    }

    private func lineageGaps(
        of version: ModelVersion,
        _ run: Run,
        _ set: TrainingSetRecord?
    ) throws -> [String] {
        var gaps: [String] = []
        if let set {
            if try registry.artifactSize(set.spineArtifact) == nil {
                gaps.append("the spine of \(set.id) is not in the store")
            }
        } else {
            gaps.append("it has no training set")
        }
        if version.service == nil { gaps.append("it reads no service") }
        if version.codeRevision.isEmpty { gaps.append("run \(run.id) has no code revision") }
        if version.artifacts.isEmpty { gaps.append("it has no artifacts") }
        let missing = try registry.missingArtifacts(of: version)
        if !missing.isEmpty {
            gaps.append("missing or damaged: \(missing.joined(separator: ", "))")
        }
        return gaps
    }
}
