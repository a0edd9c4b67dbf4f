package import Domain
import Foundation
import GRDB

/// A rollout, as it is kept.
package struct RolloutRecord: Sendable, Hashable {
    package var number: UInt64
    package var project: ProjectName
    package var model: RegisteredModelName
    package var version: UInt32
    package var stage: Stage
    package var plan: RolloutPlanName
    package var planVersion: UInt32
    /// The plan as it was at the start, as the catalog keeps it.
    package var definition: String
    package var state: RolloutState
    /// From 0.
    package var step: Int
    /// When the step, or the end, came.
    package var since: Timestamp
    package var started: Timestamp
    package var ended: Timestamp?
    package var actor: String
    package var isVerified: Bool
    /// Who held the stage before it.
    package var before: StageSplit
    /// What it waits for, or why it ended.
    package var reason: String
    package var evaluated: Timestamp?
    /// Of the last look at its rules.
    package var figures: [RolloutFigure]

    package init(
        project: ProjectName,
        model: RegisteredModelName,
        version: UInt32,
        stage: Stage,
        plan: VersionedRolloutPlan,
        definition: String,
        before: StageSplit,
        call: WriteCall
    ) {
        number = 0
        self.project = project
        self.model = model
        self.version = version
        self.stage = stage
        self.plan = plan.plan.name
        planVersion = plan.version
        self.definition = definition
        state = .running
        step = 0
        since = call.now
        started = call.now
        actor = call.actor
        isVerified = call.isVerified
        self.before = before
        reason = ""
        figures = []
    }

    fileprivate init(_ row: Row) throws {
        guard let state = RolloutState(rawValue: row["state"]) else {
            throw AlulaError.corrupt("a rollout has an unknown state")
        }
        let (ended, evaluated): (Int64?, Int64?) = (row["ended"], row["evaluated"])
        let figures: String = row["figures"]
        number = UInt64(clamping: row["number"] as Int64)
        project = try ProjectName(row["project"], as: "project")
        model = try RegisteredModelName(row["name"], as: "model")
        version = row["version"]
        stage = try Stage(text: row["stage"])
        plan = try RolloutPlanName(row["plan"], as: "rollout")
        planVersion = row["plan_version"]
        definition = row["definition"]
        self.state = state
        step = row["step"]
        since = Timestamp(microseconds: row["since"])
        started = Timestamp(microseconds: row["started"])
        self.ended = ended.map(Timestamp.init(microseconds:))
        actor = row["actor"]
        isVerified = row["verified"]
        before = try RegistryTables.split(json: row["before"])
        reason = row["reason"]
        self.evaluated = evaluated.map(Timestamp.init(microseconds:))
        self.figures = try JSONDecoder().decode([RolloutFigure].self, from: Data(figures.utf8))
    }
}

extension RegistryStore {
    /// The newest first; of one model, or of all of the project.
    package func rollouts(
        of name: RegisteredModelName?,
        project: ProjectName,
        limit: Int
    ) throws(AlulaError) -> [RolloutRecord] {
        try read { tables in
            try tables.rollouts(
                "project = ? AND (? IS NULL OR model.name = ?) ORDER BY number DESC LIMIT ?",
                [project.text, name?.text, name?.text, limit]
            )
        }
    }

    /// Those of all projects that run.
    package func runningRollouts() throws(AlulaError) -> [RolloutRecord] {
        try read { try $0.rollouts("state = 'running' ORDER BY number", []) }
    }

    /// The newest of each model, of so many models at most.
    package func newestRollouts(_ most: Int) throws(AlulaError) -> [RolloutRecord] {
        try read { tables in
            try tables.rollouts(
                """
                number IN (SELECT max(number) FROM rollout GROUP BY model)
                ORDER BY number DESC LIMIT ?
                """,
                [most]
            )
        }
    }

    /// Notes what a look at the rules of a rollout found, if it still stands where it was looked at.
    package func note(_ record: RolloutRecord) throws(AlulaError) {
        try act { tables in
            guard let now = try tables.rollout(record.number), now.state == .running,
                now.step == record.step
            else { return }
            try tables.update(record)
        }
    }
}

extension RegistryTables {
    fileprivate func rollouts(
        _ condition: String,
        _ arguments: StatementArguments
    ) throws -> [RolloutRecord] {
        try rows(
            """
            SELECT rollout.*, model.project AS project, model.name AS name
            FROM rollout JOIN model ON model.id = rollout.model WHERE \(condition)
            """,
            arguments
        ).map(RolloutRecord.init)
    }

    package func rollout(_ number: UInt64) throws -> RolloutRecord? {
        try rollouts("number = ?", [Int64(clamping: number)]).first
    }

    /// The one of a model that runs.
    package func runningRollout(of model: ModelRow) throws -> RolloutRecord? {
        try rollouts("model.id = ? AND state = 'running'", [model.id]).first
    }

    /// Keeps a new one, which gets its number.
    package func insert(_ record: inout RolloutRecord, of model: ModelRow) throws {
        try execute(
            """
            INSERT INTO rollout (model, version, stage, plan, plan_version, definition, state, step,
                since, started, actor, verified, before, reason, figures)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                model.id, record.version, record.stage.text, record.plan.text, record.planVersion,
                record.definition, record.state.rawValue, record.step, record.since.microseconds,
                record.started.microseconds, record.actor, record.isVerified,
                try record.before.json ?? "", record.reason, "[]",
            ]
        )
        record.number = UInt64(clamping: database.lastInsertedRowID)
    }

    package func update(_ record: RolloutRecord) throws {
        try execute(
            """
            UPDATE rollout SET state = ?, step = ?, since = ?, ended = ?, reason = ?, evaluated = ?,
                figures = ? WHERE number = ?
            """,
            [
                record.state.rawValue, record.step, record.since.microseconds,
                record.ended?.microseconds, record.reason, record.evaluated?.microseconds,
                try Self.json(record.figures), Int64(clamping: record.number),
            ]
        )
    }

    /// Tells of a step, or of the end.
    package func tell(
        _ kind: RegistryEvent.Kind,
        of record: RolloutRecord,
        in model: ModelRow,
        _ detail: String,
        _ call: WriteCall
    ) throws {
        try tell(
            kind,
            of: record.version,
            in: model,
            call,
            stage: record.stage,
            subject: record.plan.text,
            detail: String(detail.prefix(2_048))
        )
    }
}
