import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct TrainingSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "training-set",
        abstract: "Join a spine with the features of a service, as they were at each row's time.",
        subcommands: [Make.self, List.self, Show.self, Get.self]
    )
}

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
        @Option(help: "Where the training set goes; - for standard output.") var out: String
        @Option(help: ArgumentHelp("The column with event times.", valueName: "column"))
        var eventTime: String?
        @Option(help: ArgumentHelp("The column with the label.", valueName: "column"))
        var label: String?
        @Option(help: "See no row later than this: a log entry, a time, or a training set's id.")
        var asOf: String?
        @Flag(help: "See only what had been created by each row's event time.") var asKnown = false
        @Flag(help: "With --as-known: keep rows imported without a created time.")
        var keepUnknown = false
        @Option(help: "csv or ndjson of the output; else what the file's name says.")
        var format: TabularFormat?
        @OptionGroup var options: ServerOptions

        func run() async throws {
            let client = try options.client()
            let catalog = try await client.catalog()
            let definition = try catalog.service(try FeatureServiceReference(text: service))
            let spine = try SpineFile(
                path: spine,
                service: definition,
                eventTime: eventTime,
                catalog: catalog
            )
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
                    note: counted(output.rows, "row")
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
            if let asOf { request.asOf = try Self.asOf(asOf) }
            request.asKnown = asKnown
            request.keepUnknown = keepUnknown
            request.spineName = spine.name
            return request
        }

        private static func asOf(_ text: String) throws -> WireAsOf {
            var point = WireAsOf()
            if let entry = UInt64(text) {
                point.logEntry = entry
            } else if text.hasPrefix("ts-") {
                point.trainingSet = text
            } else if let moment = Timestamp(text: text, rounding: .down) {
                point.timeUs = moment.microseconds
            } else {
                throw AlulaError.invalid(
                    "--as-of \(text): expected a log entry, a time such as 2020-08-25T20:34:41Z, or the "
                        + "id of a training set"
                )
            }
            return point
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the training sets.")
        @OptionGroup var options: ServerOptions

        func run() async throws {
            let sets = try await options.client().trainingSets()
            guard !options.json else {
                return Output.json(.array(sets.map(TrainingSetText.json)))
            }
            var table = TextTable([
                ("training set", .left), ("service", .left), ("rows", .right),
                ("log entry", .right),
                ("made", .left), ("spine", .left), ("digest", .left),
            ])
            for set in sets {
                table.add([
                    set.id, set.service, String(set.rows), String(set.logEntry),
                    Timestamp.text(set.madeUs), set.spineName, String(set.digest.prefix(12)),
                ])
            }
            Output.table(table)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show what is kept of one.")
        @Argument(help: "The training set's id.") var id: String
        @OptionGroup var options: ServerOptions

        func run() async throws {
            TrainingSetText.show(
                try await options.client().trainingSetRecord(id),
                json: options.json
            )
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make one again, the same in every row, and write it to a file."
        )
        @Argument(help: "The training set's id.") var id: String
        @Option(help: "Where it goes; - for standard output.") var out: String
        @Option(help: "csv or ndjson; else what the file's name says.") var format: TabularFormat?
        @OptionGroup var options: ServerOptions

        func run() async throws {
            let client = try options.client()
            let output = try BatchFile(out, format: format)
            let progress = Progress(json: options.json)
            let set = try await client.trainingSet(id) { batch in
                try output.write(batch)
                progress.show(
                    "receiving",
                    done: output.rows,
                    total: 0,
                    note: counted(output.rows, "row")
                )
            }
            try output.finish(try Schema(wire: set.schema))
            progress.finish()
            if out != "-" { TrainingSetText.show(set, json: options.json) }
        }
    }
}
