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
        return try write("start run", call: call) { tables in
            if let id = start.trainingSet {
                try tables.requireTrainingSet(id, in: call.project)
            }
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
                actor: call.actor
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

    /// Adds to a run: params are written once each, a metric is a series in which a point that is
    /// there already is not added again, a tag takes its last value.
    ///
    /// All or nothing.
    package func log(
        run id: RunID,
        params: [String: String] = [:],
        metrics: [Metric] = [],
        tags: [String: String] = [:],
        call: WriteCall,
        answer: () throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try Checks.entries(params, "param")
        try Checks.entries(tags, "tag")
        return try write("log run", call: call) { tables in
            let row = try tables.requireRun(id, in: call.project)
            let hasValues = !params.isEmpty || !metrics.isEmpty
            if row.status != .running, hasValues {
                throw AlulaError.refused(
                    "run \(id) has \(row.status.rawValue): it takes no more params and metrics",
                    help: "start a new run; tags are still taken"
                )
            }
            try tables.add(params: params, to: row)
            try tables.add(metrics: metrics, to: row)
            try tables.put(tags: tags, on: row)
            try tables.touch()
            return try answer()
        }
    }

    /// Ends a run as finished or failed; ending it again in the same way changes nothing.
    package func endRun(
        _ id: RunID,
        status: Run.Status,
        call: WriteCall,
        answer: (Run) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        guard status != .running else { throw .invalid("a run ends as finished or failed") }
        return try write("end run", call: call) { tables in
            var row = try tables.requireRun(id, in: call.project)
            if row.status == .running {
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
            Page(
                try tables.runs(
                    project,
                    experiment,
                    before: page.after ?? .max,
                    limit: page.limit + 1
                ).map { ($0.number, try tables.run($0, history: false)) },
                page
            )
        }
    }
}
