import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what happens to models and imports as it happens, one line an event.",
        discussion: "Goes on over lost connections without a gap or a repeat, until it is stopped."
    )

    @Argument(help: "The model; all where none is named.") var model: String?
    @Option(help: "Begin behind this revision; else with what comes from now on.")
    var after: UInt64?
    @Option(help: "Stop after so many events.") var limit: Int?
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        var left = limit ?? .max
        let json = options.json
        try await client.watch(model: model ?? "", after: after) { told in
            switch told {
            case .event(let event):
                Output.announcement(json ? Self.json(event).text : Self.text(event))
                left -= 1
            case .missed(let count, let revision):
                Output.diagnostic(
                    "alula: \(count) events up to revision \(revision) were not told, because this "
                        + "watch lagged; see alula audit"
                )
            case .through: break
            }
            return left > 0
        }
    }

    private static func text(_ event: WireRegistryEvent) -> String {
        let about = event.subject.isEmpty ? event.view : event.subject
        let version = event.version == 0 ? about : "\(event.model) version \(event.version)"
        let what =
            switch event.kind {
            case "registered": "registered"
            case "promoted" where event.other == event.stage:
                "has another share of \(event.stage): \(event.detail)"
            case "promoted": "is in \(event.stage), from \(event.other)" + detail(event)
            case "rolled back": "is back in \(event.stage), from \(event.other)" + detail(event)
            case "shadowed": "is the shadow of \(event.stage)"
            case "unshadowed": "is the shadow of \(event.stage) no longer"
            case "rollout stepped": "is rolled out by \(event.subject): \(event.detail)"
            case "rollout ended": "ends its rollout by \(event.subject): \(event.detail)"
            case "left": "left \(event.stage) for \(event.other)"
            case "alias set": "is \(event.alias)"
            case "deleted": "is deleted"
            case "alias deleted": "is no longer \(event.alias)"
            case "approved": "is approved for \(event.stage)"
            case "gate passed": "passed the gate of \(event.stage)"
            case "gate refused": "was refused for \(event.stage): \(event.detail)"
            case "import published": "is published to \(event.view): \(event.detail)"
            case "monitor firing": "fires: \(event.detail)"
            case "monitor resolved": "is resolved: \(event.detail)"
            case "freshness lost": "is not fresh any more: \(event.detail)"
            case "freshness regained": "is fresh again: \(event.detail)"
            default: event.kind
            }
        return "\(event.revision) \(Timestamp.text(event.timeUs)) \(version) \(what) "
            + "(by \(event.actor))"
    }

    private static func detail(_ event: WireRegistryEvent) -> String {
        event.detail.isEmpty ? "" : ", \(event.detail)"
    }

    private static func json(_ event: WireRegistryEvent) -> JSONValue {
        .object([
            ("revision", .uint(event.revision)), ("time", .time(event.timeUs)),
            ("kind", .string(event.kind)), ("event", .string(event.name)),
            ("model", .text(event.model)),
            ("version", event.version == 0 ? .null : .uint(UInt64(event.version))),
            ("stage", .text(event.stage)), ("other", .text(event.other)),
            ("alias", .text(event.alias)), ("view", .text(event.view)),
            ("subject", .text(event.subject)), ("detail", .text(event.detail)),
            ("by", .string(event.actor)),
        ])
    }
}
