import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Record a run from the shell.",
        subcommands: [Start.self, Log.self, End.self, Show.self]
    )
}

extension RunCommand {
    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Start a run and print its id.")
        @Option(help: "The experiment; made if new.") var experiment: String
        @Option(help: "A name for people.") var name = ""
        @Option(help: ArgumentHelp("A parameter.", valueName: "name=value")) var param: [String] =
            []
        @Option(help: ArgumentHelp("A tag.", valueName: "name=value")) var tag: [String] = []
        @Option(help: "The training set it learns from.") var trainingSet = ""
        @Option(help: "The revision of the code.") var codeRevision = ""
        @Option(help: ArgumentHelp("A fact of what it runs in.", valueName: "name=value"))
        var environment: [String] = []
        @Option(help: RunItems.help("What it reads")) var input: [String] = []
        @OptionGroup var options: ServerOptions

        func run() async throws {
            var request = WireStartRunRequest()
            request.experiment = experiment
            request.name = name
            request.params = try KeyValues.wire(param)
            request.tags = try KeyValues.wire(tag)
            request.trainingSet = trainingSet
            request.codeRevision = codeRevision
            request.environment = try KeyValues.wire(environment)
            request.inputs = try input.map(RunItems.wire)
            let run = try await options.client().startRun(request)
            if options.json { Output.json(RunText.json(run)) } else { Output.line(run.id) }
        }
    }

    struct Log: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add parameters, metrics and tags to a run."
        )
        @Argument(help: "The run's id.") var run: String
        @Option(help: ArgumentHelp("A parameter, written once.", valueName: "name=value"))
        var param: [String] = []
        @Option(help: ArgumentHelp("A point of a metric.", valueName: "name=number"))
        var metric: [String] = []
        @Option(help: "The step of the metrics.") var step: Int64 = 0
        @Option(help: ArgumentHelp("What the metrics were measured on.", valueName: "data set"))
        var on = ""
        @Option(help: ArgumentHelp("A tag.", valueName: "name=value")) var tag: [String] = []
        @Option(help: RunItems.help("What it read")) var input: [String] = []
        @Option(help: RunItems.help("What it made")) var output: [String] = []
        @Option(help: "A file or directory it made, which is uploaded.") var artifact: [String] = []
        @OptionGroup var options: ServerOptions

        func run() async throws {
            var request = WireLogRunRequest()
            request.run = run
            request.params = try KeyValues.wire(param)
            request.tags = try KeyValues.wire(tag)
            request.metrics = try metric.map(point)
            request.inputs = try input.map(RunItems.wire)
            request.outputs = try output.map(RunItems.wire)
            let client = try options.client()
            let upload = ArtifactUpload(client: client, progress: Progress(json: options.json))
            for path in artifact {
                let stored = try await upload.put(path)
                request.outputs.append(RunItems.artifact(stored))
            }
            try await client.logRun(request)
            if options.json { Output.json(.object([("run", .string(run))])) }
        }

        func validate() throws {
            guard ![param, metric, tag, input, output, artifact].allSatisfy(\.isEmpty) else {
                throw ValidationError(
                    "Name a --param, a --metric, a --tag, an --input, an --output or an --artifact."
                )
            }
        }

        private func point(_ word: String) throws -> WireMetric {
            let (name, value) = try KeyValues.pair(word)
            guard let number = Double(value) else {
                throw AlulaError.invalid("metric \(name) is not a number: expected \(name)=0.71")
            }
            var metric = WireMetric()
            metric.name = name
            metric.value = number
            metric.step = step
            metric.dataSet = on
            metric.timeUs = Timestamp.now.microseconds
            return metric
        }
    }

    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a run.")
        @Argument(help: "The run's id.") var run: String
        @Option(help: "finished or failed.") var status = RunStatus.finished
        @OptionGroup var options: ServerOptions

        func run() async throws {
            let ended = try await options.client().endRun(run, status: status.rawValue)
            RunText.show(ended, json: options.json)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show a run.")
        @Argument(help: "The run's id.") var run: String
        @Flag(help: "Every point of every metric, not only the last.") var history = false
        @OptionGroup var options: ServerOptions

        func run() async throws {
            RunText.show(
                try await options.client().run(run, everyPoint: history),
                json: options.json
            )
        }
    }

    enum RunStatus: String, ExpressibleByArgument, CaseIterable { case finished, failed }
}

struct Runs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the runs, newest first, or find some.",
        discussion: """
            alula runs --where 'metric.auc > 0.9 and tag.team = risk' --order 'metric.auc desc'; \
            docs/SEARCH.md describes the language.
            """
    )

    @Option(help: "Only those of this experiment.") var experiment = ""
    @OptionGroup var search: SearchOptions
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        let runs =
            search.isSearch
            ? try await client.searchRuns(
                where: search.where,
                order: search.order,
                experiment: experiment,
                limit: search.limit
            ) : try await client.runs(experiment: experiment, limit: search.limit)
        guard !options.json else { return Output.json(.array(runs.map(RunText.json))) }
        var table = TextTable(["run", "experiment", "status", "started", "metrics", "name"])
        for run in runs {
            table.add([
                run.id, run.experiment, run.status, Timestamp.text(run.startedUs),
                RunText.metrics(run.metrics), run.name,
            ])
        }
        Output.table(table)
    }
}
