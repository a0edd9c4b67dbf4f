package import Domain
package import Registry

extension ReleaseDesk {
    /// Lets a version be read and logged beside the holders of a stage, or ends that; it never
    /// answers.
    ///
    /// One version at a time: another takes its place. It stays in the stage that it is in, so that it
    /// may enter this one by its gate later; the gate is not asked before. It must have its artifacts
    /// and a service.
    package func shadow(
        model name: RegisteredModelName,
        version number: UInt32,
        of stage: Stage,
        isOn: Bool,
        reason: String = "",
        dryRun: Bool = false,
        expectedRevision: UInt64? = nil,
        call: WriteCall,
        answer: (PromotionOutcome) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try Self.check(reason)
        guard stage.hasHolder else {
            throw .invalid("nobody holds \(stage), so it has no shadow")
        }
        let decide = { (tables: RegistryTables) throws -> [UInt8] in
            let model = try tables.requireModel(name, in: call.project)
            try model.require(expectedRevision)
            try tables.requireStage(stage, of: model)
            let version = try tables.requireVersion(number, of: model)
            let seat = try tables.seat(of: stage, in: model)
            guard isOn || seat.shadow == number else {
                throw AlulaError.refused("version \(number) of \(name) is no shadow of \(stage)")
            }
            var outcome = PromotionOutcome(
                passed: true,
                verdict: GateVerdict(rules: []),
                revision: model.revision,
                stage: stage,
                version: number,
                previous: seat.previous,
                from: version.stage,
                split: try seat.split,
                shadow: seat.shadow
            )
            if isOn {
                outcome.verdict.rules = try self.rules(version, seat, stage, tables, call)
                outcome.passed = outcome.verdict.passed
            }
            if !dryRun, isOn != (seat.shadow == number) {
                try self.carryOut(isOn, &outcome, reason, model, tables, call)
            }
            return try answer(outcome)
        }
        guard dryRun else { return try registry.write("shadow", call: call, decide) }
        return try registry.read(decide)
    }

    private func rules(
        _ version: ModelVersion,
        _ seat: StageSeat,
        _ stage: Stage,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws -> [GateVerdict.RuleVerdict] {
        var rules = Completeness.verdicts(
            version,
            run: try tables.run(version.run, in: call.project),
            missing: try registry.missingArtifacts(of: version)
        )
        rules.append(
            .init(
                rule: "reads a service",
                outcome: version.service == nil ? .failed : .passed,
                reason: version.service?.description ?? "it was registered without one"
            )
        )
        let holds = seat.holders.contains { $0.version == version.number }
        rules.append(
            .init(
                rule: "does not answer",
                outcome: holds ? .failed : .passed,
                reason: holds
                    ? "version \(version.number) holds \(stage)" : "it does not hold \(stage)"
            )
        )
        return rules
    }

    private func carryOut(
        _ isOn: Bool,
        _ outcome: inout PromotionOutcome,
        _ reason: String,
        _ model: ModelRow,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws {
        let act = isOn ? "shadow" : "end shadow"
        var change = AuditChange(before: try tables.stageText(outcome.stage, in: model))
        if outcome.passed {
            try tables.setShadow(
                isOn ? outcome.version : nil,
                of: outcome.stage,
                in: model,
                reason: reason,
                call
            )
            outcome.revision += 1
            outcome.shadow = isOn ? outcome.version : nil
        }
        change.after = try tables.stageText(outcome.stage, in: model)
        try tables.audit(
            outcome.passed ? act : "\(act) refused",
            "model:\(model.name)",
            [
                "version": String(outcome.version), "to": outcome.stage.text, "reason": reason,
            ],
            call,
            change: change
        )
    }
}
