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
        for service in versions.map(\.service) + answer.others {
            others.append(try plan(service).plan)
        }
        let isShared = answer.holders.count > 1 || shadow != nil
        let shapes = Shapes(request: request, choice: choice, others: others, isShared: isShared)
        var reads: [PreparedRead] = []
        for holder in answer.holders {
            reads.append(try prepare(holder.version, shapes, answer.revision, isShadow: false))
        }
        guard isShared else { return .one(reads[0]) }
        return .shared(
            try SharedRead(
                reads,
                shadow: try shadow.map { version throws(AlulaError) in
                    try prepare(version, shapes, answer.revision, isShadow: true)
                },
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

    private func prepare(
        _ version: ServedModels.Version,
        _ shapes: Shapes,
        _ revision: UInt64,
        isShadow: Bool
    ) throws(AlulaError) -> PreparedRead {
        let request = shapes.request
        let entry = try plan(version.service)
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
