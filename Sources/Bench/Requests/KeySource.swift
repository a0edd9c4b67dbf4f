package import Domain

/// Where the keys of requests come from.
package enum KeySource: Sendable {
    /// A single int64 key, drawn anew for every request from `first`, `first + 1`, ….
    case ids(IDTable)
    /// Rows of key columns, of which requests hold some, drawn before the load begins.
    case rows(RecordBatch, KeyDistribution)

    package static func ids(
        first: Int64,
        count: Int,
        _ distribution: KeyDistribution,
        seed: UInt64
    ) -> KeySource {
        .ids(
            IDTable(
                first: first,
                draws: KeyDraws(count: count, distribution),
                isUniform: distribution == .uniform,
                seed: seed
            )
        )
    }

    /// Throws where the keys cannot be those of a service or a view.
    func check(_ keys: [Schema.Field]) throws(AlulaError) {
        switch self {
        case .ids:
            guard keys.count == 1, keys[0].type == .scalar(.int64) else {
                throw .invalid(
                    "ids of a range are for a single int64 key: found "
                        + keys.map { "\($0.name) (\($0.type))" }.joined(separator: ", "),
                    help: "give the keys in a file: --key-file keys.csv"
                )
            }
        case .rows(let batch, _):
            guard batch.rowCount > 0 else { throw .invalid("the file of keys has no rows") }
        }
    }

    /// Key columns of some rows; marks where the keys are drawn for each request.
    func columns(
        _ keys: [Schema.Field],
        rows: Int,
        _ random: inout RandomStream
    ) -> [Column] {
        guard case .rows(let batch, let distribution) = self else {
            return [Marks.column(.scalar(.int64), Marks.ids, rows: rows)]
        }
        let draws = KeyDraws(count: batch.rowCount, distribution)
        let chosen = (0..<rows).map { _ in draws.draw(&random) }
        return batch.columns.map { column in
            var builder = ColumnBuilder(column.type, reservingRows: rows)
            for row in chosen { builder.append(row: row, of: column) }
            return builder.finish()
        }
    }
}
