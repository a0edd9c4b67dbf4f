import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct History: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show every row of an entity: event, created, recorded, position.",
        discussion: "With --json one object a line, oldest first."
    )

    @Argument(help: "The view.") var view: String
    @Argument(help: ArgumentHelp("The keys of one entity.", valueName: "key=value"))
    var values: [String] = []
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        let definition = try await client.catalog().view(view)
        let key = try KeyValues(values).batch(keys: definition.keys)
        guard key.rowCount == 1 else {
            throw AlulaError.invalid("history is of one entity: \(key.rowCount) are named")
        }
        let json = options.json
        let answer = try await client.history(view: view, key: key) { batch in
            var text: [UInt8] = []
            if json {
                TextWriter(.ndjson, schema: batch.schema).append(batch, to: &text)
                print(String(decoding: text, as: UTF8.self), terminator: "")
            } else {
                Output.table(TextTable(Self.titled(batch)))
            }
        }
        if !json { Output.line(counted(answer.rows, "row")) }
    }

    /// Without the sign that keeps these names from being features'.
    private static func titled(_ batch: RecordBatch) -> RecordBatch {
        let fields = batch.schema.fields.map { field in
            Schema.Field(
                name: field.name.hasPrefix("@") ? String(field.name.dropFirst()) : field.name,
                type: field.type
            )
        }
        return RecordBatch(
            schema: Schema(fields: fields),
            columns: batch.columns,
            rowCount: batch.rowCount
        )
    }
}
