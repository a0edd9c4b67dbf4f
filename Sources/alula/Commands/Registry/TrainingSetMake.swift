import ArgumentParser
import Client
import Domain
import Tabular
import Wire

extension TrainingSet {
    struct Make: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a training set and write it to a file.",
            discussion: """
                The spine is CSV or NDJSON. Keys, event time and request fields have the service's types; \
                those of other columns are found over the whole file.
                """
        )

        @Argument(help: "The service, such as credit or credit@2.") var service: String
        @Option(help: "The rows to be labelled.") var spine: String
        @Option(help: "Where the training set goes; - for standard output.") var out: String?
        @Option(help: ArgumentHelp("The column with event times.", valueName: "column"))
        var eventTime: String?
        @Option(help: ArgumentHelp("The column with the label.", valueName: "column"))
        var label: String?
        @Option(help: TimeUnit.help) var timeUnit: TimeUnit?
        @Option(help: "See no row later than this: a log entry, a time, or a training set's id.")
        var asOf: String?
        @Flag(help: "See only what had been created by each row's event time.") var asKnown = false
        @Flag(help: "With --as-known: keep rows imported without a created time.")
        var keepUnknown = false
        @Option(help: "csv or ndjson of the output; else what the file's name says.")
        var format: TabularFormat?
        @Option(
            help: ArgumentHelp(
                "Only say, for this row of the spine, which row of each view wins and why.",
                valueName: "row"
            )
        )
        var explain: UInt64?
        @OptionGroup var options: ServerOptions

        func validate() throws {
            guard (out == nil) != (explain == nil) else {
                throw ValidationError(
                    "say where the training set goes with --out FILE, or which row to explain with "
                        + "--explain ROW"
                )
            }
        }

        func run() async throws {
            let client = try options.client()
            let catalog = try await client.catalog()
            let definition = try catalog.service(try FeatureServiceReference(text: service))
            let spine = try SpineFile(
                path: spine,
                service: definition,
                eventTime: eventTime,
                timeUnit: timeUnit,
                catalog: catalog
            )
            guard let out else { return try await explain(spine, client) }
            let output = try BatchFile(out, format: format)
            let progress = Progress(json: options.json)
            let set = try await client.makeTrainingSet(
                try request(spine),
                spine: { try await spine.send($0, progress) }
            ) { batch in
                try output.write(batch)
                progress.show(
                    "receiving",
                    done: output.rows,
                    total: 0,
                    note: counted(output.rows, "row"),
                    counting: .rows
                )
            }
            try output.finish(try Schema(wire: set.schema))
            progress.finish()
            if out != "-" { TrainingSetText.show(set, json: options.json) }
        }

        private func request(_ spine: SpineFile) throws -> WireMakeTrainingSetRequest {
            var request = WireMakeTrainingSetRequest()
            request.service = service
            request.schema = WireSchema(spine.schema)
            request.eventTime = spine.eventTime
            if let label {
                guard spine.schema.index(of: label) != nil else {
                    throw AlulaError.invalid(
                        "\(spine.path) has no column \"\(label)\" for the label"
                    )
                }
                request.label = label
            }
            if let asOf { request.asOf = try WireAsOf(text: asOf) }
            request.asKnown = asKnown
            request.keepUnknown = keepUnknown
            request.spineName = spine.name
            return request
        }

        /// Prints the candidates of each view for one row, and makes nothing.
        private func explain(_ spine: SpineFile, _ client: AlulaClient) async throws {
            let number = explain ?? 0
            let row = try spine.row(number)
            var request = WireExplainRequest()
            request.service = service
            request.eventTime = spine.eventTime
            if let asOf { request.asOf = try WireAsOf(text: asOf) }
            request.asKnown = asKnown
            let text = ExplainText(json: options.json)
            if !options.json {
                Output.line("row \(number) of \(spine.name)")
                Output.table(TextTable(row))
            }
            let answer = try await client.explain(request, row: row) { text.add($0, $1) }
            text.finish(answer, row: row)
        }
    }
}
