import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct TrainingSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "training-set",
        abstract: "Join a spine with the features of a service, as they were at each row's time.",
        subcommands: [Make.self, List.self, Show.self, ProfileCommand.self, Get.self]
    )
}

extension TrainingSet {
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

    struct ProfileCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "profile",
            abstract: "Show how its columns are distributed."
        )
        @Argument(help: "The training set's id.") var id: String
        @OptionGroup var options: ServerOptions

        func run() async throws {
            DriftText.profile(
                try await options.client().profile(trainingSet: id),
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
        @Flag(help: "Take what is left of one whose history was deleted or retired since.")
        var incomplete = false
        @OptionGroup var options: ServerOptions

        func run() async throws {
            let client = try options.client()
            let output = try BatchFile(out, format: format)
            let progress = Progress(json: options.json)
            let record = try await client.trainingSetRecord(id)
            let set = try await client.trainingSet(id, incomplete: incomplete) { batch in
                try output.write(batch)
                progress.show(
                    "receiving",
                    done: output.rows,
                    total: record.rows,
                    note: counted(output.rows, "row"),
                    counting: .rows
                )
            }
            try output.finish(try Schema(wire: set.schema))
            progress.finish()
            if out != "-" { TrainingSetText.show(set, json: options.json) }
        }
    }
}
