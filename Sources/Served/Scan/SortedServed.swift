import Codec
package import Domain

/// The rows of a scan by prediction id, whatever the segments they stand in; one batch after the
/// other.
package struct SortedServed {
    private var cursor: ServedCursor
    /// Sorted, with the rows that later segments may still come before.
    private var waiting: RecordBatch?

    package init(_ cursor: ServedCursor) { self.cursor = cursor }

    package mutating func next(isCancelled: () -> Bool) throws -> RecordBatch? {
        while true {
            guard let batch = try cursor.next(isCancelled: isCancelled) else {
                defer { waiting = nil }
                return waiting
            }
            let all = Self.sorted(waiting.map { [$0, batch] } ?? [batch])
            waiting = all
            // Segments come by their first row: nothing before the next of them is to come.
            guard let next = cursor.nextStamp,
                let times = all[ServedColumn.servedTime]?.int64s
            else { continue }
            let done = times.firstIndex { $0 >= next } ?? times.count
            guard done > 0 else { continue }
            waiting = done == all.rowCount ? nil : Self.rows(done..<all.rowCount, of: all)
            return Self.rows(0..<done, of: all)
        }
    }

    private static func rows(_ range: Range<Int>, of batch: RecordBatch) -> RecordBatch {
        RecordBatch(
            schema: batch.schema,
            columns: batch.columns.map { $0.rows(range) },
            rowCount: range.count
        )
    }

    /// All have one schema.
    private static func sorted(_ batches: [RecordBatch]) -> RecordBatch {
        let schema = batches[0].schema
        let columns = schema.fields.indices.map { index in
            Column.joined(batches.map { $0.columns[index] }, type: schema.fields[index].type)
        }
        let rows = batches.reduce(0) { $0 + $1.rowCount }
        guard batches.count > 1, let place = schema.index(of: ServedColumn.predictionID) else {
            return RecordBatch(schema: schema, columns: columns, rowCount: rows)
        }
        let ids = (0..<rows).compactMap { PredictionID(columns[place].slice($0)) }
        guard ids.count == rows, zip(ids, ids.dropFirst()).contains(where: { $0 > $1 }) else {
            return RecordBatch(schema: schema, columns: columns, rowCount: rows)
        }
        let order = (0..<Int32(rows)).sorted { ids[Int($0)] < ids[Int($1)] }
        return RecordBatch(
            schema: schema,
            columns: columns.map { $0.taking(order[...]) },
            rowCount: rows
        )
    }
}
