import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Promote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Move a version into a stage, if its gate lets it.",
        discussion: """
            With --share it stands beside those who hold the stage: they keep the rest, in proportion. \
            Given again with another share, that changes; without one the version gets all. A rollback takes \
            out the version that came last, and gives the others what they had before.

            With --shadow it is read and logged beside them and never answers; the gate is not asked.

            Exits with 1 where the gate refuses; nothing is changed then.
            """
    )

    @Argument(help: "The model.") var model: String
    @Argument(help: "The version.") var version: UInt32
    @Argument(help: "The stage: staging, production, archived or none.") var stage: String
    @Option(help: ArgumentHelp("What it takes of the stage, such as 10%.", valueName: "percent"))
    var share: String?
    @Flag(help: "Let it be read and logged beside the holders, and never answer.") var shadow =
        false
    @Flag(help: "End that.") var noShadow = false
    @Option(help: "Why; kept in the audit log.") var reason = ""
    @Flag(help: "Say what the gate would say, and change nothing.") var dryRun = false
    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard [share != nil, shadow, noShadow].count(where: \.self) <= 1 else {
            throw ValidationError("--share, --shadow and --no-shadow exclude each other")
        }
    }

    func run() async throws {
        var request = WirePromoteRequest()
        request.model = model
        request.version = version
        request.stage = stage
        request.reason = reason
        request.dryRun = dryRun
        if let share { request.share = try Share(text: share).hundredths }
        if shadow { request.shadow = .on }
        if noShadow { request.shadow = .off }
        let answer = try await options.client().promote(request)
        if request.shadow == .no {
            Verdict.show(answer, model: model, dryRun: dryRun, json: options.json)
        } else {
            Verdict.showShadow(answer, model: model, isOn: shadow, dryRun, json: options.json)
        }
        if !answer.passed { throw Refused() }
    }
}

struct Rollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give a stage back to those who held it before the version that came last."
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
            let answering = answer.shares.filter { $0.share > 0 }
            guard answering.count <= 1 else {
                Output.line("\(answer.stage) of \(model): \(ShareText.list(answering))")
                return
            }
            let before = answer.previous == 0 ? "" : ", in place of version \(answer.previous)"
            Output.line("\(version) is in \(answer.stage)\(before)")
        case (true, true): Output.line("\(version) would pass into \(answer.stage)")
        case (false, true): Output.line("\(version) would be refused \(answer.stage)")
        case (false, false):
            Output.line("\(version) is refused \(answer.stage) and stays in \(answer.from)")
        }
    }

    static func showShadow(
        _ answer: WirePromoteResponse,
        model: String,
        isOn: Bool,
        _ dryRun: Bool,
        json: Bool
    ) {
        guard !json else { return Output.json(self.json(answer, dryRun: dryRun)) }
        var table = TextTable(["rule", "outcome", "reason"])
        for rule in answer.rules { table.add([rule.rule, rule.outcome, rule.reason]) }
        if !answer.rules.isEmpty { Output.table(table) }
        let version = "\(model) version \(answer.version)"
        let verb = dryRun ? "would be" : "is"
        switch (answer.passed, isOn) {
        case (true, true): Output.line("\(version) \(verb) the shadow of \(answer.stage)")
        case (true, false): Output.line("\(version) \(verb) no shadow any more")
        case (false, _): Output.line("\(version) \(verb) refused as shadow of \(answer.stage)")
        }
    }

    private static func json(_ answer: WirePromoteResponse, dryRun: Bool) -> JSONValue {
        .object([
            ("passed", .bool(answer.passed)), ("dry_run", .bool(dryRun)),
            ("stage", .string(answer.stage)), ("from", .text(answer.from)),
            ("version", .uint(UInt64(answer.version))),
            ("previous", answer.previous == 0 ? .null : .uint(UInt64(answer.previous))),
            ("revision", .uint(answer.revision)),
            (
                "shares",
                .array(
                    answer.shares.map {
                        .object([
                            ("version", .uint(UInt64($0.version))),
                            ("share", .string(ShareText.of($0.share))),
                        ])
                    }
                )
            ),
            ("shadow", answer.shadow == 0 ? .null : .uint(UInt64(answer.shadow))),
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

/// Shares for people.
enum ShareText {
    static func of(_ hundredths: UInt32) -> String {
        Share(hundredths: hundredths)?.description ?? "?"
    }

    /// `3 (90%), 4 (10%)`.
    static func list(_ shares: [WireVersionShare]) -> String {
        shares.sorted { ($1.share, $0.version) < ($0.share, $1.version) }
            .map { "\($0.version) (\(of($0.share)))" }.joined(separator: ", ")
    }
}
