package import Domain
import Foundation
import GRDB

/// What runs read and made, and what they ran in.
extension RegistryTables {
    enum Direction: String {
        case input
        case output
    }

    /// What is there already is not added again.
    func add(_ items: [RunItem], as direction: Direction, to run: RunRow) throws {
        for item in items {
            try execute(
                "INSERT OR IGNORE INTO run_item VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    run.number, direction.rawValue, item.kind.rawValue, item.target, item.name,
                    Int64(clamping: item.bytes),
                    item.kind == .artifact ? Data(try ContentDigest(hex: item.target).bytes) : nil,
                ]
            )
        }
        guard !items.isEmpty else { return }
        let count = try row(
            "SELECT count(*) AS count FROM run_item WHERE run = ? AND direction = ?",
            [run.number, direction.rawValue]
        )
        guard (count?["count"] ?? 0) <= Limits.runItems else {
            throw AlulaError.refused("a run has at most \(Limits.runItems) \(direction.rawValue)s")
        }
    }

    /// Throws where a run has come to take more than one answer may.
    func checkBytes(of run: RunRow) throws {
        let parts = [
            "run_param": "key, value", "run_tag": "key, value", "run_environment": "key, value",
            "run_item": "target, name", "run_series": "name, data_set",
        ].map { table, columns in
            let lengths = columns.split(separator: ", ").map { "length(CAST(\($0) AS BLOB))" }
            // What goes around each entry of an answer.
            return """
                (SELECT ifnull(sum(32 + \(lengths.joined(separator: " + "))), 0)
                FROM \(table) WHERE run = :run)
                """
        }
        let sum = try row(
            "SELECT \(parts.sorted().joined(separator: " + ")) AS bytes",
            ["run": run.number]
        )
        guard (sum?["bytes"] ?? 0) <= Limits.runBytes else {
            throw AlulaError.refused(
                "the params, tags, metrics' names, inputs and outputs of a run have at most "
                    + "\(Limits.runBytes) bytes together",
                help: "log large values as an artifact"
            )
        }
    }

    func items(_ direction: Direction, of run: RunRow) throws -> [RunItem] {
        let parts = try runParts(run.number...run.number)[run.number] ?? RunParts()
        switch direction {
        case .input: return parts.inputs
        case .output: return parts.outputs
        }
    }

    func put(environment: [String: String], of run: RunRow) throws {
        for (key, value) in environment.sorted(by: { $0.key < $1.key }) {
            try execute("INSERT INTO run_environment VALUES (?, ?, ?)", [run.number, key, value])
        }
    }

    /// Throws where what an item names is not there.
    func require(_ item: RunItem, in project: ProjectName) throws {
        switch item.kind {
        // The store of artifacts is asked by whoever has it.
        case .artifact, .uri: return
        case .trainingSet:
            try requireTrainingSet(TrainingSetID(item.target, as: "training set"), in: project)
        case .version:
            let parts = item.target.split(separator: "@", omittingEmptySubsequences: false)
            guard parts.count == 2, let number = UInt32(parts[1]) else {
                throw AlulaError.invalid(
                    "a version is named as model@number, not \"\(item.target)\""
                )
            }
            let model = try requireModel(
                try RegisteredModelName(String(parts[0]), as: "model"),
                in: project
            )
            guard try versionExists(number, of: model) else {
                throw try noVersion(number, of: model)
            }
        case .view:
            let view = try row(
                "SELECT 1 FROM view WHERE project = ? AND name = ?",
                [project.text, item.target]
            )
            guard view != nil else {
                throw AlulaError.notFound(
                    "there is no view \"\(item.target)\" in project \(project)"
                )
            }
        }
    }
}

/// Heartbeats.
extension RegistryTables {
    /// Runs that send heartbeats and have not ended.
    func beatingRuns() throws -> [BeatingRun] {
        try rows(
            """
            SELECT id, project, started, heartbeat FROM run
            WHERE status = 'running' AND heartbeat > 0 ORDER BY number
            """,
            []
        ).map { row in
            BeatingRun(
                id: try RunID(row["id"], as: "run"),
                project: try ProjectName(row["project"], as: "project"),
                started: Timestamp(microseconds: row["started"]),
                heartbeat: .seconds(row["heartbeat"])
            )
        }
    }

    func setStatus(_ status: Run.Status, ended: Timestamp?, of run: RunRow) throws {
        try execute(
            "UPDATE run SET status = ?, ended = ? WHERE number = ?",
            [status.rawValue, ended?.microseconds, run.number]
        )
    }
}

/// A run from which heartbeats are expected.
package struct BeatingRun: Sendable, Hashable {
    package var id: RunID
    package var project: ProjectName
    package var started: Timestamp
    package var heartbeat: TimeSpan
}
