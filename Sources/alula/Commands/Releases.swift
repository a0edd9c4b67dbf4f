import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Promote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Move a version into a stage, if its gate lets it.",
        discussion: "Exits with 1 where the gate refuses; nothing is changed then."
    )

    @Argument(help: "The model.") var model: String
    @Argument(help: "The version.") var version: UInt32
    @Argument(help: "The stage: staging, production, archived or none.") var stage: String
    @Option(help: "Why; kept in the audit log.") var reason = ""
    @Flag(help: "Say what the gate would say, and change nothing.") var dryRun = false
    @OptionGroup var options: ServerOptions

    func run() async throws {
        var request = WirePromoteRequest()
        request.model = model
        request.version = version
        request.stage = stage
        request.reason = reason
        request.dryRun = dryRun
        let answer = try await options.client().promote(request)
        Verdict.show(answer, model: model, dryRun: dryRun, json: options.json)
        if !answer.passed { throw Refused() }
    }
}

struct Rollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give a stage back to the version that held it before."
    )

    @Argument(help: "The model.") var model: String
    @Argument(help: "The stage: staging or production.") var stage: String
    @Option(help: "Why; kept in the audit log.") var reason = ""
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let answer = try await options.client().rollback(model: model, stage: stage, reason: reason)
        Verdict.show(answer, model: model, dryRun: false, json: options.json)
        if !answer.passed { throw Refused() }
    }
}

/// What a gate said.
enum Verdict {
    static func show(_ answer: WirePromoteResponse, model: String, dryRun: Bool, json: Bool) {
        guard !json else { return Output.json(self.json(answer, dryRun: dryRun)) }
        if !answer.rules.isEmpty {
            var table = TextTable(["rule", "outcome", "reason"])
            for rule in answer.rules { table.add([rule.rule, rule.outcome, rule.reason]) }
            Output.table(table)
        }
        let version = "\(model) version \(answer.version)"
        switch (answer.passed, dryRun) {
        case (true, false):
            let before = answer.previous == 0 ? "" : ", in place of version \(answer.previous)"
            Output.line("\(version) is in \(answer.stage)\(before)")
        case (true, true): Output.line("\(version) would pass into \(answer.stage)")
        case (false, true): Output.line("\(version) would be refused \(answer.stage)")
        case (false, false):
            Output.line("\(version) is refused \(answer.stage) and stays in \(answer.from)")
        }
    }

    private static func json(_ answer: WirePromoteResponse, dryRun: Bool) -> JSONValue {
        .object([
            ("passed", .bool(answer.passed)), ("dry_run", .bool(dryRun)),
            ("stage", .string(answer.stage)), ("from", .text(answer.from)),
            ("version", .uint(UInt64(answer.version))),
            ("previous", answer.previous == 0 ? .null : .uint(UInt64(answer.previous))),
            ("revision", .uint(answer.revision)),
            ("rules", json(answer.rules)),
        ])
    }

    static func json(_ rules: [WireRuleVerdict]) -> JSONValue {
        .array(
            rules.map { rule in
                .object([
                    ("rule", .string(rule.rule)), ("outcome", .string(rule.outcome)),
                    ("reason", .string(rule.reason)),
                ])
            }
        )
    }
}
