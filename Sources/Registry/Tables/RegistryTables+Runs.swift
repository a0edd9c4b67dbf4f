package import Domain
import GRDB

/// The row of a run.
struct RunRow {
    var number: Int64
    var status: Run.Status
    var row: Row
}

extension RegistryTables {
    func insert(_ run: Run) throws {
        try execute(
            """
            INSERT INTO run (id, project, experiment, name, status, started, training_set,
                code_revision, actor, heartbeat)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                run.id.text, run.project.text, run.experiment.text, run.name, run.status.rawValue,
                run.started.microseconds, run.trainingSet?.text, run.codeRevision, run.actor,
                run.heartbeat.microseconds / 1_000_000,
            ]
        )
        let row = try requireRun(run.id, in: run.project)
        try add(params: run.params, to: row)
        try put(tags: run.tags, on: row)
        try put(environment: run.environment, of: row)
        try add(run.inputs, as: .input, to: row)
    }

    func requireRun(_ id: RunID, in project: ProjectName) throws -> RunRow {
        let row = try row(
            "SELECT * FROM run WHERE id = ? AND project = ?",
            [id.text, project.text]
        )
        if let row, let deleted: Int64 = row["deleted"] {
            throw AlulaError.notFound(
                "run \(id) was deleted at \(Timestamp(microseconds: deleted))"
            )
        }
        guard let row else {
            throw AlulaError.notFound(
                "there is no run \(id) in project \(project)",
                help: "list them: alula runs"
            )
        }
        return try Self.runRow(row)
    }

    /// The run with the last point of each metric.
    package func run(_ id: RunID, in project: ProjectName) throws -> Run {
        try run(try requireRun(id, in: project), history: false)
    }

    /// The newest first, from before this number on.
    func runs(
        _ project: ProjectName,
        _ experiment: ExperimentName?,
        before number: Int64,
        limit: Int
    ) throws -> [RunRow] {
        let filter = experiment == nil ? "" : "AND experiment = :experiment"
        var arguments: StatementArguments = [
            "project": project.text, "before": number, "limit": limit,
        ]
        if let experiment { arguments += ["experiment": experiment.text] }
        return try rows(
            """
            SELECT * FROM run
            WHERE project = :project AND number < :before AND deleted IS NULL \(filter)
            ORDER BY number DESC LIMIT :limit
            """,
            arguments
        ).map(Self.runRow)
    }

    static func runRow(_ row: Row) throws -> RunRow {
        guard let status = Run.Status(rawValue: row["status"]) else {
            throw AlulaError.corrupt("a run has an unknown status")
        }
        return RunRow(number: row["number"], status: status, row: row)
    }

    func run(_ found: RunRow, history: Bool) throws -> Run {
        var run = try runs([found])[0]
        if history { run.metrics = try self.history(of: found) }
        return run
    }

    /// Each with the last point of each metric; as many at once as are asked for, in their order.
    func runs(_ found: [RunRow]) throws -> [Run] {
        let numbers = found.map(\.number)
        guard let least = numbers.min(), let greatest = numbers.max() else { return [] }
        // What is between them and not asked for is read in vain, which pays where they lie close.
        if found.count > 1, greatest - least > 4 * Int64(found.count) {
            return try found.map { try runs([$0])[0] }
        }
        let parts = try runParts(least...greatest)
        return try found.map { try Self.run($0, parts[$0.number] ?? RunParts()) }
    }

    private static func run(_ found: RunRow, _ parts: RunParts) throws -> Run {
        let row = found.row
        let ended: Int64? = row["ended"]
        let trainingSet: String? = row["training_set"]
        return Run(
            id: try RunID(row["id"], as: "run"),
            project: try ProjectName(row["project"], as: "project"),
            experiment: try ExperimentName(row["experiment"], as: "experiment"),
            name: row["name"],
            status: found.status,
            started: Timestamp(microseconds: row["started"]),
            ended: ended.map(Timestamp.init(microseconds:)),
            params: parts.params,
            metrics: parts.metrics,
            tags: parts.tags,
            trainingSet: try trainingSet.map { try TrainingSetID($0, as: "training set") },
            codeRevision: row["code_revision"],
            actor: row["actor"],
            environment: parts.environment,
            heartbeat: .seconds(row["heartbeat"]),
            inputs: parts.inputs,
            outputs: parts.outputs
        )
    }

    func pairs(_ sql: String, _ arguments: StatementArguments) throws -> [String: String] {
        Dictionary(
            try rows(sql, arguments).map { ($0["key"] as String, $0["value"] as String) },
            uniquingKeysWith: { _, last in last }
        )
    }
}

extension RegistryTables {
    /// Refuses a param that has another value already; the same value again changes nothing.
    func add(params: [String: String], to run: RunRow) throws {
        guard !params.isEmpty else { return }
        let known = try pairs("SELECT key, value FROM run_param WHERE run = ?", [run.number])
        let clashing = params.filter { known[$0.key] != nil && known[$0.key] != $0.value }
        guard clashing.isEmpty else {
            throw AlulaError.refused(
                "a param is written once, and these have another value already: "
                    + clashing.keys.sorted().joined(separator: ", "),
                help: "log what changes as a metric or a tag"
            )
        }
        let fresh = params.filter { known[$0.key] == nil }
        guard known.count + fresh.count <= Limits.runEntries else {
            throw AlulaError.refused("a run has at most \(Limits.runEntries) params")
        }
        for (key, value) in fresh.sorted(by: { $0.key < $1.key }) {
            try execute("INSERT INTO run_param VALUES (?, ?, ?)", [run.number, key, value])
        }
    }

    func put(tags: [String: String], on run: RunRow) throws {
        for (key, value) in tags.sorted(by: { $0.key < $1.key }) {
            try execute(
                """
                INSERT INTO run_tag VALUES (?, ?, ?)
                ON CONFLICT (run, key) DO UPDATE SET value = excluded.value
                """,
                [run.number, key, value]
            )
        }
    }

    /// The run as ended.
    func end(_ run: inout RunRow, as status: Run.Status, at time: Timestamp) throws {
        try setStatus(status, ended: time, of: run)
        guard let row = try row("SELECT * FROM run WHERE number = ?", [run.number]) else { return }
        run = try Self.runRow(row)
    }
}
