package import Domain
import GRDB

/// A version on its way from one stage to another, decided.
package struct StageMove: Sendable, Hashable {
    package enum Act: String, Sendable {
        case promote
        case rollback
    }

    package var act: Act
    package var version: ModelVersion
    package var to: Stage
    /// What a promotion takes of the stage.
    package var share: Share
    /// What a rollback returns to: the version has the greatest share of it.
    package var target: StageSplit
    package var reason: String
    package var verdict: GateVerdict

    package init(
        act: Act,
        version: ModelVersion,
        to: Stage,
        share: Share = .all,
        target: StageSplit = .nobody,
        reason: String,
        verdict: GateVerdict
    ) {
        self.act = act
        self.version = version
        self.to = to
        self.share = share
        self.target = target
        self.reason = reason
        self.verdict = verdict
    }
}

extension RegistryTables {
    /// Moves a version, or gives it another share of the stage that it is in.
    ///
    /// With a share the holders of the stage keep the rest, in proportion. With all of it the version
    /// takes the places of those that came first, where the stage is full; who gives way is archived.
    /// A rollback returns the stage to the holders and shares that are remembered: those before the
    /// version came that entered last. A version that leaves a stage for one without holders is
    /// remembered there with those beside it. The model is at its next revision after it. Times of one
    /// model never run backwards.
    ///
    /// - Returns: the model's revision, and how the stage is held.
    package func move(
        _ move: StageMove,
        of model: ModelRow,
        call: WriteCall
    ) throws -> (revision: UInt64, seat: StageSeat) {
        let (version, from, to) = (move.version.number, move.version.stage, move.to)
        let places = try requireStage(to, of: model)
        var call = call
        call.now = max(call.now, try lastMove(of: model))
        if from.hasHolder, from != to { try takeOut(version, of: from, for: to, model, call.now) }
        guard to.hasHolder else {
            try set(to, of: version, in: model)
            if to == .archived { try endShadows(version, in: model, call) }
            return try finish(move, before: .nobody, after: .nobody, of: model, call)
        }
        let seat = try seat(of: to, in: model)
        let before = try seat.split
        let after: StageSplit
        switch move.act {
        case .promote:
            after = try Self.promoted(move, before, places)
            if from != to, !before.isEmpty || seat.memory.versions.contains(version) {
                try remember(before, in: to, of: model)
            }
        case .rollback:
            after = move.target
            let earlier = try splitBefore(after.versions.first, entered: to, in: model)
            try remember(earlier == after ? .nobody : earlier, in: to, of: model)
        }
        try settle(after, instead: before, in: to, of: model, at: call.now)
        return try finish(move, before: before, after: after, of: model, call)
    }

    /// Who holds the stage after a promotion.
    private static func promoted(
        _ move: StageMove,
        _ before: StageSplit,
        _ places: Int
    ) throws(AlulaError) -> StageSplit {
        let version = move.version.number
        guard move.share == .all else { return try before.giving(move.share, to: version) }
        let others = before.versions.filter { $0 != version }
        let tooMany = max(0, others.count - (places - 1))
        return before.without(Set(others.reversed().prefix(tooMany))).givingAll(to: version)
    }

    /// Out of a stage that the version holds; the others share what it had.
    private func takeOut(
        _ version: UInt32,
        of stage: Stage,
        for target: Stage,
        _ model: ModelRow,
        _ now: Timestamp
    ) throws {
        let before = try seat(of: stage, in: model).split
        try leave(stage, version, of: model, at: now)
        try put(before.without([version]), instead: before, in: stage, of: model, at: now)
        if !target.hasHolder { try remember(before, in: stage, of: model) }
    }

    /// Lets versions leave, enter and have their shares; who leaves is archived.
    private func settle(
        _ after: StageSplit,
        instead before: StageSplit,
        in stage: Stage,
        of model: ModelRow,
        at now: Timestamp
    ) throws {
        for version in before.versions where !after.versions.contains(version) {
            try leave(stage, version, of: model, at: now)
            try set(.archived, of: version, in: model)
        }
        // Who came first enters first.
        for version in after.versions.reversed() where !before.versions.contains(version) {
            try set(stage, of: version, in: model)
            try enter(stage, version, of: model, at: now)
            try endShadow(version, of: stage, in: model, at: now)
        }
        try put(after, instead: before, in: stage, of: model, at: now)
    }

    private func finish(
        _ move: StageMove,
        before: StageSplit,
        after: StageSplit,
        of model: ModelRow,
        _ call: WriteCall
    ) throws -> (revision: UInt64, seat: StageSeat) {
        try raiseRevision(of: model)
        let gone = before.versions.filter { !after.versions.contains($0) }
        try record(move, displaced: gone.first, before, of: model, call)
        try tell(move, gone, after, model, call)
        return (model.revision + 1, try seat(of: move.to, in: model))
    }

    private func set(_ stage: Stage, of version: UInt32, in model: ModelRow) throws {
        try execute(
            "UPDATE model_version SET stage = ? WHERE model = ? AND number = ?",
            [stage.text, model.id, version]
        )
    }

    private func enter(
        _ stage: Stage,
        _ version: UInt32,
        of model: ModelRow,
        at time: Timestamp
    ) throws {
        try execute(
            "INSERT INTO stage_tenure (model, stage, version, since) VALUES (?, ?, ?, ?)",
            [model.id, stage.text, version, time.microseconds]
        )
    }

    private func leave(
        _ stage: Stage,
        _ version: UInt32,
        of model: ModelRow,
        at time: Timestamp
    ) throws {
        try execute(
            """
            UPDATE stage_tenure SET until = ?
            WHERE model = ? AND stage = ? AND version = ? AND until IS NULL
            """,
            [time.microseconds, model.id, stage.text, version]
        )
    }

    /// When a version of the model last moved.
    private func lastMove(of model: ModelRow) throws -> Timestamp {
        try row(
            "SELECT time FROM stage_transition WHERE model = ? ORDER BY number DESC LIMIT 1",
            [model.id]
        ).map { Timestamp(microseconds: $0["time"]) } ?? .distantPast
    }

    private func record(
        _ move: StageMove,
        displaced: UInt32?,
        _ before: StageSplit,
        of model: ModelRow,
        _ call: WriteCall
    ) throws {
        try execute(
            """
            INSERT INTO stage_transition (model, version, act, from_stage, to_stage, displaced,
                revision, time, actor, reason, gate, verdict, before, share)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                model.id, move.version.number, move.act.rawValue, move.version.stage.text,
                move.to.text, displaced, Int64(clamping: model.revision + 1),
                call.now.microseconds, call.actor, move.reason, move.verdict.gateVersion,
                try move.verdict.json, try before.json, move.share.hundredths,
            ]
        )
    }

    private func tell(
        _ move: StageMove,
        _ displaced: [UInt32],
        _ after: StageSplit,
        _ model: ModelRow,
        _ call: WriteCall
    ) throws {
        for version in displaced {
            try tell(.left, of: version, in: model, call, stage: move.to, other: .archived)
        }
        let (from, to) = (move.version.stage, move.to)
        if from.hasHolder, from != to {
            try tell(.left, of: move.version.number, in: model, call, stage: from, other: to)
        }
        try tell(
            move.act == .promote ? .promoted : .rolledBack,
            of: move.version.number,
            in: model,
            call,
            stage: to,
            other: from,
            detail: after.answering.count > 1 ? "now " + after.text : ""
        )
    }
}

extension GateVerdict {
    private struct StoredRule: Encodable {
        var rule: String
        var outcome: String
        var reason: String
    }

    /// A JSON list of the rules and what they said.
    package var json: String {
        get throws {
            try RegistryTables.json(
                rules.map {
                    StoredRule(rule: $0.rule, outcome: $0.outcome.rawValue, reason: $0.reason)
                }
            )
        }
    }
}
