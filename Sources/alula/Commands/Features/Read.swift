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
    @Option(help: "Who holds this stage: of several each entity meets one. Else production.")
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
        let answers: [VersionVectors]
        let keys: RecordBatch
        let keyCount: Int
        if let model {
            let versions = try await versions(of: model, client)
            (keys, keyCount) = try await batch(words, versions.map(\.service), client)
            answers = try await client.read(
                model: try RegisteredModelName(model, as: "model"),
                stage: isOfStage ? stage ?? "production" : "",
                version: isOfStage ? 0 : versions[0].version,
                keys
            )
        } else {
            (keys, keyCount) = try await batch(Array(words.dropFirst()), [words[0]], client)
            let vectors = try await client.read(try FeatureServiceReference(text: words[0]), keys)
            answers = [
                VersionVectors(version: 0, rows: Array(0..<keys.rowCount), vectors: vectors)
            ]
        }
        var places = [(answer: Int, row: Int)](repeating: (0, 0), count: keys.rowCount)
        for (number, answer) in answers.enumerated() {
            for (place, row) in answer.rows.enumerated() { places[row] = (number, place) }
        }
        guard !options.json else {
            let rows = places.enumerated().map { row, place in
                Self.json(answers[place.answer], keys, keyCount, row: row, place.row)
            }
            let services = Set(answers.map(\.vectors.service)).sorted()
            return Output.json(
                .object([
                    ("service", services.count == 1 ? .string(services[0]) : .null),
                    ("rows", .array(rows)),
                ])
            )
        }
        for (row, place) in places.enumerated() {
            if row > 0 { Output.line("") }
            show(answers[place.answer], keys, keyCount, row: row, place.row)
        }
    }

    private var isOfStage: Bool { alias == nil && modelVersion == nil }

    /// Those that may answer: all that hold the stage, or the one that is asked for.
    private func versions(
        of model: String,
        _ client: AlulaClient
    ) async throws -> [WireModelVersion] {
        let found: [WireModelVersion]
        if let modelVersion {
            found = [try await client.version(modelVersion, of: model)]
        } else if let alias {
            found = [try await client.version(alias: alias, of: model)]
        } else {
            found = try await client.holders(of: stage ?? "production", of: model).holders
                .map(\.version)
        }
        if let bare = found.first(where: { $0.service.isEmpty }) {
            throw AlulaError.refused(
                "version \(bare.version) of \(model) was registered without a feature service",
                help: "read the service by its name"
            )
        }
        return found
    }

    /// What these services take together: keys, of which there are so many, then request fields.
    private func batch(
        _ words: [String],
        _ services: [String],
        _ client: AlulaClient
    ) async throws -> (batch: RecordBatch, keyCount: Int) {
        let catalog = try await client.catalog()
        var keys: [WireField] = []
        var others: [WireField] = []
        for service in services {
            let definition = try catalog.service(try FeatureServiceReference(text: service))
            for key in definition.keyColumns where !keys.contains(where: { $0.name == key.name }) {
                keys.append(key)
            }
            others += definition.requestFields
        }
        var known = Set(keys.map(\.name))
        others = others.filter { known.insert($0.name).inserted }
        return (try KeyValues(words).batch(keys: keys, others: others), keys.count)
    }

    private func show(
        _ answer: VersionVectors,
        _ keys: RecordBatch,
        _ keyCount: Int,
        row: Int,
        _ place: Int
    ) {
        let vectors = answer.vectors
        let entity = (0..<keyCount).map { column in
            "\(keys.schema.fields[column].name)=\(ValueText.plain(keys.columns[column][row]))"
        }
        let version = answer.version == 0 ? "" : "version \(answer.version), "
        Output.line("\(version)\(vectors.service)  \(entity.joined(separator: " "))")
        var table = TextTable([
            ("feature", .left), ("value", .right), ("status", .left), ("age", .right),
        ])
        let now = Timestamp.now
        for (index, field) in vectors.batch.schema.fields.enumerated() {
            let status = vectors.status(row: place, column: index)
            let age = vectors.eventTime(row: place, column: index).map { event in
                TimeSpan(microseconds: max(0, now.microseconds - event.microseconds)).short
            }
            table.add([
                field.name,
                status == .present ? ValueText.plain(vectors.batch.columns[index][place]) : "-",
                status.name, age ?? "",
            ])
        }
        Output.table(table)
    }

    private static func json(
        _ answer: VersionVectors,
        _ keys: RecordBatch,
        _ keyCount: Int,
        row: Int,
        _ place: Int
    ) -> JSONValue {
        let vectors = answer.vectors
        let fields = vectors.batch.schema.fields
        return .object([
            ("version", answer.version == 0 ? .null : .uint(UInt64(answer.version))),
            ("service", .string(vectors.service)),
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
                        (fields[column].name, .value(vectors.batch.columns[column][place]))
                    }
                )
            ),
            (
                "statuses",
                .object(
                    fields.indices.map { column in
                        (
                            fields[column].name,
                            .string(vectors.status(row: place, column: column).name)
                        )
                    }
                )
            ),
            (
                "event_times",
                .object(
                    vectors.parts.map { part in
                        (part.label, part.eventTimes[place].map { .value(.timestamp($0)) } ?? .null)
                    }
                )
            ),
        ])
    }
}
