import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Forget: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete all rows of one key of an entity, everywhere and for good.",
        discussion: """
            Gone from every answer at every position at once, and from the files of the data directory when \
            this returns: history, staged imports, online rows, the log, kept spines. Rows that arrive \
            later for the same key are kept.
            """
    )

    @Argument(help: "The entity.") var entity: String
    @Argument(help: ArgumentHelp("The key.", valueName: "key=value")) var values: [String] = []
    @OptionGroup var confirmation: ConfirmationOptions
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        let key = try KeyValues(values).batch(keys: try await client.catalog().entity(entity).keys)
        guard key.rowCount == 1 else {
            throw AlulaError.invalid("one key is forgotten at a time: \(key.rowCount) are named")
        }
        let progress = Progress(json: options.json)
        let isAsked = !confirmation.dryRun && !confirmation.yes
        if confirmation.dryRun || isAsked {
            let planned = try await client.forget(entity: entity, key: key, dryRun: true) {
                Self.show($0, progress)
            }
            progress.finish()
            guard isAsked else { return show(planned) }
            if !options.json { show(planned) }
            try confirmation.confirm("Forget \(entity) \(values.joined(separator: " "))?")
        }
        do {
            let answer = try await client.forget(entity: entity, key: key) {
                Self.show($0, progress)
            }
            progress.finish()
            show(answer)
        } catch let error as AlulaError where error.code == .unavailable {
            progress.finish()
            throw AlulaError(
                .unavailable,
                error.message,
                help: "what was begun runs to its end, also after a restart of the server; "
                    + "say it again to be sure that it was begun"
            )
        }
    }

    private static func show(_ step: WireForgetProgress, _ progress: Progress) {
        progress.show(
            "forgetting: \(step.step)",
            done: step.done,
            total: step.total,
            note: step.total == 0 ? "" : "\(step.done) of \(step.total)"
        )
    }

    private func show(_ answer: WireForgetResponse) {
        let isPlan = answer.logEntry == 0
        guard !options.json else { return Output.json(Self.json(answer, isPlan: isPlan)) }
        var table = TextTable([
            ("view", .left), ("history", .right), ("staged", .right), ("online", .right),
        ])
        for view in answer.views {
            table.add([
                view.view, String(view.historyRows), String(view.stagedRows),
                String(view.onlineRows),
            ])
        }
        Output.table(table)
        Output.line("spine rows of training sets: \(answer.spineRows)")
        if answer.servedVectors > 0 {
            Output.line("vectors of the prediction log: \(answer.servedVectors)")
        }
        if !answer.trainingSets.isEmpty {
            Output.line(
                "training sets that used it, and \(isPlan ? "would answer" : "answer") incomplete "
                    + "from then on:"
            )
            for set in answer.trainingSets { Output.line("  \(set)") }
        }
        if !answer.outOfReach.isEmpty {
            Output.line("out of reach of this server:")
            for place in answer.outOfReach { Output.line("  - \(place)") }
        }
        if !isPlan { Output.line("forgotten with log entry \(answer.logEntry)") }
    }

    private static func json(_ answer: WireForgetResponse, isPlan: Bool) -> JSONValue {
        .object([
            ("dry_run", .bool(isPlan)),
            ("log_entry", isPlan ? .null : .uint(answer.logEntry)),
            (
                "views",
                .array(
                    answer.views.map { view in
                        .object([
                            ("view", .string(view.view)), ("history_rows", .uint(view.historyRows)),
                            ("staged_rows", .uint(view.stagedRows)),
                            ("online_rows", .uint(view.onlineRows)),
                        ])
                    }
                )
            ), ("spine_rows", .uint(answer.spineRows)),
            ("served_vectors", .uint(answer.servedVectors)),
            ("training_sets", .strings(answer.trainingSets)),
            ("out_of_reach", .strings(answer.outOfReach)),
        ])
    }
}
