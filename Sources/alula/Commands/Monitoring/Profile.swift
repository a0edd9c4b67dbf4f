import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct ProfileSpanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile",
        abstract: "Show how what came is distributed: rows of a view, vectors a model was served.",
        discussion: """
            The server makes a profile of every hour when it is over, and keeps it; the hour that is \
            not over is read from its rows. Rows of a view are of the hour in which they were \
            recorded, vectors of that in which they were served.
            """
    )

    @Argument(
        help: ArgumentHelp(
            "view:NAME, a model (or model:NAME), or a training set.",
            valueName: "subject"
        )
    )
    var subject: String
    @Argument(help: "A version of the model; else all of them together.") var version: UInt32?
    @Option(help: "From the hour of this time on; else all that is kept.") var since: String?
    @Option(help: "Up to the hour of this time; else up to now.") var until: String?
    @Flag(help: "Show the hours, not the features.") var hours = false
    @OptionGroup var options: ServerOptions

    func run() async throws {
        if subject.hasPrefix("ts-") {
            guard version == nil, since == nil, until == nil, !hours else {
                throw AlulaError.invalid(
                    "a training set has one profile, without versions or hours"
                )
            }
            return DriftText.profile(
                try await options.client().profile(trainingSet: subject),
                json: options.json
            )
        }
        var request = WireProfileSpanRequest()
        if subject.hasPrefix("view:") {
            request.view = String(subject.dropFirst("view:".count))
        } else {
            let isNamed = subject.hasPrefix("model:")
            request.model = isNamed ? String(subject.dropFirst("model:".count)) : subject
        }
        if let version { request.versions = [version] }
        if let since { request.sinceUs = try Timestamp(option: "--since", since).microseconds }
        if let until { request.untilUs = try Timestamp(option: "--until", until).microseconds }
        let found = try await options.client().profile(request)
        guard !options.json else { return Output.json(Self.json(found)) }
        guard !hours else { return show(found.hours) }
        if let first = found.hours.first, let last = found.hours.last {
            Output.line(
                "\(Timestamp.text(first.startUs)) to \(Timestamp.text(last.startUs + last.spanUs))"
            )
        }
        let stale = found.hours.count(where: \.isStale)
        if stale > 0 {
            Output.line(
                "\(counted(UInt64(stale), "hour")) of it stale: rows that retention took were retracted or "
                    + "forgotten since, and are counted (--hours)"
            )
        }
        DriftText.profile(found.profile, json: false)
    }

    private func show(_ hours: [WireProfileHour]) {
        var table = TextTable([
            ("begin", .left), ("version", .right), ("rows", .right), ("kept", .left),
        ])
        for hour in hours {
            table.add([
                Timestamp.text(hour.startUs), hour.version == 0 ? "" : String(hour.version),
                String(hour.rows),
                hour.isStale
                    ? "coarsely, stale: retracted or forgotten since"
                    : hour.isCoarse ? "coarsely" : "",
            ])
        }
        Output.table(table)
    }

    private static func json(_ found: WireProfileSpan) -> JSONValue {
        .object([
            ("rows", .uint(found.profile.rows)),
            ("features", .array(found.profile.features.map(DriftText.json))),
            (
                "hours",
                .array(
                    found.hours.map { hour in
                        .object([
                            ("start", .time(hour.startUs)),
                            ("seconds", .uint(UInt64(max(0, hour.spanUs)) / 1_000_000)),
                            (
                                "version",
                                hour.version == 0 ? .null : .uint(UInt64(hour.version))
                            ),
                            ("rows", .uint(hour.rows)), ("coarse", .bool(hour.isCoarse)),
                            ("stale", .bool(hour.isStale)),
                        ])
                    }
                )
            ),
        ])
    }
}
