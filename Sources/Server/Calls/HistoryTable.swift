import Domain
import Offline

/// The history of one entity as a batch: keys, times, positions, import, then the features.
enum HistoryTable {
    static func batch(_ history: HistoryRows, of view: FeatureView) -> RecordBatch {
        let rows = history.rows
        var recorded = ColumnBuilder(.timestamp, reservingRows: rows.count)
        var entries = ColumnBuilder(.int64, reservingRows: rows.count)
        var numbers = ColumnBuilder(.int64, reservingRows: rows.count)
        var imports = ColumnBuilder(.string)
        for row in 0..<rows.count {
            recorded.append(fixed: history.recorded[row].microseconds)
            entries.append(fixed: Int64(history.positions[row].entry))
            numbers.append(fixed: Int64(history.positions[row].row))
            if let id = history.importIDs[row] {
                imports.append(variable: Array(id.utf8))
            } else {
                imports.appendNull()
            }
        }
        let times: [(String, Column)] = [
            (RowColumn.eventTime, rows.event), (RowColumn.createdTime, rows.created),
            (RowColumn.recordedTime, recorded.finish()), (RowColumn.logEntry, entries.finish()),
            (RowColumn.logRow, numbers.finish()), (RowColumn.importID, imports.finish()),
        ]
        let columns =
            zip(view.entity.keys.map(\.name.text), rows.keys).map { ($0, $1) } + times
            + zip(view.features.map(\.name.text), rows.features).map { ($0, $1) }
        return RecordBatch(
            schema: Schema(fields: columns.map { .init(name: $0.0, type: $0.1.type) }),
            columns: columns.map(\.1),
            rowCount: rows.count
        )
    }
}
