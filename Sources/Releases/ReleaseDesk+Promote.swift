import Catalog
package import Domain
package import Registry

extension ReleaseDesk {
    /// Moves a version into a stage if its gate lets it pass, compare-and-set on the model's
    /// revision.
    ///
    /// With a share it stands beside the holders, who keep the rest in proportion; a holder's share
    /// changes without the gate, through which it came. Throws where nobody would keep the rest.
    /// A refusal is an answer, not an error: it changes nothing but the audit log, and is repeated
    /// to the same request id. A dry run changes nothing at all. Throws `aborted` where the model is
    /// not at the expected revision. A version that has just that share of the stage already keeps
    /// it, and nothing is written.
    package func promote(
        model name: RegisteredModelName,
        version number: UInt32,
        to stage: Stage,
        share: Share = .all,
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
            var outcome = try self.judge(version, to: stage, share, of: model, tables, call)
            if !dryRun, version.stage != stage || outcome.split.share(of: number) ?? share != share
            {
                let move = StageMove(
                    act: .promote,
                    version: version,
                    to: stage,
                    share: share,
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
        _ share: Share = .all,
        of model: ModelRow,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws -> PromotionOutcome {
        let seat = try tables.seat(of: stage, in: model)
        let split = try seat.split
        try Self.check(share, of: version, in: stage, split)
        var outcome = PromotionOutcome(
            passed: true,
            verdict: GateVerdict(rules: []),
            revision: model.revision,
            stage: stage,
            version: version.number,
            previous: seat.previous,
            from: version.stage,
            split: split,
            shadow: seat.shadow
        )
        let held = split.share(of: version.number)
        if version.stage == stage, held == nil || held == share {
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
        let state = try CatalogStore.state(in: tables.database)
        outcome.verdict.rules = Completeness.verdicts(
            version,
            run: run,
            missing: try registry.missingArtifacts(of: version),
            lost: state.snapshot.loss(of: version, in: call.project)
        )
        if let held {
            outcome.verdict.rules.append(
                .init(
                    rule: "moves",
                    outcome: .passed,
                    reason: "version \(version.number) came into \(stage) by its gate, and has "
                        + "\(held) of it"
                )
            )
            outcome.passed = outcome.verdict.passed
            return outcome
        }
        if let gate = state.gate(call.project, model: model.name, to: stage) {
            let facts = try facts(
                of: version,
                into: stage,
                holder: try split.main.map { try tables.requireVersion($0, of: model) },
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
    ///
    /// A move that is none of a rollout's ends the rollout of the stage.
    func carryOut(
        _ move: StageMove,
        _ outcome: inout PromotionOutcome,
        _ model: ModelRow,
        _ tables: RegistryTables,
        _ call: WriteCall,
        isOfRollout: Bool = false
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
        let seat: StageSeat
        (outcome.revision, seat) = try tables.move(move, of: model, call: call)
        outcome.previous = seat.previous
        outcome.split = try seat.split
        outcome.shadow = seat.shadow
        change.after = try tables.stageText(move.to, in: model)
        try tables.audit(act, "model:\(model.name)", detail, call, change: change)
        if !isOfRollout { try tables.endRollout(after: move, in: model, call) }
    }

    /// Of one stage at once, that answer.
    private static let mostAnswering = 8

    private static func check(
        _ share: Share,
        of version: ModelVersion,
        in stage: Stage,
        _ split: StageSplit
    ) throws(AlulaError) {
        guard share < .all else { return }
        guard stage.hasHolder else {
            throw .invalid("nobody holds \(stage), so there are no shares of it")
        }
        guard !split.isEmpty || share == .none else {
            throw .refused(
                "nobody is in \(stage) who could keep the rest: it takes all of it",
                help: "promote it without a share"
            )
        }
        let after = try split.giving(share, to: version.number)
        guard after.answering.count <= mostAnswering else {
            throw .refused(
                "\(split.answering.count) versions answer for \(stage) already: at most "
                    + "\(mostAnswering) do at once"
            )
        }
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
    var share: String?
    var reason: String
    var gate: UInt32?

    init(_ move: StageMove) {
        version = move.version.number
        from = move.version.stage.text
        to = move.to.text
        share = move.share == .all ? nil : move.share.description
        reason = move.reason
        gate = move.verdict.gateVersion
    }
}
