import Domain
import GRDB

/// Metrics of runs: series of points, each with its last point at hand.
extension RegistryTables {
    /// The last point is that of the greatest step, then of the greatest time, then the one that
    /// came last.
    private struct Series {
        var id: Int64
        var points: Int64
        var step: Int64
        var time: Int64
        var bits: Int64
        var number: Int64
        var least: Int64?
        var greatest: Int64?

        mutating func add(_ metric: Metric) {
            points += 1
            if let rank = metric.rank {
                least = min(least ?? rank, rank)
                greatest = max(greatest ?? rank, rank)
            }
            let time = metric.time.microseconds
            guard (metric.step, time) >= (step, self.time) else { return }
            (step, self.time, number) = (metric.step, time, points)
            bits = Int64(bitPattern: metric.value.bitPattern)
        }
    }

    private struct SeriesName: Hashable {
        var name: String
        var dataSet: String
    }

    /// A point that is there already is not added again; true where a metric is new.
    func add(metrics: [Metric], to run: RunRow) throws -> Bool {
        guard !metrics.isEmpty else { return false }
        var hasNew = false
        let insert = try database.cachedStatement(
            sql: "INSERT OR IGNORE INTO metric_point VALUES (?, ?, ?, ?, ?)"
        )
        var touched: [SeriesName: Series] = [:]
        for metric in metrics {
            let key = SeriesName(name: metric.name.text, dataSet: metric.dataSet)
            var series = try touched[key] ?? series(key, of: run, startingWith: metric)
            try insert.execute(arguments: [
                series.id, metric.step, metric.time.microseconds,
                Int64(bitPattern: metric.value.bitPattern), series.points + 1,
            ])
            hasNew = hasNew || series.points == 0
            if database.changesCount > 0 { series.add(metric) }
            touched[key] = series
        }
        for series in touched.values {
            try execute(
                """
                UPDATE run_series SET points = ?, step = ?, time = ?, bits = ?, number = ?,
                    least = ?, greatest = ?
                WHERE id = ?
                """,
                [
                    series.points, series.step, series.time, series.bits, series.number,
                    series.least,
                    series.greatest, series.id,
                ]
            )
        }
        return hasNew
    }

    private func series(
        _ key: SeriesName,
        of run: RunRow,
        startingWith first: Metric
    ) throws -> Series {
        let found = try row(
            "SELECT * FROM run_series WHERE run = ? AND name = ? AND data_set = ?",
            [run.number, key.name, key.dataSet]
        )
        if let found {
            return Series(
                id: found["id"],
                points: found["points"],
                step: found["step"],
                time: found["time"],
                bits: found["bits"],
                number: found["number"],
                least: found["least"],
                greatest: found["greatest"]
            )
        }
        let known = try row(
            "SELECT count(*) AS count FROM run_series WHERE run = ?",
            [run.number]
        )
        guard (known?["count"] ?? 0) < Limits.runEntries else {
            throw AlulaError.refused("a run has at most \(Limits.runEntries) metrics")
        }
        let bits = Int64(bitPattern: first.value.bitPattern)
        try execute(
            """
            INSERT INTO run_series (run, name, data_set, points, step, time, bits, number)
            VALUES (?, ?, ?, 0, ?, ?, ?, 1)
            """,
            [run.number, key.name, key.dataSet, first.step, first.time.microseconds, bits]
        )
        return Series(
            id: database.lastInsertedRowID,
            points: 0,
            step: first.step,
            time: first.time.microseconds,
            bits: bits,
            number: 1
        )
    }

    /// Every point by name, data set, step and time.
    func history(of run: RunRow) throws -> [Metric] {
        var series: [(id: Int64, name: MetricName, dataSet: String)] = []
        try forEach(
            "SELECT id, name, data_set FROM run_series WHERE run = ? ORDER BY name, data_set",
            [run.number]
        ) { series.append(($0[0], try MetricName($0[1], as: "metric"), $0[2])) }
        var points: [Metric] = []
        for (id, name, dataSet) in series {
            try forEach(
                """
                SELECT step, time, bits FROM metric_point WHERE series = ?
                ORDER BY step, time, number
                """,
                [id]
            ) {
                points.append(
                    Metric(
                        name: name,
                        value: Double(bitPattern: UInt64(bitPattern: $0[2])),
                        step: $0[0],
                        time: Timestamp(microseconds: $0[1]),
                        dataSet: dataSet
                    )
                )
            }
        }
        return points
    }

    /// Of the columns name, data_set, step, time and bits, which begin at a place.
    static func metric(_ row: Row, from place: Int) throws -> Metric {
        Metric(
            name: try MetricName(row[place], as: "metric"),
            value: Double(bitPattern: UInt64(bitPattern: row[place + 4])),
            step: row[place + 2],
            time: Timestamp(microseconds: row[place + 3]),
            dataSet: row[place + 1]
        )
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
