import ArgumentParser
import Client
import Domain
import Server
import Statistics
import Tabular
import Wire

struct Drift: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show how what a model is served moved, or training sets, or files.",
        discussion: """
            Tests and thresholds are those people know from Evidently: up to 1,000 reference values \
            Kolmogorov-Smirnov or chi-squared at 0.05, above that Wasserstein over deviation or \
            Jensen-Shannon at 0.1; half of the features make drift of the whole. Exits with 1 where \
            --fail is given and there is drift.
            """
    )

    @Argument(
        help: ArgumentHelp(
            "The model whose logged reads are looked at, or view:NAME: its rows by when they came.",
            valueName: "model|view:NAME"
        )
    )
    var model: String?
    @Option(
        help: ArgumentHelp(
            "The reference: training (of the newest version served), a training set, or a span.",
            valueName: "training|ts-…|FROM..UNTIL"
        )
    )
    var against = "training"
    @Option(help: "What was served from this time on.") var since: String?
    @Option(help: "What was served up to this time.") var until: String?
    @Option(help: "A version of the model; may be given again. Else all.")
    var version: [UInt32] = []
    @Option(
        parsing: .upToNextOption,
        help: "The reference and what is compared with it: two training sets, or two files."
    )
    var between: [String] = []
    @Option(help: "A feature to look at; may be given again.") var feature: [String] = []
    @Option(help: "ks, chi-squared, z, wasserstein, jensen-shannon or psi; else the usual one.")
    var test: String?
    @Option(help: "What a score is compared with; else the test's usual threshold.")
    var threshold: Double?
    @Option(help: "The share of features from which on the whole counts as drifted.")
    var share = 0.5
    @Option(
        help: ArgumentHelp(
            "Write a page to look at, which needs nothing else; of a model with its performance and "
                + "the shares of its versions over time.",
            valueName: "file"
        )
    )
    var html: String?
    @Option(help: "The windows of that time, such as 1d; else what fits.") var window: String?
    @Flag(help: "Fail where there is drift.") var fail = false
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let drift = try await found()
        if let html {
            let page = try await page(of: drift)
            let file = try OutputFile(html)
            try file.write(Array(page.text.utf8))
            try file.finish()
        }
        DriftText.show(drift, json: options.json)
        if fail, drift.isDrift { throw Refused() }
    }

    private func page(of drift: WireDrift) async throws -> DriftPage {
        var page = DriftPage(drift: drift)
        guard let model else { return page }
        var length: Int64 = 0
        if let window {
            guard let span = TimeSpan(text: window), span.microseconds > 0 else {
                throw AlulaError.invalid("--window \(window): expected a span of time such as 1d")
            }
            length = span.microseconds
        }
        let client = try options.client()
        page.model = try await client.models().first { $0.name == model }
        var request = WirePerformanceRequest()
        request.model = model
        request.versions = version
        if let since { request.sinceUs = try Timestamp(option: "--since", since).microseconds }
        if let until { request.untilUs = try Timestamp(option: "--until", until).microseconds }
        do {
            page.performance = try await OverTime(client: client, request: request)
                .found(window: length)
        } catch let error as AlulaError {
            // Lists, for one, cannot be judged; the rest of the page can be told.
            page.problem = error.message
        }
        return page
    }

    private func found() async throws -> WireDrift {
        if let model {
            guard between.isEmpty else {
                throw AlulaError.invalid("drift is of a model or --between two things: found both")
            }
            return try await served(model)
        }
        guard between.count == 2 else {
            throw AlulaError.invalid(
                "--between takes the reference and what is compared with it: found "
                    + "\(between.count)",
                help: "or name a model: alula drift MODEL"
            )
        }
        let isOfSets = between.map { $0.hasPrefix("ts-") }
        guard isOfSets[0] == isOfSets[1] else {
            throw AlulaError.invalid(
                "--between takes two training sets or two files, not one of each"
            )
        }
        return isOfSets[0] ? try await ofSets() : try ofFiles()
    }

    private func served(_ model: String) async throws -> WireDrift {
        var request = request
        if model.hasPrefix("view:") {
            request.view = String(model.dropFirst("view:".count))
        } else {
            request.model = model
        }
        request.versions = version
        if let since { request.sinceUs = try Timestamp(option: "--since", since).microseconds }
        if let until { request.untilUs = try Timestamp(option: "--until", until).microseconds }
        if against.hasPrefix("ts-") {
            request.trainingSet = against
        } else if against != "training" {
            guard let dots = against.firstRange(of: ".."), against.count > 2 else {
                throw AlulaError.invalid(
                    "--against \(against): expected training, a training set or FROM..UNTIL"
                )
            }
            let from = String(against[..<dots.lowerBound])
            let until = String(against[dots.upperBound...])
            if !from.isEmpty {
                request.againstSinceUs = try Timestamp(option: "--against", from).microseconds
            }
            if !until.isEmpty {
                request.againstUntilUs = try Timestamp(option: "--against", until).microseconds
            }
        }
        return try await options.client().drift(request)
    }

    private var request: WireDriftRequest {
        var request = WireDriftRequest()
        request.features = feature
        request.test = test ?? ""
        if let threshold { request.threshold = threshold }
        request.share = share
        return request
    }

    private func ofSets() async throws -> WireDrift {
        var request = request
        request.trainingSet = between[0]
        request.current = between[1]
        return try await options.client().drift(request)
    }

    private func ofFiles() throws -> WireDrift {
        let tables = try TableFiles(between)
        let (reference, current) = (try tables.profile(0), try tables.profile(1))
        let names = reference.features.map(\.name)
        for name in feature where !names.contains(name) {
            throw AlulaError.invalid(
                "\(between[0]) has no column \"\(name)\"",
                help: "it has: " + names.joined(separator: ", ")
            )
        }
        let report = DriftReport(
            reference: reference,
            current: current,
            columns: feature.isEmpty ? names : feature,
            options: try DriftOptions(request)
        )
        var answer = WireDrift(report)
        (answer.reference, answer.current) = (between[0], between[1])
        (answer.referenceRows, answer.currentRows) = (reference.rows, current.rows)
        return answer
    }
}

/// Files of one kind of rows, whose columns take the types that hold the values of all.
private struct TableFiles {
    private let paths: [String]
    private let schemas: [Schema]

    init(_ paths: [String]) throws {
        self.paths = paths
        schemas = try paths.map { path in
            try TypeInference.schema(
                of: try .file(path),
                format: try TabularFormat(fileName: path),
                known: [:]
            )
        }
    }

    func profile(_ index: Int) throws -> TableProfile {
        let schema = Schema(
            fields: schemas[index].fields.map { field in
                // An integer column in one file may have fractions in another.
                let isFloat = schemas.contains { other in
                    other.index(of: field.name).map { other.fields[$0].type } == .float64
                }
                let isNumber = field.type == .int64 || field.type == .float64
                return isFloat && isNumber
                    ? Schema.Field(name: field.name, type: .float64) : field
            }
        )
        var reader = try TabularReader(
            try .file(paths[index]),
            format: try TabularFormat(fileName: paths[index]),
            columns: schema.fields.map { TabularColumn($0.name, $0.type) }
        )
        var builders = schema.fields.map { ProfileBuilder(name: $0.name, type: $0.type) }
        var rows: UInt64 = 0
        while let chunk = try reader.next() {
            for (place, column) in chunk.batch.columns.enumerated() {
                builders[place].add(column)
            }
            rows += UInt64(chunk.batch.rowCount)
        }
        return TableProfile(rows: rows, features: builders.map { $0.finish() })
    }
}
