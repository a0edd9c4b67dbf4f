import Catalog
package import Domain
package import Registry

extension ReleaseDesk {
    /// Returns a stage to the version that held it before; the present holder is archived.
    ///
    /// Done again, it goes one holder further back. The version passed its gate when it entered;
    /// only what it needs to run is looked at again, and what the gate asks of a rollback. A version
    /// that holds another stage by now is not taken out of it.
    package func rollback(
        model name: RegisteredModelName,
        stage: Stage,
        reason: String = "",
        expectedRevision: UInt64? = nil,
        call: WriteCall,
        answer: (PromotionOutcome) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try Self.check(reason)
        guard stage.hasHolder else {
            throw .invalid(
                "staging, production or a stage of the model's own is rolled back, not \(stage)"
            )
        }
        return try registry.write("rollback", call: call) { tables in
            let model = try tables.requireModel(name, in: call.project)
            try model.require(expectedRevision)
            try tables.requireStage(stage, of: model)
            let seat = try tables.seat(of: stage, in: model)
            guard let previous = seat.previous else {
                throw AlulaError.refused(
                    "\(stage) of \(name) has no earlier holder to return to",
                    help: "promote the version you want: alula versions \(name)"
                )
            }
            let version = try tables.requireVersion(previous, of: model)
            let verdict = try judge(version, backTo: stage, seat, model, tables, call)
            var outcome = PromotionOutcome(
                passed: verdict.passed,
                verdict: verdict,
                revision: model.revision,
                stage: stage,
                version: version.number,
                previous: previous,
                from: version.stage
            )
            let move = StageMove(
                act: .rollback,
                version: version,
                to: stage,
                reason: reason,
                verdict: verdict
            )
            try carryOut(move, &outcome, model, tables, call)
            return try answer(outcome)
        }
    }

    private func judge(
        _ version: ModelVersion,
        backTo stage: Stage,
        _ seat: StageSeat,
        _ model: ModelRow,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws -> GateVerdict {
        let run = try tables.run(version.run, in: call.project)
        var verdict = GateVerdict(
            rules: Completeness.verdicts(
                version,
                run: run,
                missing: try registry.missingArtifacts(of: version)
            )
        )
        if version.stage.hasHolder {
            verdict.rules.append(
                .init(
                    rule: "is free to return",
                    outcome: .failed,
                    reason: "version \(version.number) is in \(version.stage): a rollback does not "
                        + "take it out of there"
                )
            )
        }
        let state = try CatalogStore.state(in: tables.database)
        if let gate = state.gate(call.project, model: model.name, to: stage) {
            let facts = try facts(
                of: version,
                into: stage,
                holder: try seat.newest.map { try tables.requireVersion($0, of: model) },
                run,
                model,
                state,
                tables,
                call
            )
            verdict.rules += gate.gate.evaluateRollback(facts).rules
            verdict.gateVersion = gate.version
        }
        return verdict
    }
}
