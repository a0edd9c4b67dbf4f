import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Compact: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Apply retention and merge each view's history into one segment.",
        discussion: """
            The server merges segments by itself, and applies retention once a day; this does it at once. \
            Retention is what a view's definition says; rows that it takes are in no answer any more, and \
            training sets that used them answer incomplete.
            """
    )

    @Argument(help: "Views; none for all of the project.") var views: [String] = []
    @Flag(help: "Say what retention would take, and change nothing.") var dryRun = false
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let progress = Progress(json: options.json)
        let answer = try await options.client().compact(views, dryRun: dryRun) { step in
            progress.show(
                "compacting \(step.view)",
                done: step.rowsDone,
                total: step.rowsTotal,
                note: counted(step.rowsDone, "row"),
                counting: .rows
            )
        }
        progress.finish()
        guard !options.json else { return Output.json(json(answer)) }
        show(answer)
    }

    private func show(_ answer: WireCompactResponse) {
        var table = TextTable([
            ("view", .left), ("segments", .right), (dryRun ? "" : "now", .right),
            ("rows", .right), (dryRun ? "would retire" : "retired", .right),
        ])
        for view in answer.views {
            table.add([
                view.view, String(view.segmentsBefore), dryRun ? "" : String(view.segmentsAfter),
                String(view.rows), String(view.rowsRetired),
            ])
        }
        Output.table(table)
        for view in answer.views where !view.trainingSets.isEmpty {
            Output.line("")
            Output.line(
                "training sets that used rows of \(view.view) which retention "
                    + (dryRun ? "would take, and would answer" : "took, and answer")
                    + " incomplete from then on:"
            )
            for set in view.trainingSets { Output.line("  \(set)") }
        }
    }

    private func json(_ answer: WireCompactResponse) -> JSONValue {
        .object([
            ("dry_run", .bool(dryRun)),
            (
                "views",
                .array(
                    answer.views.map { view in
                        .object([
                            ("view", .string(view.view)),
                            ("segments_before", .uint(view.segmentsBefore)),
                            ("segments_after", .uint(view.segmentsAfter)),
                            ("rows", .uint(view.rows)), ("rows_retired", .uint(view.rowsRetired)),
                            ("training_sets", .strings(view.trainingSets)),
                        ])
                    }
                )
            ),
        ])
    }
}
