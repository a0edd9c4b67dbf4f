import Domain
import Tabular

/// Rows of history, for people and for machines.
enum HistoryText {
    /// A table with the verdict first, and without the sign that keeps these names from being
    /// features'.
    static func table(_ batch: RecordBatch) -> TextTable {
        var order = Array(batch.schema.fields.indices)
        if let verdict = batch.schema.index(of: RowColumn.verdict) {
            order.removeAll { $0 == verdict }
            order.insert(verdict, at: 0)
        }
        let fields = order.map { index in
            let field = batch.schema.fields[index]
            let name = field.name.hasPrefix("@") ? String(field.name.dropFirst()) : field.name
            return Schema.Field(name: name, type: field.type)
        }
        return TextTable(
            RecordBatch(
                schema: Schema(fields: fields),
                columns: order.map { batch.columns[$0] },
                rowCount: batch.rowCount
            )
        )
    }

    /// One object a line.
    static func lines(_ batch: RecordBatch) {
        var text: [UInt8] = []
        TextWriter(.ndjson, schema: batch.schema).append(batch, to: &text)
        print(String(decoding: text, as: UTF8.self), terminator: "")
    }

    /// The rows of a batch as objects.
    static func json(_ batch: RecordBatch) -> JSONValue {
        .array(
            (0..<batch.rowCount).map { row in
                .object(
                    zip(batch.schema.fields, batch.columns).map { field, column in
                        (field.name, .value(column[row]))
                    }
                )
            }
        )
    }
}
