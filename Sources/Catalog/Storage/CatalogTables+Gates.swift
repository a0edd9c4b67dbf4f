import Domain
import Foundation
import GRDB

extension CatalogTables {
    func put(_ versioned: VersionedGate, _ project: ProjectName) throws {
        let gate = versioned.gate
        try database.execute(
            sql: "INSERT INTO gate VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                project.text, gate.model.text, gate.to.text, versioned.version,
                try Self.json(gate.from.map(\.text)),
                try Self.json(gate.rules.map(StoredRule.init)),
                try Self.json(gate.rollback.map(StoredRule.init)), versioned.isRemoved,
            ]
        )
    }

    /// The greatest version of every gate, removed ones too.
    func loadGates() throws -> [ProjectName: [VersionedGate]] {
        try gates(
            """
            SELECT *, max(version) FROM gate GROUP BY project, model, stage
            ORDER BY project, model, stage
            """,
            []
        )
    }

    /// Every version of a model's gates, by stage and version.
    func gateHistory(
        _ project: ProjectName,
        _ model: RegisteredModelName
    ) throws -> [VersionedGate] {
        try gates(
            "SELECT * FROM gate WHERE project = ? AND model = ? ORDER BY stage, version",
            [project.text, model.text]
        )[project] ?? []
    }

    private func gates(
        _ sql: String,
        _ arguments: StatementArguments
    ) throws -> [ProjectName: [VersionedGate]] {
        var gates: [ProjectName: [VersionedGate]] = [:]
        for row in try Row.fetchAll(database, sql: sql, arguments: arguments) {
            let sources = try JSONDecoder().decode([String].self, from: row["sources"])
            let gate = Gate(
                model: try RegisteredModelName(row["model"], as: "model"),
                to: try Stage(text: row["stage"]),
                from: try sources.map { try Stage(text: $0) },
                rules: try Self.rules(row["rules"]),
                rollback: try Self.rules(row["rollback"])
            )
            gates[try ProjectName(row["project"], as: "project"), default: []].append(
                VersionedGate(gate: gate, version: row["version"], isRemoved: row["removed"])
            )
        }
        return gates
    }

    private static func rules(_ json: Data) throws -> [Gate.Rule] {
        try JSONDecoder().decode([StoredRule].self, from: json).map { try $0.rule() }
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    func put(_ stage: StageDefinition, _ project: ProjectName) throws {
        try database.execute(
            sql: """
                INSERT INTO model_stage VALUES (?, ?, ?, ?)
                ON CONFLICT (project, model, stage) DO UPDATE SET holders = excluded.holders
                """,
            arguments: [project.text, stage.model.text, stage.stage.text, stage.holders]
        )
    }

    func remove(_ stage: StageDefinition, _ project: ProjectName) throws {
        try database.execute(
            sql: "DELETE FROM model_stage WHERE project = ? AND model = ? AND stage = ?",
            arguments: [project.text, stage.model.text, stage.stage.text]
        )
    }

    func loadStages() throws -> [ProjectName: [StageDefinition]] {
        var stages: [ProjectName: [StageDefinition]] = [:]
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT * FROM model_stage ORDER BY project, model, stage"
        )
        for row in rows {
            stages[try ProjectName(row["project"], as: "project"), default: []].append(
                StageDefinition(
                    model: try RegisteredModelName(row["model"], as: "model"),
                    stage: try Stage(text: row["stage"]),
                    holders: row["holders"]
                )
            )
        }
        return stages
    }
}
