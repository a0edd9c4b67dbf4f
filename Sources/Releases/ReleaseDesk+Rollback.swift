import Catalog
package import Domain
package import Registry

extension ReleaseDesk {
    /// Returns a stage to its holders and their shares as they were before the version came that
    /// entered last; who is not among them is archived.
    ///
    /// Done again, it goes one version further back. Those who return passed their gate when they
    /// entered; only what they need to run is looked at again, and what the gate asks of a rollback. A
    /// version that holds another stage by now is not taken out of it.
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
            guard !seat.memory.isEmpty else {
                throw AlulaError.refused(
                    "\(stage) of \(name) has no earlier holder to return to",
                    help: "promote the version you want: alula versions \(name)"
                )
            }
            return try answer(
                try self.goBack(to: seat.memory, stage, seat, reason, model, tables, call)
            )
        }
    }

    /// Returns a stage to holders it had, if they may.
    func goBack(
        to target: StageSplit,
        _ stage: Stage,
        _ seat: StageSeat,
        _ reason: String,
        _ model: ModelRow,
        _ tables: RegistryTables,
        _ call: WriteCall,
        isOfRollout: Bool = false
    ) throws -> PromotionOutcome {
        guard let main = target.main else {
            throw AlulaError(.internal, "a rollback leads to nobody")
        }
        let version = try tables.requireVersion(main, of: model)
        let verdict = try judge(target, backTo: stage, seat, model, tables, call)
        var outcome = PromotionOutcome(
            passed: verdict.passed,
            verdict: verdict,
            revision: model.revision,
            stage: stage,
            version: version.number,
            previous: seat.previous,
            from: version.stage,
            split: try seat.split,
            shadow: seat.shadow
        )
        let move = StageMove(
            act: .rollback,
            version: version,
            to: stage,
            share: target.share(of: main) ?? .all,
            target: target,
            reason: reason,
            verdict: verdict
        )
        try carryOut(move, &outcome, model, tables, call, isOfRollout: isOfRollout)
        return outcome
    }

    private func judge(
        _ target: StageSplit,
        backTo stage: Stage,
        _ seat: StageSeat,
        _ model: ModelRow,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws -> GateVerdict {
        var verdict = GateVerdict(rules: [])
        let state = try CatalogStore.state(in: tables.database)
        for part in target.parts {
            let version = try tables.requireVersion(part.version, of: model)
            let run = try tables.run(version.run, in: call.project)
            verdict.rules += Completeness.verdicts(
                version,
                run: run,
                missing: try registry.missingArtifacts(of: version),
                lost: state.snapshot.loss(of: version, in: call.project)
            )
            if version.stage.hasHolder, version.stage != stage {
                verdict.rules.append(
                    .init(
                        rule: "is free to return",
                        outcome: .failed,
                        reason: "version \(version.number) is in \(version.stage): a rollback does "
                            + "not take it out of there"
                    )
                )
            }
            if let gate = state.gate(call.project, model: model.name, to: stage) {
                let facts = try facts(
                    of: version,
                    into: stage,
                    holder: try seat.split.main.map { try tables.requireVersion($0, of: model) },
                    run,
                    model,
                    state,
                    tables,
                    call
                )
                verdict.rules += gate.gate.evaluateRollback(facts).rules
                verdict.gateVersion = gate.version
            }
        }
        return verdict
    }
}
