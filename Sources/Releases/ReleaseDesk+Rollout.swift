import Catalog
package import Domain
package import Registry

/// What became of a rollout that was to start.
package struct RolloutStart: Sendable {
    package var record: RolloutRecord
    /// What the gate said; the rollout runs only where it passed.
    package var outcome: PromotionOutcome
}

extension ReleaseDesk {
    /// Begins to roll a version out: its first step, if the gate of the stage lets it pass.
    ///
    /// A refusal is an answer: nothing is kept but the audit entry. One rollout of a model runs at a
    /// time. The plan stays what it is now. Without a name it is the only one of the model, else the
    /// only one of any model.
    package func startRollout(
        model name: RegisteredModelName,
        version number: UInt32,
        plan planName: RolloutPlanName?,
        reason: String = "",
        call: WriteCall,
        answer: (RolloutStart) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try Self.check(reason)
        return try registry.write("start rollout", call: call) { tables in
            let model = try tables.requireModel(name, in: call.project)
            let state = try CatalogStore.state(in: tables.database)
            let plan = try Self.plan(planName, of: name, state.rollouts[call.project] ?? [])
            let stage = plan.plan.stage
            try tables.requireStage(stage, of: model)
            let version = try tables.requireVersion(number, of: model)
            let seat = try tables.seat(of: stage, in: model)
            let before = try seat.split
            try self.checkStart(version, plan.plan, before, model, tables)
            guard let first = plan.plan.steps.first else {
                throw AlulaError.corrupt("rollout \"\(plan.plan.name)\" has no steps")
            }
            var record = RolloutRecord(
                project: call.project,
                model: name,
                version: number,
                stage: stage,
                plan: plan,
                definition: try plan.plan.json,
                before: before,
                call: call
            )
            var outcome = try self.judge(version, to: stage, first.share, of: model, tables, call)
            let move = StageMove(
                act: .promote,
                version: version,
                to: stage,
                share: first.share,
                reason: Self.text(record, plan.plan) + (reason.isEmpty ? "" : ": \(reason)"),
                verdict: outcome.verdict
            )
            try self.carryOut(move, &outcome, model, tables, call, isOfRollout: true)
            if outcome.passed {
                record.reason = first.hold.microseconds > 0 ? "\(first.share) has begun" : ""
                try tables.insert(&record, of: model)
                try tables.tell(
                    .rolloutStepped,
                    of: record,
                    in: model,
                    "forward: " + Self.text(record, plan.plan),
                    call
                )
                if plan.plan.steps.count == 1, first.hold.microseconds <= 0 {
                    try self.finish(&record, model, tables, call)
                }
            }
            return try answer(RolloutStart(record: record, outcome: outcome))
        }
    }

    private static func plan(
        _ name: RolloutPlanName?,
        of model: RegisteredModelName,
        _ all: [VersionedRolloutPlan]
    ) throws(AlulaError) -> VersionedRolloutPlan {
        let fitting = all.filter {
            !$0.isRetired && ($0.plan.model == nil || $0.plan.model == model)
        }
        let names = fitting.map(\.plan.name.text)
        let known = "there are: " + (names.isEmpty ? "none" : names.joined(separator: ", "))
        if let name {
            if let found = fitting.first(where: { $0.plan.name == name }) { return found }
            throw .notFound("model \(model) has no plan of rollouts \"\(name)\"", help: known)
        }
        let own = fitting.filter { $0.plan.model == model }
        let choice = own.isEmpty ? fitting : own
        guard choice.count == 1, let found = choice.first else {
            throw .invalid(
                choice.isEmpty
                    ? "there is no plan of rollouts for model \(model)"
                    : "\(choice.count) plans of rollouts fit model \(model): name one",
                help: choice.isEmpty
                    ? "define one: rollouts: [{name: careful, model: \(model), steps: …}]" : known
            )
        }
        return found
    }

    private func checkStart(
        _ version: ModelVersion,
        _ plan: RolloutPlan,
        _ before: StageSplit,
        _ model: ModelRow,
        _ tables: RegistryTables
    ) throws {
        if let running = try tables.runningRollout(of: model) {
            throw AlulaError.refused(
                "version \(running.version) of \(model.name) is being rolled out already, by "
                    + "\(running.plan)",
                help: "alula rollout cancel \(model.name)"
            )
        }
        guard !before.isEmpty else {
            throw AlulaError.refused(
                "nobody is in \(plan.stage) of \(model.name) whose place it could take step by step",
                help: "promote it: alula promote \(model.name) \(version.number) \(plan.stage)"
            )
        }
        guard before.share(of: version.number) == nil else {
            throw AlulaError.refused(
                "version \(version.number) of \(model.name) is in \(plan.stage) already",
                help: "change its share by hand: alula promote … --share"
            )
        }
    }

    /// Ends a rollout: shares stay as they are, or go back to what they were before it.
    package func cancelRollout(
        model name: RegisteredModelName,
        back: Bool,
        reason: String = "",
        call: WriteCall,
        answer: (RolloutRecord) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try Self.check(reason)
        return try registry.write("cancel rollout", call: call) { tables in
            let model = try tables.requireModel(name, in: call.project)
            guard var record = try tables.runningRollout(of: model) else {
                throw AlulaError.refused(
                    "no version of \(name) is being rolled out",
                    help: "alula rollouts \(name)"
                )
            }
            var text = "by \(call.actor)" + (reason.isEmpty ? "" : ": \(reason)")
            if back {
                let seat = try tables.seat(of: record.stage, in: model)
                let outcome = try self.goBack(
                    to: record.before,
                    record.stage,
                    seat,
                    "the rollout by \(record.plan) is cancelled " + text,
                    model,
                    tables,
                    call,
                    isOfRollout: true
                )
                guard outcome.passed else {
                    throw AlulaError.refused(
                        "\(record.stage) of \(name) cannot go back to \(record.before.text)",
                        details: outcome.verdict.rules.filter { $0.outcome != .passed }
                            .map { "\($0.rule): \($0.reason)" }
                    )
                }
                text += ", back to \(record.before.text)"
            }
            try tables.end(&record, .cancelled, "cancelled " + text, in: model, call)
            return try answer(record)
        }
    }
}

extension ReleaseDesk {
    /// Does what was decided about a rollout, if it still stands where it was looked at.
    ///
    /// A step is a promotion by who started the rollout, with the figures that allowed it as its
    /// verdict; the way back is a rollback to what was before.
    package func step(
        _ looked: RolloutRecord,
        _ decision: RolloutDecision,
        now: Timestamp
    ) throws(AlulaError) {
        let call = WriteCall(
            requestID: [],
            identity: Identity(name: looked.actor, roles: [], isVerified: looked.isVerified),
            project: looked.project,
            now: now
        )
        _ = try registry.write("step rollout", call: call) { tables in
            let model = try tables.requireModel(looked.model, in: looked.project)
            guard var record = try tables.rollout(looked.number), record.state == .running,
                record.step == looked.step
            else { return [] }
            record.figures = looked.figures
            record.evaluated = now
            let plan = try RolloutPlan(json: record.definition)
            switch decision {
            case .wait(let reason):
                record.reason = reason
                try tables.update(record)
            case .done: try self.finish(&record, model, tables, call)
            case .forward(let step):
                try self.goForward(&record, to: step, plan, model, tables, call)
            case .back(let reason):
                try self.stepBack(&record, reason, model, tables, call)
            }
            return []
        }
    }

    private func finish(
        _ record: inout RolloutRecord,
        _ model: ModelRow,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws {
        try tables.end(
            &record,
            .done,
            "done: version \(record.version) has all of \(record.stage)",
            in: model,
            call
        )
    }

    private func goForward(
        _ record: inout RolloutRecord,
        to step: Int,
        _ plan: RolloutPlan,
        _ model: ModelRow,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws {
        let version = try tables.requireVersion(record.version, of: model)
        let share = plan.steps[step].share
        record.step = step
        let text = Self.text(record, plan)
        var outcome = try judge(version, to: record.stage, share, of: model, tables, call)
        guard outcome.passed else {
            let reasons = outcome.verdict.rules.filter { $0.outcome != .passed }.map(\.reason)
            try stepBack(
                &record,
                "version \(record.version) is not complete any more: "
                    + reasons.joined(separator: "; "),
                model,
                tables,
                call
            )
            return
        }
        outcome.verdict.rules += record.figures.map(\.verdict)
        let move = StageMove(
            act: .promote,
            version: version,
            to: record.stage,
            share: share,
            reason: text,
            verdict: outcome.verdict
        )
        try carryOut(move, &outcome, model, tables, call, isOfRollout: true)
        record.since = call.now
        record.reason = "\(share) has begun"
        try tables.update(record)
        let figures = record.figures.map { "\($0.rule): \($0.reason)" }
        try tables.tell(
            .rolloutStepped,
            of: record,
            in: model,
            (["forward: " + text] + figures).joined(separator: "; "),
            call
        )
        if step == plan.steps.count - 1, plan.steps[step].hold.microseconds <= 0 {
            try finish(&record, model, tables, call)
        }
    }

    private func stepBack(
        _ record: inout RolloutRecord,
        _ reason: String,
        _ model: ModelRow,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws {
        let seat = try tables.seat(of: record.stage, in: model)
        let outcome = try goBack(
            to: record.before,
            record.stage,
            seat,
            "the rollout by \(record.plan) steps back: " + reason,
            model,
            tables,
            call,
            isOfRollout: true
        )
        guard outcome.passed else {
            let why = outcome.verdict.rules.filter { $0.outcome != .passed }.map(\.reason)
            try tables.end(
                &record,
                .cancelled,
                "it was to step back (\(reason)) and cannot: " + why.joined(separator: "; "),
                in: model,
                call
            )
            return
        }
        try tables.tell(
            .rolloutStepped,
            of: record,
            in: model,
            "back to \(record.before.text): \(reason)",
            call
        )
        try tables.end(&record, .steppedBack, reason, in: model, call)
    }

    /// `rollout careful, step 2 of 3: 25%`.
    private static func text(_ record: RolloutRecord, _ plan: RolloutPlan) -> String {
        "rollout \(plan.name), step \(record.step + 1) of \(plan.steps.count): "
            + "\(plan.steps[record.step].share)"
    }
}

extension RolloutFigure {
    fileprivate var verdict: GateVerdict.RuleVerdict {
        let outcome: GateVerdict.Outcome =
            switch outcome {
            case .passed: .passed
            case .failed: .failed
            case .cannotTell: .cannotTell
            }
        return .init(rule: rule, outcome: outcome, reason: reason)
    }
}

extension RegistryTables {
    /// Ends a rollout, tells of it and notes it in the audit log.
    func end(
        _ record: inout RolloutRecord,
        _ state: RolloutState,
        _ reason: String,
        in model: ModelRow,
        _ call: WriteCall
    ) throws {
        record.state = state
        record.reason = reason
        record.since = call.now
        record.ended = call.now
        try update(record)
        try tell(.rolloutEnded, of: record, in: model, "\(state.rawValue): \(reason)", call)
        try audit(
            "end rollout",
            "model:\(model.name)",
            [
                "version": String(record.version), "rollout": record.plan.text,
                "state": state.rawValue, "reason": reason,
            ],
            call
        )
    }

    /// A move by somebody of the stage that a rollout moves, or of its version, ends the rollout.
    func endRollout(after move: StageMove, in model: ModelRow, _ call: WriteCall) throws {
        guard var record = try runningRollout(of: model) else { return }
        let isSame = move.to == record.stage || move.version.stage == record.stage
        guard isSame || move.version.number == record.version else { return }
        let act = move.act == .promote ? "promoted" : "rolled back to"
        try end(
            &record,
            .cancelled,
            "\(call.actor) \(act) version \(move.version.number): "
                + (move.to == record.stage ? "\(move.to) was moved" : "it is in \(move.to)"),
            in: model,
            call
        )
    }
}
