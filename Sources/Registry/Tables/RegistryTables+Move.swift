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
    package var reason: String
    package var verdict: GateVerdict

    package init(
        act: Act,
        version: ModelVersion,
        to: Stage,
        reason: String,
        verdict: GateVerdict
    ) {
        self.act = act
        self.version = version
        self.to = to
        self.reason = reason
        self.verdict = verdict
    }
}

extension RegistryTables {
    /// Moves a version.
    ///
    /// Where the stage is full, a promotion takes the place of the holder that came first, a
    /// rollback that of the one that came last; who gave way is archived and remembered. A version
    /// that leaves a stage for one without holders is remembered there itself. The model is at its
    /// next revision after it. Times of one model never run backwards.
    ///
    /// - Returns: the model's revision, and who is remembered in the stage.
    package func move(
        _ move: StageMove,
        of model: ModelRow,
        call: WriteCall
    ) throws -> (revision: UInt64, previous: UInt32?) {
        let version = move.version.number
        let (from, to) = (move.version.stage, move.to)
        let places = try requireStage(to, of: model)
        let seat = try seat(of: to, in: model)
        let displaced = to.hasHolder ? Self.displaced(from: seat, by: move, places) : []
        var call = call
        call.now = max(call.now, try lastMove(of: model))
        for version in displaced {
            try leave(to, version, of: model, at: call.now)
            try set(.archived, of: version, in: model)
        }
        try set(to, of: version, in: model)
        if from.hasHolder, from != to {
            try leave(from, version, of: model, at: call.now)
            if !to.hasHolder { try remember(version, in: from, of: model) }
        }
        var previous: UInt32?
        if to.hasHolder {
            previous =
                switch move.act {
                case .promote: displaced.last ?? seat.previous
                case .rollback: try displacedWhen(version, took: to, in: model)
                }
            if previous == version { previous = nil }
            try enter(to, version, of: model, at: call.now)
            try remember(previous, in: to, of: model)
        }
        try raiseRevision(of: model)
        try record(move, displaced: displaced.last, of: model, call)
        try tell(move, displaced, model, call)
        return (model.revision + 1, previous)
    }

    /// Who gives way, the one to remember last.
    private static func displaced(
        from seat: StageSeat,
        by move: StageMove,
        _ places: Int
    ) -> [UInt32] {
        let others = seat.holders.map(\.version).filter { $0 != move.version.number }
        let tooMany = max(0, others.count - (places - 1))
        return switch move.act {
        case .promote: others.reversed().prefix(tooMany).map(\.self)
        case .rollback: others.prefix(tooMany).reversed()
        }
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

    private func remember(_ version: UInt32?, in stage: Stage, of model: ModelRow) throws {
        try execute(
            """
            INSERT INTO stage_memory VALUES (?, ?, ?)
            ON CONFLICT (model, stage) DO UPDATE SET previous = excluded.previous
            """,
            [model.id, stage.text, version]
        )
    }

    /// When a version of the model last moved.
    private func lastMove(of model: ModelRow) throws -> Timestamp {
        try row(
            "SELECT time FROM stage_transition WHERE model = ? ORDER BY number DESC LIMIT 1",
            [model.id]
        ).map { Timestamp(microseconds: $0["time"]) } ?? .distantPast
    }

    /// Whom a version displaced when it was last promoted: where a second rollback leads.
    private func displacedWhen(
        _ version: UInt32,
        took stage: Stage,
        in model: ModelRow
    ) throws -> UInt32? {
        try row(
            """
            SELECT displaced FROM stage_transition
            WHERE model = ? AND to_stage = ? AND version = ? AND act = 'promote'
            ORDER BY number DESC LIMIT 1
            """,
            [model.id, stage.text, version]
        )?["displaced"]
    }

    private func record(
        _ move: StageMove,
        displaced: UInt32?,
        of model: ModelRow,
        _ call: WriteCall
    ) throws {
        try execute(
            """
            INSERT INTO stage_transition (model, version, act, from_stage, to_stage, displaced,
                revision, time, actor, reason, gate, verdict)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                model.id, move.version.number, move.act.rawValue, move.version.stage.text,
                move.to.text, displaced, Int64(clamping: model.revision + 1),
                call.now.microseconds, call.actor, move.reason, move.verdict.gateVersion,
                try move.verdict.json,
            ]
        )
    }

    private func tell(
        _ move: StageMove,
        _ displaced: [UInt32],
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
            other: from
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
