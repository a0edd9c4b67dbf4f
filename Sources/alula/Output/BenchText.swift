import Bench
import Domain
import Tabular

/// What a load measured, for people and for machines.
enum BenchText {
    private static let percentiles: [(name: String, value: Double)] = [
        ("p50", 50), ("p90", 90), ("p99", 99), ("p999", 99.9),
    ]

    static func show(_ names: [String], _ results: [LoadResult], json asJSON: Bool) {
        guard !asJSON else {
            return Output.json(
                .object([
                    ("loads", .array(zip(names, results).map { Self.json($0, $1) }))
                ])
            )
        }
        var table = TextTable([
            ("load", .left), ("requests/s", .right), ("rows/s", .right), ("p50 us", .right),
            ("p90 us", .right), ("p99 us", .right), ("p99.9 us", .right), ("max us", .right),
            ("failed", .right), ("client us", .right),
        ])
        for (name, result) in zip(names, results) {
            let counts = result.counts
            table.add(
                [
                    name, number(result.perSecond),
                    number(result.perSecond * Double(result.rowsPerRequest)),
                ]
                    + percentiles.map { number(counts.latency(percentile: $0.value)) }
                    + [
                        number(counts.greatestLatency), "\(counts.failed + counts.unanswered)",
                        number(result.clientMicroseconds),
                    ]
            )
        }
        Output.table(table)
        for (name, result) in zip(names, results) {
            Output.line(
                "\(name): requests of \(result.requestBytes) bytes, answers of "
                    + "\(result.bytesPerAnswer)\(statuses(result.counts.statuses))"
            )
            if let failure = result.counts.firstFailure {
                Output.line("  \(result.counts.failed) failed, the first: \(failure.message)")
            }
            if result.counts.unanswered > 0 {
                Output.line("  \(result.counts.unanswered) were due and had no answer at the end")
            }
        }
    }

    /// Three digits that count.
    static func number(_ value: Double) -> String {
        guard value < 100 else { return String(Int64(value.rounded())) }
        let tenths = Int64((value * (value < 10 ? 100 : 10)).rounded())
        let base: Int64 = value < 10 ? 100 : 10
        let rest = String(tenths % base)
        let padding = String(repeating: "0", count: (value < 10 ? 2 : 1) - rest.count)
        return "\(tenths / base).\(padding)\(rest)"
    }

    private static func statuses(_ statuses: StatusCounts) -> String {
        let total = statuses.counts.values.reduce(0, +)
        guard total > 0 else { return "" }
        let parts = statuses.counts.sorted { $0.key < $1.key }.map { name, count in
            "\(number(100 * Double(count) / Double(total))) % \(name)"
        }
        return "; of \(statuses.answers) decoded: " + parts.joined(separator: ", ")
    }

    private static func json(_ name: String, _ result: LoadResult) -> JSONValue {
        let counts = result.counts
        return .object([
            ("name", .string(name)),
            ("requests_per_second", .number(result.perSecond)),
            ("rows_per_second", .number(result.perSecond * Double(result.rowsPerRequest))),
            ("seconds", .number(result.seconds)),
            ("answered", .uint(counts.answered)),
            ("failed", .uint(counts.failed)),
            ("first_failure", counts.firstFailure.map { .string($0.message) } ?? .null),
            ("unanswered", .uint(counts.unanswered)),
            (
                "latency_us",
                .object(
                    [("mean", .number(counts.meanLatency))]
                        + percentiles.map { percentile in
                            (
                                percentile.name,
                                .number(counts.latency(percentile: percentile.value))
                            )
                        } + [("max", .number(counts.greatestLatency))]
                )
            ),
            ("request_bytes", .int(Int64(result.requestBytes))),
            ("answer_bytes", .int(Int64(result.bytesPerAnswer))),
            ("client_us_per_request", .number(result.clientMicroseconds)),
            ("decoded", .uint(counts.statuses.answers)),
            (
                "statuses",
                .object(
                    counts.statuses.counts.sorted { $0.key < $1.key }.map { ($0, .uint($1)) }
                )
            ),
        ])
    }
}
