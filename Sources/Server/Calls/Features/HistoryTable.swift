import Domain
import Offline

/// Rows of history as a batch: keys, times, positions, import, verdict where one is asked for, then
/// the features.
enum HistoryTable {
    static func batch(
        _ history: HistoryRows,
        of view: FeatureView,
        withVerdicts: Bool
    ) -> RecordBatch {
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
        var told = [
            rows.event, rows.created, recorded.finish(), entries.finish(), numbers.finish(),
            imports.finish(),
        ]
        if withVerdicts {
            var verdicts = ColumnBuilder(.string)
            for verdict in history.verdicts { verdicts.append(variable: Array(verdict.utf8)) }
            told.append(verdicts.finish())
        }
        return RecordBatch(
            schema: schema(of: view, withVerdicts: withVerdicts),
            columns: rows.keys + told + rows.features,
            rowCount: rows.count
        )
    }

    static func schema(of view: FeatureView, withVerdicts: Bool) -> Schema {
        var fields = view.entity.keys.map {
            Schema.Field(name: $0.name.text, type: $0.type.valueType)
        }
        fields += [RowColumn.eventTime, RowColumn.createdTime, RowColumn.recordedTime].map {
            Schema.Field(name: $0, type: .timestamp)
        }
        fields += [RowColumn.logEntry, RowColumn.logRow].map {
            Schema.Field(name: $0, type: .int64)
        }
        fields.append(Schema.Field(name: RowColumn.importID, type: .string))
        if withVerdicts { fields.append(Schema.Field(name: RowColumn.verdict, type: .string)) }
        return Schema(
            fields: fields + view.features.map { .init(name: $0.name.text, type: $0.type) }
        )
    }
}
