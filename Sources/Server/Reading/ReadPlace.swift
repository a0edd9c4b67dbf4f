import Catalog
import Domain
import Served
import Wire

/// Where reads are worked out: a project of one picture of the catalog.
struct ReadPlace {
    let plans: PlanCache
    let served: ServedLog
    let snapshot: CatalogSnapshot
    let project: CatalogSnapshot.Project

    /// A read of a service.
    func prepare(_ request: WireReadRequest) throws(AlulaError) -> PreparedRead {
        try PreparedRead(
            request,
            try plan(try FeatureServiceReference(text: request.service)),
            modelVersion: nil,
            modelsRevision: nil,
            catalogRevision: snapshot.revision,
            served: nil
        )
    }

    /// A read of a model.
    func prepare(
        _ request: WireReadRequest,
        _ choice: ServedModels.Choice,
        _ answer: ServedModels.Answer
    ) throws(AlulaError) -> Prepared {
        let shadow = request.shadow ? answer.shadow : nil
        var versions = answer.holders.map(\.version)
        if let shadow { versions.append(shadow) }
        var others: [FeaturePlan] = []
        for service in versions.compactMap(\.service) + answer.others {
            others.append(try plan(service).plan)
        }
        let isShared = answer.holders.count > 1 || shadow != nil
        let shapes = Shapes(request: request, choice: choice, others: others, isShared: isShared)
        let parts = answer.holders.map {
            part($0.version, shapes, answer.revision, isShadow: false)
        }
        guard isShared else { return .one(try parts[0].read.get()) }
        return .shared(
            try SharedRead(
                parts,
                shadow: shadow.map { part($0, shapes, answer.revision, isShadow: true) },
                choice: HolderChoice(
                    answer.holders.map { ($0.version.number, $0.share) },
                    salt: "\(project.name)/\(choice.model)"
                )
            )
        )
    }

    /// What the reads of one request have in common.
    private struct Shapes {
        let request: WireReadRequest
        let choice: ServedModels.Choice
        let others: [FeaturePlan]
        let isShared: Bool
    }

    private func part(
        _ version: ServedModels.Version,
        _ shapes: Shapes,
        _ revision: UInt64,
        isShadow: Bool
    ) -> SharedRead.Part {
        let entry = Result { () throws(AlulaError) in
            guard let service = version.service else {
                throw AlulaError.refused(
                    "version \(version.number) of \(shapes.choice.model) was registered without a "
                        + "feature service",
                    help: "read the service by its name"
                )
            }
            return try plan(service)
        }
        return SharedRead.Part(
            version: version.number,
            plan: (try? entry.get())?.plan,  // why there is none is in the read
            read: entry.flatMap { entry in
                Result { () throws(AlulaError) in
                    try prepare(version, entry, shapes, revision, isShadow: isShadow)
                }
            }
        )
    }

    private func prepare(
        _ version: ServedModels.Version,
        _ entry: PlanCache.Entry,
        _ shapes: Shapes,
        _ revision: UInt64,
        isShadow: Bool
    ) throws(AlulaError) -> PreparedRead {
        let request = shapes.request
        let stage = request.alias.isEmpty ? request.stage : "@" + request.alias
        return try PreparedRead(
            request,
            entry,
            modelVersion: version.number,
            modelsRevision: revision,
            catalogRevision: snapshot.revision,
            served: request.log
                ? ServedShape(
                    served.model(.init(project.name, shapes.choice.model)),
                    version: version.number,
                    stage: isShadow ? stage + " (shadow)" : stage,
                    plan: entry.plan
                ) : nil,
            isShared: shapes.isShared,
            others: shapes.others
        )
    }

    private func plan(
        _ service: FeatureServiceReference
    ) throws(AlulaError) -> PlanCache.Entry {
        try plans.plan(service, in: project, of: snapshot)
    }
}
