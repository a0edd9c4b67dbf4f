import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Monitors: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show where monitors stand, or what one would have said at a time.",
        discussion: """
            Monitors are defined in YAML beside the gates. A value is beyond its threshold for as long as \
            the monitor says before it fires; where nothing can be told, an alarm stays one.
            """
    )

    @Argument(help: "One monitor; else all.") var name: String?
    @Option(help: "Try it on what was known at this time; where it stands is not changed.")
    var at: String?
    @OptionGroup var options: ServerOptions

    func run() async throws {
        guard let at else { return try await list() }
        guard let name else { throw ValidationError("--at tries one monitor: name it") }
        let time = try Timestamp(option: "--at", at)
        let trial = try await options.client().tryMonitor(name, at: time.microseconds)
        guard !options.json else {
            return Output.json(
                .object([
                    ("monitor", Self.json(trial.monitor)),
                    ("looks", .array(trial.looks.map { .object(Self.members($0)) })),
                ])
            )
        }
        Self.describe(trial.monitor)
        var table = TextTable(
            ["at", "state", "value", "threshold", "rows", "reason"].map { ($0, .left) }
        )
        for look in trial.looks {
            table.add([
                look.hasEvaluatedUs ? Timestamp.text(look.evaluatedUs) : "", look.state,
                Self.figure(look.hasValue, look.value, of: trial.monitor),
                Self.figure(look.hasThreshold, look.threshold, of: trial.monitor),
                String(look.rows), look.reason,
            ])
        }
        Output.table(table)
    }

    private func list() async throws {
        var found = try await options.client().monitors()
        if let name {
            let known = found.map(\.name)
            found.removeAll { $0.name != name }
            guard !found.isEmpty else {
                throw AlulaError.notFound(
                    "there is no monitor \"\(name)\"" + hint(name, among: known),
                    help: "list them: alula monitors"
                )
            }
        }
        guard !options.json else { return Output.json(.array(found.map(Self.json))) }
        if name != nil, let monitor = found.first { Self.describe(monitor) }
        guard !found.isEmpty else { return Output.line("there are no monitors") }
        var table = TextTable(
            ["monitor", "of", "what", "state", "since", "value", "threshold", "reason"]
                .map { ($0, .left) }
        )
        for monitor in found {
            let state = monitor.state
            let isHeld = state.hasFiringSinceUs && state.state != "firing"
            table.add([
                monitor.name, monitor.model.isEmpty ? monitor.view : monitor.model,
                ([monitor.what, monitor.feature, monitor.metric].filter { !$0.isEmpty })
                    .joined(separator: " "),
                state.state + (isHeld ? " (an alarm)" : ""),
                state.hasSinceUs ? Timestamp.text(state.sinceUs) : "",
                Self.figure(state.hasValue, state.value, of: monitor),
                Self.figure(state.hasThreshold, state.threshold, of: monitor), state.reason,
            ])
        }
        Output.table(table)
    }

    private static func describe(_ monitor: WireMonitor) {
        Output.line("\(monitor.name), version \(monitor.version)")
        for line in monitor.lines { Output.line("  \(line)") }
    }

    /// Of freshness a span of time, else a number.
    private static func figure(
        _ isKnown: Bool,
        _ value: Double,
        of monitor: WireMonitor
    ) -> String {
        guard isKnown else { return "" }
        guard monitor.what == "freshness", abs(value) < 1e12 else { return DriftText.number(value) }
        return TimeSpan.seconds(Int64(value)).short
    }

    private static func json(_ monitor: WireMonitor) -> JSONValue {
        .object(
            [
                ("name", .string(monitor.name)), ("version", .uint(UInt64(monitor.version))),
                ("model", .text(monitor.model)), ("view", .text(monitor.view)),
                ("what", .string(monitor.what)), ("feature", .text(monitor.feature)),
                ("metric", .text(monitor.metric)), ("lines", .strings(monitor.lines)),
            ] + members(monitor.state)
        )
    }

    private static func members(_ state: WireMonitorState) -> [(String, JSONValue)] {
        [
            ("state", .string(state.state)), ("since", .time(state.sinceUs)),
            ("firing_since", .time(state.firingSinceUs)), ("evaluated", .time(state.evaluatedUs)),
            ("value", state.hasValue ? .number(state.value) : .null),
            ("threshold", state.hasThreshold ? .number(state.threshold) : .null),
            ("rows", .uint(state.rows)), ("reason", .string(state.reason)),
        ]
    }
}
