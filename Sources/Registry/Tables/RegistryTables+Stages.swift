package import Domain
import GRDB

/// A stage that takes one version: who is in it, since when, and to whom a rollback returns.
package struct StageSeat: Sendable, Hashable {
    package var version: UInt32?
    package var since: Timestamp
    package var previous: UInt32?
}

/// A version that must go on working, and the service version it reads.
package struct LiveVersion: Sendable, Hashable {
    /// Such as `credit version 3 (production)`.
    package var title: String
    package var service: FeatureServiceReference
}

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
    /// Nil where no version was ever in the stage.
    package func holder(of stage: Stage, in model: ModelRow) throws -> StageSeat? {
        try row(
            "SELECT version, since, previous FROM stage_holder WHERE model = ? AND stage = ?",
            [model.id, stage.rawValue]
        ).map {
            StageSeat(
                version: $0["version"],
                since: Timestamp(microseconds: $0["since"]),
                previous: $0["previous"]
            )
        }
    }

    /// Moves a version.
    ///
    /// Whoever held the stage is archived and remembered; a version that leaves a stage downwards
    /// is remembered there itself. The model is at its next revision after it.
    ///
    /// - Returns: the model's revision, and who is remembered in the stage.
    package func move(
        _ move: StageMove,
        of model: ModelRow,
        call: WriteCall
    ) throws -> (revision: UInt64, previous: UInt32?) {
        let version = move.version.number
        let seat = try holder(of: move.to, in: model)
        let displaced = seat?.version == version ? nil : seat?.version
        let from = move.version.stage
        if let displaced { try set(.archived, of: displaced, in: model) }
        try set(move.to, of: version, in: model)
        if from.hasHolder, from != move.to {
            let left = try holder(of: from, in: model)
            try take(
                nil,
                previous: move.to.hasHolder ? left?.previous : version,
                in: from,
                of: model,
                at: call.now
            )
        }
        var previous: UInt32?
        if move.to.hasHolder {
            previous =
                switch move.act {
                case .promote: displaced ?? seat?.previous
                case .rollback: try displacedWhen(version, took: move.to, in: model)
                }
            if previous == version { previous = nil }
            try take(version, previous: previous, in: move.to, of: model, at: call.now)
        }
        try raiseRevision(of: model)
        try record(move, displaced: displaced, of: model, call)
        return (model.revision + 1, previous)
    }

    private func set(_ stage: Stage, of version: UInt32, in model: ModelRow) throws {
        try execute(
            "UPDATE model_version SET stage = ? WHERE model = ? AND number = ?",
            [stage.rawValue, model.id, version]
        )
    }

    private func take(
        _ version: UInt32?,
        previous: UInt32?,
        in stage: Stage,
        of model: ModelRow,
        at time: Timestamp
    ) throws {
        try execute(
            """
            INSERT INTO stage_holder VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (model, stage) DO UPDATE SET version = excluded.version,
                since = excluded.since, previous = excluded.previous
            """,
            [model.id, stage.rawValue, version, time.microseconds, previous]
        )
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
            [model.id, stage.rawValue, version]
        )?["displaced"]
    }

    private struct StoredRule: Encodable {
        var rule: String
        var outcome: String
        var reason: String
    }

    private func record(
        _ move: StageMove,
        displaced: UInt32?,
        of model: ModelRow,
        _ call: WriteCall
    ) throws {
        let verdict = move.verdict.rules.map {
            StoredRule(rule: $0.rule, outcome: $0.outcome.rawValue, reason: $0.reason)
        }
        try execute(
            """
            INSERT INTO stage_transition (model, version, act, from_stage, to_stage, displaced,
                revision, time, actor, reason, verdict)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                model.id, move.version.number, move.act.rawValue, move.version.stage.rawValue,
                move.to.rawValue, displaced, Int64(clamping: model.revision + 1),
                call.now.microseconds, call.actor, move.reason, try Self.json(verdict),
            ]
        )
    }

    /// Every version in a stage, and every remembered one, with the service version it reads.
    package func liveVersions(_ project: ProjectName) throws -> [LiveVersion] {
        try rows(
            """
            SELECT model.name, seat.stage, number, number = seat.version AS holds,
                service, service_version
            FROM stage_holder AS seat JOIN model ON model.id = seat.model
            JOIN model_version AS version
                ON version.model = seat.model AND number IN (seat.version, seat.previous)
            WHERE project = ? AND service IS NOT NULL ORDER BY model.name, seat.stage, number
            """,
            [project.text]
        ).map { row in
            let (name, stage): (String, String) = (row["name"], row["stage"])
            let holds: Bool = row["holds"] ?? false
            return LiveVersion(
                title: "\(name) version \(row["number"] as UInt32) "
                    + (holds ? "(\(stage))" : "(to which \(stage) can roll back)"),
                service: FeatureServiceReference(
                    name: try FeatureServiceName(row["service"], as: "service"),
                    version: row["service_version"]
                )
            )
        }
    }
}
