import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check all that the server stores: every block, row, artifact and record.",
        discussion: "Reads everything, of all projects. Exits with 1 where something is wrong."
    )

    @OptionGroup var options: ServerOptions

    func run() async throws {
        let progress = Progress(json: options.json)
        let answer = try await options.client().verify { step in
            progress.show(
                "checking \(step.part)",
                done: step.done,
                total: step.total,
                note: step.total == 0 ? String(step.done) : "\(step.done) of \(step.total)"
            )
        }
        progress.finish()
        if options.json { Output.json(Self.json(answer)) } else { show(answer) }
        if answer.problemCount > 0 { throw Refused() }
    }

    private func show(_ answer: WireVerifyResponse) {
        var table = TextTable([("part", .left), ("checked", .left)])
        table.add([
            "history",
            "\(counted(answer.historyRows, "row")), \(counted(answer.segments, "segment")), "
                + counted(answer.blocks, "block"),
        ])
        table.add(["online", counted(answer.onlineRows, "row")])
        table.add([
            "prediction log",
            "\(counted(answer.servedRows, "row")), \(counted(answer.servedSegments, "segment")), "
                + counted(answer.servedBlocks, "block"),
        ])
        table.add(["artifacts", counted(answer.artifacts, "file")])
        table.add(["registry", counted(answer.trainingSets, "training set")])
        Output.table(table)
        guard answer.problemCount > 0 else { return Output.line("all is well") }
        Output.line("\(counted(answer.problemCount, "problem")):")
        for problem in answer.problems { Output.line("  - \(problem)") }
        let more = answer.problemCount - min(answer.problemCount, UInt64(answer.problems.count))
        if more > 0 { Output.line("  and \(more) more") }
    }

    private static func json(_ answer: WireVerifyResponse) -> JSONValue {
        .object([
            ("problem_count", .uint(answer.problemCount)), ("problems", .strings(answer.problems)),
            ("segments", .uint(answer.segments)), ("history_rows", .uint(answer.historyRows)),
            ("blocks", .uint(answer.blocks)), ("online_rows", .uint(answer.onlineRows)),
            ("served_segments", .uint(answer.servedSegments)),
            ("served_rows", .uint(answer.servedRows)),
            ("served_blocks", .uint(answer.servedBlocks)),
            ("artifacts", .uint(answer.artifacts)), ("training_sets", .uint(answer.trainingSets)),
        ])
    }
}
