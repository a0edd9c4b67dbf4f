package import Domain
package import Registry

extension ReleaseDesk {
    /// Returns a stage to the version that held it before; the present holder is archived.
    ///
    /// Done again, it goes one holder further back. The version passed its gate when it entered;
    /// only what it needs to run is looked at again.
    package func rollback(
        model name: RegisteredModelName,
        stage: Stage,
        reason: String = "",
        call: WriteCall,
        answer: (PromotionOutcome) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try Self.check(reason)
        guard stage.hasHolder else {
            throw .invalid("staging or production is rolled back, not \(stage.rawValue)")
        }
        return try registry.write("rollback", call: call) { tables in
            let model = try tables.requireModel(name, in: call.project)
            guard let seat = try tables.holder(of: stage, in: model), let previous = seat.previous
            else {
                throw AlulaError.refused(
                    "\(stage.rawValue) of \(name) has no earlier holder to return to",
                    help: "promote the version you want: alula versions \(name)"
                )
            }
            let version = try tables.requireVersion(previous, of: model)
            let run = try tables.run(version.run, in: call.project)
            let verdict = GateVerdict(
                rules: Completeness.verdicts(
                    version,
                    run: run,
                    missing: try registry.missingArtifacts(of: version)
                )
            )
            var outcome = PromotionOutcome(
                passed: verdict.passed,
                verdict: verdict,
                revision: model.revision,
                stage: stage,
                version: version.number,
                previous: previous,
                from: version.stage
            )
            let detail = TransitionDetail(outcome, reason: reason, project: call.project)
            if verdict.passed {
                let move = StageMove(
                    act: .rollback,
                    version: version,
                    to: stage,
                    reason: reason,
                    verdict: verdict
                )
                (outcome.revision, outcome.previous) = try tables.move(move, of: model, call: call)
            }
            try tables.audit(
                verdict.passed ? "rollback" : "rollback refused",
                "model:\(name)",
                detail,
                call
            )
            return try answer(outcome)
        }
    }
}
