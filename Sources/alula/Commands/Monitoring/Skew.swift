import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Skew: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare what was served with what history says of the same moments.",
        discussion: """
            Logged vectors are joined again, each at the time it was served. late: a training set sees a value now that \
            had not come when it was served; withdrawn: one that has gone since; differs, missing, extra: what was \
            served was not what history had even then.
            """
    )

    @Argument(help: "The model.") var model: String
    @Option(name: .customLong("version"), help: "Of this version of the model; may be repeated.")
    var versions: [UInt32] = []
    @Option(help: "Served from this time on.") var since: String?
    @Option(help: "Served up to this time.") var until: String?
    @Option(help: "Compare at most so many vectors, the newest.") var most: UInt64 = 100_000
    @OptionGroup var options: ServerOptions

    func run() async throws {
        var request = WireSkewRequest()
        request.model = model
        request.versions = versions
        request.mostRows = most
        if let since { request.sinceUs = try Timestamp(option: "--since", since).microseconds }
        if let until { request.untilUs = try Timestamp(option: "--until", until).microseconds }
        let skew = try await options.client().skew(request)
        guard !options.json else { return Output.json(Self.json(skew)) }
        guard !skew.services.isEmpty else {
            return Output.line("no vectors of \(model) were logged in that time")
        }
        for service in skew.services { show(service) }
        if skew.rowsLeftOut > 0 {
            Output.line("\(skew.rowsLeftOut) older vectors were left out: --most")
        }
    }

    private func show(_ service: WireSkewService) {
        let versions = service.versions.map { "\($0)" }.joined(separator: ", ")
        Output.line(
            "\(model) \(versions) on \(service.service): \(counted(service.rows, "vector"))"
        )
        let skewed = service.features.filter { Self.total($0) > 0 }
        guard !skewed.isEmpty else {
            return Output.line("no skew: history says of all of them what was served")
        }
        var table = TextTable([
            ("feature", .left), ("view", .left), ("same", .right), ("late", .right),
            ("withdrawn", .right), ("differs", .right), ("missing", .right), ("extra", .right),
        ])
        for feature in skewed {
            table.add([
                feature.column, feature.view, "\(feature.same)", "\(feature.late)",
                "\(feature.withdrawn)", "\(feature.differs)", "\(feature.missing)",
                "\(feature.extra)",
            ])
        }
        Output.table(table)
        for feature in skewed {
            for example in feature.examples {
                Output.line(
                    "\(feature.column) \(example.kind): \(example.key), served "
                        + "\(Self.word(example.served)), history then \(Self.word(example.then)), "
                        + "now \(Self.word(example.now))"
                )
            }
        }
        if service.notReplayed > 0 {
            Output.line(
                "\(counted(service.notReplayed, "vector")) that differ were not looked into: they "
                    + "were served at too many log positions"
            )
        }
    }

    private static func word(_ text: String) -> String { text.isEmpty ? "nothing" : text }

    private static func total(_ feature: WireSkewFeature) -> UInt64 {
        feature.late + feature.withdrawn + feature.differs + feature.missing + feature.extra
    }
}

extension Skew {
    private static func json(_ skew: WireSkewResponse) -> JSONValue {
        .object([
            ("services", .array(skew.services.map(json))),
            ("rows_left_out", .uint(skew.rowsLeftOut)),
        ])
    }

    private static func json(_ service: WireSkewService) -> JSONValue {
        .object([
            ("service", .string(service.service)),
            ("versions", .array(service.versions.map { .uint(UInt64($0)) })),
            ("rows", .uint(service.rows)), ("not_replayed", .uint(service.notReplayed)),
            ("features", .array(service.features.map(json))),
        ])
    }

    private static func json(_ feature: WireSkewFeature) -> JSONValue {
        .object([
            ("column", .string(feature.column)), ("view", .string(feature.view)),
            ("same", .uint(feature.same)), ("late", .uint(feature.late)),
            ("withdrawn", .uint(feature.withdrawn)), ("differs", .uint(feature.differs)),
            ("missing", .uint(feature.missing)), ("extra", .uint(feature.extra)),
            (
                "examples",
                .array(
                    feature.examples.map { example in
                        .object([
                            (
                                "prediction_id",
                                .string(hexadecimal(example.predictionID))
                            ),
                            ("kind", .string(example.kind)), ("key", .string(example.key)),
                            ("served", text(example.served)), ("then", text(example.then)),
                            ("now", text(example.now)),
                        ])
                    }
                )
            ),
        ])
    }

    private static func text(_ text: String) -> JSONValue { text.isEmpty ? .null : .string(text) }
}
