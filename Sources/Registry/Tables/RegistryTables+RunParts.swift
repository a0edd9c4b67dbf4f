import Domain
import GRDB

/// What hangs on a run.
struct RunParts {
    var params: [String: String] = [:]
    var metrics: [Metric] = []
    var tags: [String: String] = [:]
    var environment: [String: String] = [:]
    var inputs: [RunItem] = []
    var outputs: [RunItem] = []
}

extension RegistryTables {
    /// Of runs whose numbers lie in a range, each with the last point of each metric.
    func runParts(_ range: ClosedRange<Int64>) throws -> [Int64: RunParts] {
        var found: [Int64: RunParts] = [:]
        let bounds: StatementArguments = [range.lowerBound, range.upperBound]
        let within = "WHERE run BETWEEN ? AND ?"
        func parts(_ sql: String, _ take: (Row, inout RunParts) throws -> Void) throws {
            try forEach(sql, bounds) { try take($0, &found[$0[0], default: RunParts()]) }
        }
        try parts("SELECT run, key, value FROM run_param \(within)") {
            $1.params[$0[1]] = $0[2] as String
        }
        try parts("SELECT run, key, value FROM run_tag \(within)") {
            $1.tags[$0[1]] = $0[2] as String
        }
        try parts("SELECT run, key, value FROM run_environment \(within)") {
            $1.environment[$0[1]] = $0[2] as String
        }
        try parts(
            """
            SELECT run, name, data_set, step, time, bits FROM run_series \(within)
            ORDER BY run, name, data_set
            """
        ) { try $1.metrics.append(Self.metric($0, from: 1)) }
        try parts(
            """
            SELECT run, direction, kind, target, name, bytes FROM run_item \(within)
            ORDER BY run, direction, kind, name, target
            """
        ) { row, parts in
            let item = try Self.item(row)
            switch Direction(rawValue: row[1]) {
            case .input: parts.inputs.append(item)
            case .output: parts.outputs.append(item)
            case nil: throw AlulaError.corrupt("an item of a run is neither read nor made")
            }
        }
        return found
    }

    private static func item(_ row: Row) throws -> RunItem {
        guard let kind = RunItem.Kind(rawValue: row[2]) else {
            throw AlulaError.corrupt("an \(row[1] as String) of a run has an unknown kind")
        }
        return RunItem(
            kind: kind,
            target: row[3],
            name: row[4],
            bytes: UInt64(clamping: row[5] as Int64)
        )
    }
}
