import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct History: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show every row of an entity: event, created, recorded, position.",
        discussion: """
            With --at, which row a join at that time takes, and why it does not take the others. With \
            --json one object a line, oldest first.
            """
    )

    @Argument(help: "The view.") var view: String
    @Argument(help: ArgumentHelp("The keys of one entity.", valueName: "key=value"))
    var values: [String] = []
    @Option(help: "Say of each row what a join at this time makes of it.") var at: String?
    @Option(help: "See no row later than this: a log entry, a time, or a training set's id.")
    var asOf: String?
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        let definition = try await client.catalog().view(view)
        let key = try KeyValues(values).batch(keys: definition.keys)
        guard key.rowCount == 1 else {
            throw AlulaError.invalid("history is of one entity: \(key.rowCount) are named")
        }
        let json = options.json
        let answer = try await client.history(
            view: view,
            key: key,
            at: try at.map { (text: String) throws(AlulaError) in
                try Timestamp(option: "--at", text)
            },
            asOf: try asOf.map(WireAsOf.init(text:))
        ) { batch in
            if json { HistoryText.lines(batch) } else { Output.table(HistoryText.table(batch)) }
        }
        if !json { Output.line(counted(answer.rows, "row")) }
    }
}
