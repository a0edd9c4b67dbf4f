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

              alula read credit@2 dob_ssn=19530219_5179 loan_amount=1000
              alula read --model credit --stage staging dob_ssn=19530219_5179 loan_amount=1000
            """
    )

    @Argument(
        help: ArgumentHelp(
            "The service, such as credit or credit@2 (not with --model), then keys and request fields.",
            valueName: "service> <name=value"
        )
    )
    var words: [String] = []
    @Option(help: "Instead of a service: what a version of this model was trained on.")
    var model: String?
    @Option(help: "The newest version in this stage; production where nothing is said.")
    var stage: String?
    @Option(help: "The version that this alias points at.") var alias: String?
    @Option(help: "This version.") var modelVersion: UInt32?
    @OptionGroup var options: ServerOptions

    func validate() throws {
        let choices = [stage, alias, modelVersion.map { "\($0)" }].compactMap(\.self)
        guard choices.count <= 1 else {
            throw ValidationError("one of --stage, --alias and --model-version names the version")
        }
        guard model != nil || choices.isEmpty else {
            throw ValidationError("--stage, --alias and --model-version are of a --model")
        }
        guard model != nil || !words.isEmpty else {
            throw ValidationError("which service? Expected SERVICE NAME=VALUE… or --model NAME")
        }
    }

    func run() async throws {
        let client = try options.client()
        var version: (model: RegisteredModelName, number: UInt32)?
        let reference: FeatureServiceReference
        if let model {
            let found = try await resolve(model, client)
            version = (try RegisteredModelName(model, as: "model"), found.version)
            guard !found.service.isEmpty else {
                throw AlulaError.refused(
                    "version \(found.version) of \(model) was registered without a feature service",
                    help: "read the service by its name"
                )
            }
            reference = try FeatureServiceReference(text: found.service)
        } else {
            reference = try FeatureServiceReference(text: words[0])
        }
        let definition = try await client.catalog().service(reference)
        let keys = try KeyValues(model == nil ? Array(words.dropFirst()) : words).batch(
            keys: definition.keyColumns,
            others: definition.requestFields
        )
        let vectors: FeatureVectors =
            if let version {
                try await client.read(model: version.model, version: version.number, keys)
            } else {
                try await client.read(reference, keys)
            }
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

    private func resolve(_ model: String, _ client: AlulaClient) async throws -> WireModelVersion {
        if let modelVersion { return try await client.version(modelVersion, of: model) }
        if let alias { return try await client.version(alias: alias, of: model) }
        return try await client.version(in: stage ?? "production", of: model)
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
