import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Read: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read the features of entities as they are now.",
        discussion: """
            Keys and request fields as NAME=VALUE; several entities as NAME=A,B,C. An empty value is null, \
            quotes hold commas, a list is a JSON array.
            """
    )

    @Argument(help: "The service, such as credit or credit@2.") var service: String
    @Argument(help: ArgumentHelp("Keys and request fields.", valueName: "name=value"))
    var values: [String] = []
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let reference = try FeatureServiceReference(text: service)
        let client = try options.client()
        let definition = try await client.catalog().service(reference)
        let keys = try KeyValues(values).batch(
            keys: definition.keyColumns,
            others: definition.requestFields
        )
        let vectors = try await client.read(reference, keys)
        guard !options.json else {
            return Output.json(
                .object([
                    ("service", .string(vectors.service)),
                    (
                        "rows",
                        .array(
                            (0..<vectors.batch.rowCount).map {
                                Self.json(vectors, keys, definition.keyColumns.count, row: $0)
                            }
                        )
                    ),
                ])
            )
        }
        for row in 0..<vectors.batch.rowCount {
            if row > 0 { Output.line("") }
            show(vectors, keys, definition.keyColumns.count, row: row)
        }
    }

    private func show(_ vectors: FeatureVectors, _ keys: RecordBatch, _ keyCount: Int, row: Int) {
        let entity = (0..<keyCount).map { column in
            "\(keys.schema.fields[column].name)=\(ValueText.plain(keys.columns[column][row]))"
        }
        Output.line("\(vectors.service)  \(entity.joined(separator: " "))")
        var table = TextTable([
            ("feature", .left), ("value", .right), ("status", .left), ("age", .right),
        ])
        let now = Timestamp.now
        for (index, field) in vectors.batch.schema.fields.enumerated() {
            let status = vectors.status(row: row, column: index)
            let age = vectors.eventTime(row: row, column: index).map { event in
                TimeSpan(microseconds: max(0, now.microseconds - event.microseconds)).short
            }
            table.add([
                field.name,
                status == .present ? ValueText.plain(vectors.batch.columns[index][row]) : "-",
                status.name, age ?? "",
            ])
        }
        Output.table(table)
    }

    private static func json(
        _ vectors: FeatureVectors,
        _ keys: RecordBatch,
        _ keyCount: Int,
        row: Int
    ) -> JSONValue {
        let fields = vectors.batch.schema.fields
        return .object([
            (
                "keys",
                .object(
                    (0..<keyCount).map { column in
                        (keys.schema.fields[column].name, .value(keys.columns[column][row]))
                    }
                )
            ),
            (
                "values",
                .object(
                    fields.indices.map { column in
                        (fields[column].name, .value(vectors.batch.columns[column][row]))
                    }
                )
            ),
            (
                "statuses",
                .object(
                    fields.indices.map { column in
                        (
                            fields[column].name,
                            .string(vectors.status(row: row, column: column).name)
                        )
                    }
                )
            ),
            (
                "event_times",
                .object(
                    vectors.parts.map { part in
                        (part.label, part.eventTimes[row].map { .value(.timestamp($0)) } ?? .null)
                    }
                )
            ),
        ])
    }
}
