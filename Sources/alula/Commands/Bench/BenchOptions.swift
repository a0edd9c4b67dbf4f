import ArgumentParser
import Bench
import Client
import Domain

/// Which keys a load asks for.
struct BenchKeyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A single int64 key: so many from 0, or from one to another (default 100000).",
            valueName: "count|first-last"
        )
    )
    var ids: String?

    @Option(
        help: ArgumentHelp("Keys of any type: .csv or .ndjson of key columns.", valueName: "file")
    )
    var keyFile: String?

    @Option(
        help: ArgumentHelp(
            "Zipfian keys of this exponent, such as 0.99; else uniform.",
            valueName: "exponent"
        )
    )
    var zipf: Double?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("A request field, for every entity; else null.", valueName: "name=value")
    )
    var value: [String] = []

    func validate() throws {
        if ids != nil && keyFile != nil {
            throw ValidationError("--ids and --key-file: name one")
        }
        if let zipf, !(zipf > 0 && zipf <= 10) {
            throw ValidationError("--zipf \(zipf): expected an exponent above 0 and at most 10")
        }
    }

    var distribution: KeyDistribution { zipf.map { .zipfian(exponent: $0) } ?? .uniform }

    func idRange() throws(AlulaError) -> (first: Int64, count: Int) {
        let text = ids ?? "100000"
        if let count = Int(text), count > 0 { return (0, count) }
        let parts = text.split(separator: "-").compactMap { Int64($0) }
        guard parts.count == 2, parts[0] <= parts[1], parts[1] < .max,
            let count = Int(exactly: parts[1] - parts[0] + 1)
        else {
            throw .invalid("--ids \(text): expected a count, or FIRST-LAST such as 1000-1999")
        }
        return (parts[0], count)
    }
}

/// How hard and how long.
struct BenchPaceOptions: ParsableArguments {
    @Option(help: "Connections, each with one request in flight.") var connections = 1
    @Option(help: "Threads that share the connections.") var threads = 1
    @Option(
        help: ArgumentHelp(
            "Open loop: requests a second of all connections together.",
            valueName: "per-second"
        )
    )
    var rate: Double?
    @Option(help: "Seconds that count.") var duration = 5.0
    @Option(help: "Seconds before them.") var warmUp = 1.0
    @Option(
        help: ArgumentHelp(
            "Push to a view meanwhile, so many rows a second, keys as above.",
            valueName: "view:rows"
        )
    )
    var write: String?
    @Option(help: "Rows of each such push.") var writeBatch = 100
    @Option(help: "Of so many answers one is decoded.") var decodeEvery = 1_000
    @Option(help: "The same requests for the same number.") var seed: UInt64 = 1

    func plan(_ requests: (RequestFrames, AnswerCheck), address: ServerAddress) -> LoadPlan {
        LoadPlan(
            address: address,
            requests: requests.0,
            check: requests.1,
            connections: connections,
            threads: threads,
            pace: rate.map { .open(perSecond: $0) } ?? .closed,
            warmUp: warmUp,
            duration: duration,
            decodeEvery: decodeEvery,
            seed: seed
        )
    }

    static func viewAndRate(_ text: String) throws(AlulaError) -> (view: String, rate: Double) {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let rate = Double(parts[1]), rate > 0 else {
            throw .invalid("--write \(text): expected VIEW:ROWS, such as stats:5000")
        }
        return (String(parts[0]), rate)
    }
}
