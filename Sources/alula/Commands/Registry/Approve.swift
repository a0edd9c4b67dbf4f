import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Approve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Approve of a version entering a stage.",
        discussion: "Takes a token with the role approver; nobody approves of their own versions."
    )

    @Argument(help: "The model.") var model: String
    @Argument(help: "The version.") var version: UInt32
    @Argument(help: "The stage it may enter.") var stage: String
    @Option(help: "Why; kept in the audit log.") var reason = ""
    @OptionGroup var options: ServerOptions

    func run() async throws {
        var request = WireApproveRequest()
        request.model = model
        request.version = version
        request.stage = stage
        request.reason = reason
        let approval = try await options.client().approve(request)
        guard !options.json else { return Output.json(Self.json(approval)) }
        Output.line("\(approval.actor) approves of \(model) version \(version) entering \(stage)")
    }

    private static func json(_ approval: WireApproval) -> JSONValue {
        .object([
            ("model", .string(approval.model)), ("version", .uint(UInt64(approval.version))),
            ("stage", .string(approval.stage)), ("actor", .string(approval.actor)),
            ("roles", .array(approval.roles.map { .string($0) })),
            ("time", .time(approval.timeUs)), ("reason", .text(approval.reason)),
        ])
    }
}

struct Gates: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the gates in force, of one model or of all."
    )

    @Argument(help: "The model.") var model: String?
    @Flag(help: "Every version of every gate, not only those in force; of one model.")
    var history = false
    @OptionGroup var options: ServerOptions

    func run() async throws {
        if history, model == nil { throw ValidationError("--history is that of one model") }
        let gates = try await options.client().gates(model: model ?? "", everyVersion: history)
        guard !options.json else { return Output.json(.array(gates.map(Self.json))) }
        if gates.isEmpty {
            Output.line("no gates: any complete version is let in")
        }
        for gate in gates {
            let from = gate.from.isEmpty ? "" : ", from " + gate.from.joined(separator: " or ")
            Output.line("\(gate.model) to \(gate.to), version \(gate.version)\(from)")
            if gate.removed { Output.line("  removed: no gate from here on") }
            guard !gate.removed else { continue }
            for rule in gate.rules { Output.line("  \(rule)") }
            for rule in gate.rollback { Output.line("  rollback: \(rule)") }
        }
    }

    private static func json(_ gate: WireGateRules) -> JSONValue {
        .object([
            ("model", .string(gate.model)), ("to", .string(gate.to)),
            ("version", .uint(UInt64(gate.version))), ("removed", .bool(gate.removed)),
            ("from", .array(gate.from.map { .string($0) })),
            ("rules", .array(gate.rules.map { .string($0) })),
            ("rollback", .array(gate.rollback.map { .string($0) })),
        ])
    }
}

struct Reproduce: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the training set of a version again, and compare.",
        discussion: "Gates read what came of it. Exits with 1 where it is not what it was."
    )

    @Argument(help: "The model.") var model: String
    @Argument(help: "The version.") var version: UInt32
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let answer = try await options.client().reproduce(model: model, version: version)
        if options.json {
            Output.json(
                .object([
                    ("training_set", .string(answer.trainingSet)),
                    ("state", .string(answer.state)),
                    ("recorded_digest", .string(answer.recordedDigest)),
                    ("digest", .text(answer.digest)), ("log_entry", .uint(answer.logEntry)),
                    ("time", .time(answer.timeUs)),
                    ("differences", .array(answer.differences.map { .string($0) })),
                ])
            )
        } else {
            Output.line("\(answer.trainingSet) is \(answer.state)")
            Output.line("recorded \(answer.recordedDigest)")
            if !answer.digest.isEmpty { Output.line("made now \(answer.digest)") }
            for line in answer.differences { Output.line("  - \(line)") }
        }
        if answer.state != "complete" { throw Refused() }
    }
}
