import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Imports: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the imports, or free what an unfinished one has staged."
    )

    @Option(help: ArgumentHelp("Give this import up and free its rows.", valueName: "import"))
    var abandon: String?
    @Flag(help: "Do it without asking.") var yes = false
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        let imports = try await client.imports()
        if let abandon { return try await self.abandon(abandon, among: imports, client) }
        guard !options.json else { return Output.json(.array(imports.map(Self.json))) }
        var table = TextTable([
            ("import", .left), ("view", .left), ("rows", .right), ("state", .left),
            ("log entry", .right), ("begun", .left), ("source", .left),
        ])
        for record in imports {
            table.add([
                record.importID, record.view, String(record.rows), record.state,
                record.logEntry == 0 ? "-" : String(record.logEntry),
                Timestamp.text(record.begunUs),
                record.sourceName,
            ])
        }
        Output.table(table)
    }

    private func abandon(
        _ id: String,
        among imports: [WireImportRecord],
        _ client: AlulaClient
    ) async throws {
        guard let record = imports.first(where: { $0.importID == id }) else {
            throw AlulaError.notFound(
                "there is no import \(id)" + hint(id, among: imports.map(\.importID)),
                help: "list them: alula imports"
            )
        }
        try Confirmation.ask(
            "Give up \(id) of \(record.sourceName), \(counted(record.rows, "row")) of \(record.view)?",
            yes: yes
        )
        let rows = try await client.abandonImport(id)
        guard !options.json else {
            return Output.json(.object([("import", .string(id)), ("rows", .uint(rows))]))
        }
        Output.line("\(id): given up, \(counted(rows, "row")) freed")
    }

    private static func json(_ record: WireImportRecord) -> JSONValue {
        .object([
            ("import", .string(record.importID)), ("view", .string(record.view)),
            ("source", .string(record.sourceName)), ("source_digest", .string(record.sourceDigest)),
            ("state", .string(record.state)), ("rows", .uint(record.rows)),
            ("log_entry", record.logEntry == 0 ? .null : .uint(record.logEntry)),
            ("begun", .time(record.begunUs)),
        ])
    }
}
