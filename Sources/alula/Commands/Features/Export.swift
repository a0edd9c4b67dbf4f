import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a view's history to a file.",
        discussion: """
            CSV or NDJSON: keys, event and created time, when and how each row came, then the features. \
            alula import of the same view reads the file again.
            """
    )

    @Argument(help: "The view.") var view: String
    @Option(help: "Where the history goes; - for standard output.") var out: String
    @Option(help: "csv or ndjson; else what the file's name says.") var format: TabularFormat?
    @Option(help: "See no row later than this: a log entry, a time, or a training set's id.")
    var asOf: String?
    @Option(help: "Rows of events from this time on.") var from: String?
    @Option(help: "Rows of events up to this time.") var until: String?
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        var request = WireExportRequest()
        request.view = view
        if let asOf { request.asOf = try WireAsOf(text: asOf) }
        if let from { request.fromUs = try Timestamp(option: "--from", from).microseconds }
        if let until { request.untilUs = try Timestamp(option: "--until", until).microseconds }
        let output = try BatchFile(out, format: format)
        let progress = Progress(json: options.json)
        let answer = try await client.export(request) { batch in
            try output.write(batch)
            progress.show(
                "exporting",
                done: output.rows,
                total: 0,
                note: counted(output.rows, "row"),
                counting: .rows
            )
        }
        try output.finish(try Schema(wire: answer.schema))
        progress.finish()
        guard out != "-" else { return }
        guard !options.json else {
            return Output.json(
                .object([
                    ("view", .string(view)), ("out", .string(out)), ("rows", .uint(answer.rows)),
                ])
            )
        }
        Output.line("\(counted(answer.rows, "row")) of \(view) in \(out)")
    }
}
