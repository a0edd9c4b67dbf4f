package import Domain

extension RegistryStore {
    /// Starts a run; its experiment is made if it is new, its training set must exist in the
    /// project.
    package func startRun(
        _ start: RunStart,
        call: WriteCall,
        answer: (Run) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try Checks.text(start.name, "the run's name")
        try Checks.text(start.codeRevision, "the code revision")
        try Checks.entries(start.params, "param")
        try Checks.entries(start.tags, "tag")
        try Checks.entries(start.environment, "fact of the environment")
        guard start.heartbeat >= .seconds(0), start.heartbeat <= Limits.longestHeartbeat else {
            throw .invalid("heartbeats come at least every \(Limits.longestHeartbeat)")
        }
        return try write("start run", call: call) { tables in
            if let id = start.trainingSet {
                try tables.requireTrainingSet(id, in: call.project)
            }
            let inputs = try start.inputs.map { try present($0, tables, call.project) }
            let run = Run(
                id: .random(prefix: "run"),
                project: call.project,
                experiment: start.experiment,
                name: start.name,
                status: .running,
                started: call.now,
                params: start.params,
                tags: start.tags,
                trainingSet: start.trainingSet,
                codeRevision: start.codeRevision,
                actor: call.actor,
                environment: start.environment,
                heartbeat: start.heartbeat,
                inputs: inputs
            )
            try tables.insert(run)
            try tables.audit(
                "start run",
                "run:\(run.id)",
                [
                    "project": call.project.text, "experiment": start.experiment.text,
                    "training_set": start.trainingSet?.text ?? "",
                ],
                call
            )
            return try answer(run)
        }
    }

    /// Adds to a run; one that was taken for lost runs again.
    ///
    /// All or nothing.
    package func log(
        run id: RunID,
        _ addition: RunAddition,
        call: WriteCall,
        answer: () throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try Checks.entries(addition.params, "param")
        try Checks.entries(addition.tags, "tag")
        for metric in addition.metrics { try Checks.text(metric.dataSet, "a metric's data set") }
        return try write("log run", call: call) { tables in
            let row = try tables.requireRun(id, in: call.project)
            try revive(row, id, tables, call)
            if row.status.isOver, !addition.isTagsOnly {
                throw AlulaError.refused(
                    "run \(id) has \(row.status.rawValue): it takes no more params and metrics",
                    help: "start a new run; tags are still taken"
                )
            }
            try tables.add(params: addition.params, to: row)
            let hasNew = try tables.add(metrics: addition.metrics, to: row)
            try tables.put(tags: addition.tags, on: row)
            let inputs = try addition.inputs.map { try present($0, tables, call.project) }
            let outputs = try addition.outputs.map { try present($0, tables, call.project) }
            try tables.add(inputs, as: .input, to: row)
            try tables.add(outputs, as: .output, to: row)
            if hasNew || !addition.isMetricsOnly { try tables.checkBytes(of: row) }
            try tables.touch()
            return try answer()
        }
    }

    /// The item with its size, where what it names is there.
    private func present(
        _ item: RunItem,
        _ tables: RegistryTables,
        _ project: ProjectName
    ) throws -> RunItem {
        try Checks.text(item.name, "the name of an input or output")
        try Checks.text(item.target, "an input or output")
        guard !item.target.isEmpty else {
            throw AlulaError.invalid("an input or output names nothing: give its target")
        }
        guard item.kind == .artifact else {
            try tables.require(item, in: project)
            return item
        }
        let digest = try ContentDigest(hex: item.target)
        guard let bytes = try artifacts.hold(digest) else {
            throw AlulaError.refused(
                "artifact \(digest) is not in the store",
                help: "upload it first"
            )
        }
        try keepDirectory(digest, tables)
        return RunItem(kind: .artifact, target: digest.description, name: item.name, bytes: bytes)
    }

    /// A lost run that is heard of runs again.
    private func revive(
        _ row: RunRow,
        _ id: RunID,
        _ tables: RegistryTables,
        _ call: WriteCall
    ) throws {
        guard row.status == .lost else { return }
        try tables.setStatus(.running, ended: nil, of: row)
        try tables.audit("revive run", "run:\(id)", ["project": call.project.text], call)
    }

    /// Ends a run as finished or failed; ending it again in the same way changes nothing.
    package func endRun(
        _ id: RunID,
        status: Run.Status,
        call: WriteCall,
        answer: (Run) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        guard status == .finished || status == .failed else {
            throw .invalid("a run ends as finished or failed")
        }
        return try write("end run", call: call) { tables in
            var row = try tables.requireRun(id, in: call.project)
            if !row.status.isOver {
                try tables.end(&row, as: status, at: call.now)
                try tables.audit(
                    "end run",
                    "run:\(id)",
                    ["project": call.project.text, "status": status.rawValue],
                    call
                )
            } else if row.status != status {
                throw AlulaError.refused("run \(id) has \(row.status.rawValue) already")
            }
            return try answer(try tables.run(row, history: false))
        }
    }

    /// A run with the last point of each metric, or with every point in their order.
    package func run(
        _ id: RunID,
        project: ProjectName,
        history: Bool = false
    ) throws(AlulaError) -> Run {
        try read { try $0.run(try $0.requireRun(id, in: project), history: history) }
    }

    /// The newest runs first.
    package func runs(
        project: ProjectName,
        experiment: ExperimentName? = nil,
        _ page: PageRequest
    ) throws(AlulaError) -> Page<Run> {
        try read { tables in
            let found = try tables.runs(
                project,
                experiment,
                before: page.after ?? .max,
                limit: page.limit + 1
            )
            return Page(
                zip(found, try tables.runs(found)).map { (number: $0.number, item: $1) },
                page
            )
        }
    }
}

/// Heartbeats: whoever starts a run may promise them, and is taken for lost when they stop.
extension RegistryStore {
    /// Runs that promised heartbeats and have not ended.
    package func beatingRuns() throws(AlulaError) -> [BeatingRun] {
        try read { try $0.beatingRuns() }
    }

    /// Says that a run is alive, where it was taken for lost; true where it was.
    package func reviveRun(_ id: RunID, call: WriteCall) throws(AlulaError) -> Bool {
        let status = try read { try $0.requireRun(id, in: call.project).status }
        guard status == .lost else { return false }
        try act { tables in
            try revive(try tables.requireRun(id, in: call.project), id, tables, call)
        }
        return true
    }

    /// Marks a run as lost since a moment; one that has ended meanwhile stays as it is.
    package func loseRun(
        _ id: RunID,
        lastHeard: Timestamp,
        call: WriteCall
    ) throws(AlulaError) {
        try act { tables in
            let row = try tables.requireRun(id, in: call.project)
            guard row.status == .running else { return }
            try tables.setStatus(.lost, ended: lastHeard, of: row)
            try tables.audit("lose run", "run:\(id)", ["project": call.project.text], call)
        }
    }
}

extension Run.Status {
    /// Whether the run has ended for good.
    var isOver: Bool {
        switch self {
        case .finished, .failed: true
        case .running, .lost: false
        }
    }
}
