package import Domain
package import Registry

/// What speaks for and against a version in a stage.
package struct VersionReport: Sendable {
    package var candidate: ModelVersion
    package var stage: Stage
    /// The newest holder of the stage, if it is another version.
    package var holder: ModelVersion?
    package var outcome: PromotionOutcome
    /// From the holder to the candidate; nil where there is no holder.
    package var diff: VersionDiff?
    /// Of the candidate.
    package var lineage: VersionLineage
    package var time: Timestamp
    /// How candidate and holder do where they are served; whoever knows adds it.
    package var live: [ReportTable] = []
}

extension ReleaseDesk {
    /// Judges a version as a promotion would, and compares it with who holds the stage; a nil stage
    /// is the next one.
    ///
    /// Changes nothing.
    package func report(
        model name: RegisteredModelName,
        candidate number: UInt32,
        stage: Stage?,
        call: WriteCall
    ) throws(AlulaError) -> VersionReport {
        try registry.read { tables in
            let model = try tables.requireModel(name, in: call.project)
            let candidate = try tables.requireVersion(number, of: model)
            let stage = try stage ?? nextStage(of: candidate, call.project)
            try tables.requireStage(stage, of: model)
            let holder = try tables.seat(of: stage, in: model).split.main
                .flatMap { $0 == number ? nil : try tables.requireVersion($0, of: model) }
            return VersionReport(
                candidate: candidate,
                stage: stage,
                holder: holder,
                outcome: try judge(candidate, to: stage, of: model, tables, call),
                diff: try holder.map { try tables.diff($0, candidate, call.project) },
                lineage: try tables.lineage(of: candidate, in: model, call.project),
                time: call.now
            )
        }
    }
}
