import Domain
import GRDB

/// Of the points of one series that came together: which is last, and the ranks of the least and
/// the greatest.
private struct SeriesPiece {
    var last: Metric
    /// Whether others of them have its step and time.
    var isTied = false
    var least: Int64?
    var greatest: Int64?

    init(_ metric: Metric) {
        last = metric
        least = metric.rank
        greatest = metric.rank
    }

    mutating func add(_ metric: Metric) {
        let (old, new) = ((last.step, last.time), (metric.step, metric.time))
        if new >= old {
            isTied = new == old
            last = metric
        }
        guard let rank = metric.rank else { return }
        least = min(least ?? rank, rank)
        greatest = max(greatest ?? rank, rank)
    }
}

extension Metric {
    /// The order of float64 values as integers, as the column `rank` has it; nil for NaN.
    fileprivate var rank: Int64? {
        guard !value.isNaN else { return nil }
        let bits = Int64(bitPattern: value.bitPattern)
        return bits >= 0 ? bits : Int64.min - bits
    }
}

extension RegistryTables {
    /// Brings up to date what is known of each series that has got points.
    func summarise(_ metrics: [Metric], of run: RunRow) throws {
        var pieces: [[String]: SeriesPiece] = [:]
        for metric in metrics {
            let series = [metric.name.text, metric.dataSet]
            if pieces[series]?.add(metric) == nil { pieces[series] = SeriesPiece(metric) }
        }
        for (series, piece) in pieces {
            let last = piece.last
            let bits = Int64(bitPattern: last.value.bitPattern)
            let stored = try row(
                Self.upsertSeries,
                [
                    run.number, series[0], series[1], last.step, last.time.microseconds, bits,
                    piece.least, piece.greatest,
                ]
            )
            guard let stored, stored["step"] == last.step,
                stored["time"] == last.time.microseconds, piece.isTied || stored["bits"] != bits
            else { continue }
            try execute(
                """
                UPDATE run_series AS s SET bits = (
                    SELECT bits FROM run_metric p WHERE p.run = s.run AND p.name = s.name
                        AND p.data_set = s.data_set AND p.step = s.step AND p.time = s.time
                    ORDER BY number DESC LIMIT 1)
                WHERE run = ? AND name = ? AND data_set = ?
                """,
                [run.number, series[0], series[1]]
            )
        }
    }

    private static let upsertSeries = """
        INSERT INTO run_series (run, name, data_set, step, time, bits, least, greatest)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (run, name, data_set) DO UPDATE SET
            bits = CASE WHEN (excluded.step, excluded.time) > (step, time)
                THEN excluded.bits ELSE bits END,
            time = CASE WHEN (excluded.step, excluded.time) > (step, time)
                THEN excluded.time ELSE time END,
            step = max(step, excluded.step),
            least = min(ifnull(least, excluded.least), ifnull(excluded.least, least)),
            greatest = max(ifnull(greatest, excluded.greatest), ifnull(excluded.greatest, greatest))
        RETURNING step, time, bits
        """
}
