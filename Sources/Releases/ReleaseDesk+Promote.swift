import Catalog
package import Domain
package import Registry

extension ReleaseDesk {
    /// Moves a version into a stage if its gate lets it pass, compare-and-set on the model's
    /// revision.
    ///
    /// A refusal is an answer, not an error: it changes nothing but the audit table, and is
    /// repeated to the same request id. A dry run changes nothing at all. Throws `aborted` where
    /// the model is not at the expected revision. A version that is in the stage already stays
    /// there, and nothing is written.
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
            if let expectedRevision, expectedRevision != model.revision {
                throw AlulaError(
                    .aborted,
                    "model \(name) is at revision \(model.revision), not \(expectedRevision): it has "
                        + "changed since it was read"
                )
            }
            let version = try tables.requireVersion(number, of: model)
            var outcome = try self.judge(version, to: stage, of: model, tables, call)
            if !dryRun, version.stage != stage {
                try self.carryOut(&outcome, version, model, reason, tables, call)
            }
            return try answer(outcome)
        }
        guard dryRun else { return try registry.write("promote", call: call, decide) }
        return try registry.read(decide)
    }

    private func judge(
        _ version: ModelVersion,
        to stage: Stage,
        of model: ModelRow,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws -> PromotionOutcome {
        let seat = try tables.holder(of: stage, in: model)
        var outcome = PromotionOutcome(
            passed: true,
            verdict: GateVerdict(rules: []),
            revision: model.revision,
            stage: stage,
            version: version.number,
            previous: seat?.previous,
            from: version.stage
        )
        if version.stage == stage {
            outcome.verdict.rules = [
                .init(
                    rule: "moves",
                    outcome: .passed,
                    reason: "version \(version.number) is in stage \(stage.rawValue) already"
                )
            ]
            return outcome
        }
        guard stage.hasHolder else { return outcome }
        let holder = try seat?.version.map { try tables.requireVersion($0, of: model) }
        let run = try tables.run(version.run, in: call.project)
        outcome.verdict.rules = Completeness.verdicts(
            version,
            run: run,
            missing: try registry.missingArtifacts(of: version)
        )
        let state = try CatalogStore.state(in: tables.database)
        if let gate = state.gate(call.project, model: model.name, to: stage) {
            outcome.verdict.rules += gate.gate.evaluate(version, holder: holder).rules
        }
        outcome.passed = outcome.verdict.passed
        return outcome
    }

    private func carryOut(
        _ outcome: inout PromotionOutcome,
        _ version: ModelVersion,
        _ model: ModelRow,
        _ reason: String,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws {
        let detail = TransitionDetail(outcome, reason: reason, project: call.project)
        guard outcome.passed else {
            try tables.audit("promote refused", "model:\(model.name)", detail, call)
            return
        }
        let move = StageMove(
            act: .promote,
            version: version,
            to: outcome.stage,
            reason: reason,
            verdict: outcome.verdict
        )
        (outcome.revision, outcome.previous) = try tables.move(move, of: model, call: call)
        try tables.audit("promote", "model:\(model.name)", detail, call)
    }

    static func check(_ reason: String) throws(AlulaError) {
        guard reason.utf8.count <= Limits.textBytes else {
            throw .invalid(
                "the reason has \(reason.utf8.count) bytes: at most \(Limits.textBytes) are taken"
            )
        }
    }
}

/// What the audit table keeps of a transition, and of one that was refused.
struct TransitionDetail: Encodable {
    struct Rule: Encodable {
        var rule: String
        var outcome: String
        var reason: String
    }

    var project: String
    var version: UInt32
    var from: String
    var to: String
    var reason: String
    var rules: [Rule]

    init(_ outcome: PromotionOutcome, reason: String, project: ProjectName) {
        self.project = project.text
        version = outcome.version
        from = outcome.from.rawValue
        to = outcome.stage.rawValue
        self.reason = reason
        rules = outcome.verdict.rules.map {
            Rule(rule: $0.rule, outcome: $0.outcome.rawValue, reason: $0.reason)
        }
    }
}
