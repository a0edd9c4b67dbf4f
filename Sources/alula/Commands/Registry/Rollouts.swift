import ArgumentParser
import Client
import Domain
import Tabular
import Wire

/// Rollouts by hand: begin one, end one.
struct RolloutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollout",
        abstract: "Roll a version out to a stage step by step, or end that.",
        subcommands: [Start.self, Cancel.self]
    )

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begin to roll a version out by a plan.",
            discussion: """
                The first step is a promotion through the gate of the stage; the server takes the others as \
                the plan says, forward or back. Exits with 1 where the gate refuses.
                """
        )

        @Argument(help: "The model.") var model: String
        @Argument(help: "The version.") var version: UInt32
        @Option(help: "The plan, where several fit the model.") var plan = ""
        @Option(help: "Why; kept in the audit log.") var reason = ""
        @OptionGroup var options: ServerOptions

        func run() async throws {
            var request = WireStartRolloutRequest()
            request.model = model
            request.version = version
            request.plan = plan
            request.reason = reason
            let rollout = try await options.client().startRollout(request)
            RolloutText.show(rollout, json: options.json)
            if rollout.state == "refused" { throw Refused() }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End the rollout of a model; shares stay as they are, or go back."
        )

        @Argument(help: "The model.") var model: String
        @Flag(help: "Give the stage back to who held it before.") var back = false
        @Option(help: "Why; kept in the audit log.") var reason = ""
        @OptionGroup var options: ServerOptions

        func run() async throws {
            var request = WireCancelRolloutRequest()
            request.model = model
            request.back = back
            request.reason = reason
            RolloutText.show(
                try await options.client().cancelRollout(request),
                json: options.json
            )
        }
    }
}

struct Rollouts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "List rollouts, the newest first, with what those that run wait for; or the plans."
    )

    @Argument(help: "The model; else all.") var model: String?
    @Flag(help: "The plans in force.") var plans = false
    @Option(help: "So many at most.") var limit: UInt32 = 20
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let found = try await options.client().rollouts(of: model ?? "", limit: limit)
        if plans { return show(found.plans) }
        guard !options.json else {
            return Output.json(.array(found.rollouts.map(RolloutText.json)))
        }
        var table = TextTable([
            ("model", .left), ("version", .right), ("plan", .left), ("state", .left),
            ("step", .left), ("since", .left), ("why", .left),
        ])
        for rollout in found.rollouts {
            table.add([
                rollout.model, String(rollout.version), rollout.plan.name, rollout.state,
                RolloutText.step(rollout), Timestamp.text(rollout.sinceUs), rollout.reason,
            ])
        }
        Output.table(table)
    }

    private func show(_ plans: [WireRolloutPlan]) {
        guard !options.json else { return Output.json(.array(plans.map(RolloutText.json))) }
        var table = TextTable([
            ("plan", .left), ("model", .left), ("stage", .left), ("steps", .left), ("rules", .left),
        ])
        for plan in plans {
            let steps = plan.steps.map { step in
                ShareText.of(step.share)
                    + (step.holdUs > 0 ? " for \(TimeSpan(microseconds: step.holdUs))" : "")
            }
            table.add([
                plan.name, plan.model.isEmpty ? "any" : plan.model, plan.stage,
                steps.joined(separator: ", "), plan.rules.joined(separator: "; "),
            ])
        }
        Output.table(table)
    }
}

/// A rollout for people and for machines.
enum RolloutText {
    static func show(_ rollout: WireRollout, json: Bool) {
        guard !json else { return Output.json(self.json(rollout)) }
        if !rollout.gate.isEmpty {
            var table = TextTable(["rule", "outcome", "reason"])
            for rule in rollout.gate { table.add([rule.rule, rule.outcome, rule.reason]) }
            Output.table(table)
        }
        var text = "\(rollout.model) version \(rollout.version): \(rollout.state)"
        text += ", step \(step(rollout)) of \(rollout.plan.name)"
        Output.line(text + (rollout.reason.isEmpty ? "" : ": \(rollout.reason)"))
    }

    /// `2 of 3 (25%)`.
    static func step(_ rollout: WireRollout) -> String {
        let place = Int(rollout.step) - 1
        guard rollout.plan.steps.indices.contains(place) else { return "" }
        return "\(rollout.step) of \(rollout.plan.steps.count) "
            + "(\(ShareText.of(rollout.plan.steps[place].share)))"
    }

    static func json(_ rollout: WireRollout) -> JSONValue {
        .object([
            ("number", .uint(rollout.number)), ("model", .string(rollout.model)),
            ("version", .uint(UInt64(rollout.version))), ("plan", json(rollout.plan)),
            ("state", .string(rollout.state)), ("step", .uint(UInt64(rollout.step))),
            ("since", .time(rollout.sinceUs)), ("started", .time(rollout.startedUs)),
            ("ended", rollout.endedUs == 0 ? .null : .time(rollout.endedUs)),
            ("by", .string(rollout.actor)), ("reason", .string(rollout.reason)),
            ("evaluated", rollout.evaluatedUs == 0 ? .null : .time(rollout.evaluatedUs)),
            ("figures", .array(rollout.figures.map(json))),
            ("gate", Verdict.json(rollout.gate)),
        ])
    }

    static func json(_ plan: WireRolloutPlan) -> JSONValue {
        .object([
            ("name", .string(plan.name)), ("version", .uint(UInt64(plan.version))),
            ("model", .text(plan.model)), ("stage", .string(plan.stage)),
            (
                "steps",
                .array(
                    plan.steps.map { step in
                        .object([
                            ("share", .string(ShareText.of(step.share))),
                            ("for", .string("\(TimeSpan(microseconds: step.holdUs))")),
                        ])
                    }
                )
            ),
            ("rules", .array(plan.rules.map { .string($0) })),
        ])
    }

    private static func json(_ figure: WireRolloutFigure) -> JSONValue {
        .object([
            ("rule", .string(figure.rule)), ("outcome", .string(figure.outcome)),
            ("value", figure.hasValue ? .number(figure.value) : .null),
            ("threshold", figure.hasThreshold ? .number(figure.threshold) : .null),
            ("rows", .uint(figure.rows)), ("reason", .string(figure.reason)),
        ])
    }
}
