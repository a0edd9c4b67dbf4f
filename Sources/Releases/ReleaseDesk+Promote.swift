import Catalog
package import Domain
package import Registry

extension ReleaseDesk {
    /// Moves a version into a stage if its gate lets it pass, compare-and-set on the model's
    /// revision.
    ///
    /// A refusal is an answer, not an error: it changes nothing but the audit log, and is repeated
    /// to the same request id. A dry run changes nothing at all. Throws `aborted` where the model is
    /// not at the expected revision. A version that is in the stage already stays there, and nothing
    /// is written.
    package func promote(
        model name: RegisteredModelName,
        version number: UInt32,
        to stage: Stage,
        reason: String = "",
        dryRun: Bool = false,
        expectedRevision: UInt64? = nil,
        call: WriteCall,
        answer: (PromotionOutcome) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try Self.check(reason)
        let decide = { (tables: RegistryTables) throws -> [UInt8] in
            let model = try tables.requireModel(name, in: call.project)
            try model.require(expectedRevision)
            try tables.requireStage(stage, of: model)
            let version = try tables.requireVersion(number, of: model)
            var outcome = try self.judge(version, to: stage, of: model, tables, call)
            if !dryRun, version.stage != stage {
                let move = StageMove(
                    act: .promote,
                    version: version,
                    to: stage,
                    reason: reason,
                    verdict: outcome.verdict
                )
                try self.carryOut(move, &outcome, model, tables, call)
            }
            return try answer(outcome)
        }
        guard dryRun else { return try registry.write("promote", call: call, decide) }
        return try registry.read(decide)
    }

    func judge(
        _ version: ModelVersion,
        to stage: Stage,
        of model: ModelRow,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws -> PromotionOutcome {
        let seat = try tables.seat(of: stage, in: model)
        var outcome = PromotionOutcome(
            passed: true,
            verdict: GateVerdict(rules: []),
            revision: model.revision,
            stage: stage,
            version: version.number,
            previous: seat.previous,
            from: version.stage
        )
        if version.stage == stage {
            outcome.verdict.rules = [
                .init(
                    rule: "moves",
                    outcome: .passed,
                    reason: "version \(version.number) is in stage \(stage) already"
                )
            ]
            return outcome
        }
        guard stage.hasHolder else { return outcome }
        let run = try tables.run(version.run, in: call.project)
        outcome.verdict.rules = Completeness.verdicts(
            version,
            run: run,
            missing: try registry.missingArtifacts(of: version)
        )
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
            outcome.verdict.rules += gate.gate.evaluate(facts).rules
            outcome.verdict.gateVersion = gate.version
        }
        outcome.passed = outcome.verdict.passed
        return outcome
    }

    /// Moves the version where it passed; writes the audit log and an event either way.
    func carryOut(
        _ move: StageMove,
        _ outcome: inout PromotionOutcome,
        _ model: ModelRow,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws {
        let act = move.act.rawValue
        let detail = TransitionDetail(move)
        var change = AuditChange(verdict: try move.verdict.json)
        change.before = try tables.stageText(move.to, in: model)
        try tables.tell(move, passed: outcome.passed, in: model, call)
        guard outcome.passed else {
            change.after = change.before
            try tables.audit("\(act) refused", "model:\(model.name)", detail, call, change: change)
            return
        }
        (outcome.revision, outcome.previous) = try tables.move(move, of: model, call: call)
        change.after = try tables.stageText(move.to, in: model)
        try tables.audit(act, "model:\(model.name)", detail, call, change: change)
    }

    static func check(_ reason: String) throws(AlulaError) {
        guard reason.utf8.count <= Limits.textBytes else {
            throw .invalid(
                "the reason has \(reason.utf8.count) bytes: at most \(Limits.textBytes) are taken"
            )
        }
    }
}

/// What the audit log keeps of a transition, and of one that was refused, beside its verdict.
private struct TransitionDetail: Encodable {
    var version: UInt32
    var from: String
    var to: String
    var reason: String
    var gate: UInt32?

    init(_ move: StageMove) {
        version = move.version.number
        from = move.version.stage.text
        to = move.to.text
        reason = move.reason
        gate = move.verdict.gateVersion
    }
}
