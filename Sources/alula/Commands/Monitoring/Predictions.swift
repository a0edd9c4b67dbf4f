import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Predictions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the logged vectors of a model, with predictions and outcomes, to a file.",
        discussion: """
            CSV or NDJSON: the id, the version, when and by which stage it was served, the keys, the features with \
            their statuses (0 present, 1 null, 2 not found, 3 expired), the prediction or why there is none, \
            the newest outcome.
            """
    )

    @Argument(help: "The model.") var model: String
    @Option(help: "Where they go; - for standard output.") var out = "-"
    @Option(help: "csv or ndjson; else what the file's name says.") var format: TabularFormat?
    @Option(name: .customLong("version"), help: "Of this version of the model; may be repeated.")
    var versions: [UInt32] = []
    @Option(help: "Vectors of this service version, such as credit@2.") var service: String?
    @Option(help: "Served from this time on.") var since: String?
    @Option(help: "Served up to this time.") var until: String?
    @Option(help: "Predictions and outcomes logged up to this time.") var asKnown: String?
    @Option(name: .customLong("feature"), help: "Only this feature; may be repeated.")
    var features: [String] = []
    @Flag(help: "Leave out the statuses.") var withoutStatuses = false
    @OptionGroup var options: ServerOptions

    func run() async throws {
        var request = WireScanPredictionsRequest()
        request.model = model
        request.versions = versions
        request.columns = features
        request.withoutStatuses = withoutStatuses
        request.service = service ?? ""
        if let since { request.sinceUs = try Timestamp(option: "--since", since).microseconds }
        if let until { request.untilUs = try Timestamp(option: "--until", until).microseconds }
        if let asKnown {
            request.asKnownUs = try Timestamp(option: "--as-known", asKnown).microseconds
        }
        let output = try BatchFile(out, format: format)
        var schema: Schema?
        let answer = try await options.client().scanPredictions(request) { batch in
            if let schema, schema != batch.schema {
                throw AlulaError.invalid(
                    "vectors of several service versions were logged, which do not fit one table",
                    help: "take one of them: --service credit@2, or --version"
                )
            }
            schema = batch.schema
            try output.write(Self.readable(batch))
        }
        if schema == nil, out == "-" {
            return Output.diagnostic("alula: no vectors of \(model) were logged in that time")
        }
        try output.finish(Self.readable(schema ?? Schema(fields: [])))
        guard out != "-" else { return }
        Output.line("\(counted(answer.rows, "vector")) of \(model) in \(out)")
    }

    private static let idColumn = "@prediction_id"

    private static func readable(_ schema: Schema) -> Schema {
        Schema(
            fields: schema.fields.map { field in
                field.name == idColumn ? Schema.Field(name: idColumn, type: .string) : field
            }
        )
    }

    /// Ids as clients write them: 32 hexadecimal digits.
    private static func readable(_ batch: RecordBatch) throws(AlulaError) -> RecordBatch {
        guard let place = batch.schema.index(of: idColumn),
            batch.columns[place].type == .bytes
        else { return batch }
        let ids = (0..<batch.rowCount).map { row in
            guard case .bytes(let bytes) = batch.columns[place][row] else {
                return FeatureValue.null
            }
            return .string(
                bytes.map { byte in
                    (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }.joined()
            )
        }
        var columns = batch.columns
        columns[place] = try Column(.string, ids)
        return RecordBatch(
            schema: readable(batch.schema),
            columns: columns,
            rowCount: batch.rowCount
        )
    }
}

struct PredictionLog: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prediction-log",
        abstract: "Show what is logged of models, or set it for one.",
        discussion: """
            A vector is kept where a read asks for it. --rate keeps those of a share of the keys only, always the \
            same; --keep says how long vectors, predictions and outcomes stay.
            """
    )

    @Argument(help: "The model; all where it is left out.") var model: String?
    @Option(help: "The share of keys whose vectors are kept, 0 to 1.") var rate: Double?
    @Option(help: "How long, such as 90d; \"always\" for ever.") var keep: String?
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        var logs: [WirePredictionLog] = []
        if rate != nil || keep != nil {
            guard let model else {
                throw AlulaError.invalid("--rate and --keep are set for one model: name it")
            }
            var request = WireSetPredictionLogRequest()
            request.model = model
            if let rate { request.rate = rate }
            if let keep {
                guard let span = keep == "always" ? TimeSpan.seconds(0) : TimeSpan(text: keep)
                else {
                    throw AlulaError.invalid("--keep \(keep) is no time: expected 90d, or always")
                }
                request.keepUs = span.microseconds
            }
            logs = [try await client.setPredictionLog(request)]
        } else {
            logs = try await client.predictionLogs(model: model ?? "").logs
        }
        guard !options.json else { return Output.json(.array(logs.map(Self.json))) }
        var table = TextTable([
            ("model", .left), ("rate", .right), ("kept", .right), ("vectors", .right),
            ("predictions", .right), ("failed", .right), ("outcomes", .right), ("bytes", .right),
            ("since", .left),
        ])
        for log in logs {
            table.add([
                log.model, "\(log.rate)",
                log.keepUs == 0 ? "always" : TimeSpan(microseconds: log.keepUs).description,
                "\(log.vectors)", "\(log.predictions)", "\(log.failures)", "\(log.outcomes)",
                "\(log.bytes)",
                log.oldestUs == 0 ? "" : Timestamp(microseconds: log.oldestUs).description,
            ])
        }
        Output.table(table)
    }

    private static func json(_ log: WirePredictionLog) -> JSONValue {
        .object([
            ("model", .string(log.model)), ("rate", .number(log.rate)),
            ("keep_us", log.keepUs == 0 ? .null : .int(log.keepUs)),
            ("vectors", .uint(log.vectors)), ("predictions", .uint(log.predictions)),
            ("failures", .uint(log.failures)),
            ("outcomes", .uint(log.outcomes)), ("bytes", .uint(log.bytes)),
            ("prediction_type", log.predictionType.isEmpty ? .null : .string(log.predictionType)),
            ("outcome_type", log.outcomeType.isEmpty ? .null : .string(log.outcomeType)),
            ("oldest_us", log.oldestUs == 0 ? .null : .int(log.oldestUs)),
            ("newest_us", log.newestUs == 0 ? .null : .int(log.newestUs)),
            ("versions", .array(log.versions.map { .uint(UInt64($0)) })),
        ])
    }
}
