import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Push: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write rows of a view: NDJSON on standard input.",
        discussion: """
            One object a line: join keys, event time, features, and created time if known. Exits with 1 \
            where a row is refused; the others are written.
            """
    )

    @Argument(help: "The view.") var view: String
    @Option(help: TimeUnit.help) var timeUnit: TimeUnit?
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        let definition = try await client.catalog().view(view)
        let name = try FeatureViewName(view, as: "view")
        var reader = try TabularReader(
            .standardInput(),
            format: .ndjson,
            columns: try definition.pushColumns(integerTimes: .option(timeUnit)),
            policy: .skip,
            chunkRows: 4_096
        )
        var summary = Summary()
        while let chunk = try reader.next() {
            summary.add(try await client.push(chunk.batch, to: name), lines: chunk.lines)
        }
        summary.add(reader.badRows)
        show(summary)
        if summary.refused > 0 { throw Refused() }
    }

    private func show(_ summary: Summary) {
        guard !options.json else {
            return Output.json(
                .object(
                    PushStatus.allCases.map { ($0.name, .uint(summary.counts[$0] ?? 0)) } + [
                        ("log_entry", summary.logEntry.map { .uint($0) } ?? .null),
                        ("problems", .strings(summary.problems)),
                    ]
                )
            )
        }
        let words = PushStatus.allCases.compactMap { status in
            summary.counts[status].map { "\($0) \(status.name)" }
        }
        Output.line(words.isEmpty ? "no rows" : words.joined(separator: ", "))
        for problem in summary.problems.prefix(20) { Output.line("  \(problem)") }
        if summary.refused > UInt64(min(20, summary.problems.count)) {
            Output.line("  and \(summary.refused - UInt64(min(20, summary.problems.count))) more")
        }
    }

    /// What became of all rows.
    private struct Summary {
        var counts: [PushStatus: UInt64] = [:]
        var problems: [String] = []
        var logEntry: UInt64?

        var refused: UInt64 { (counts[.inFuture] ?? 0) + (counts[.invalid] ?? 0) }

        mutating func add(_ outcome: PushOutcome, lines: [Int]) {
            for status in outcome.statuses { counts[status, default: 0] += 1 }
            logEntry = outcome.logEntry ?? logEntry
            for problem in outcome.problems where problems.count < 100 {
                let line = lines.indices.contains(problem.row) ? lines[problem.row] : 0
                problems.append("standard input line \(line): \(problem.reason)")
            }
        }

        mutating func add(_ bad: BadRows) {
            guard bad.count > 0 else { return }
            counts[.invalid, default: 0] += UInt64(bad.count)
            problems = Array((problems + bad.messages).prefix(100))
        }
    }
}
