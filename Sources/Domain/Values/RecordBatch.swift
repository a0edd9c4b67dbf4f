/// Rows as columns of equal length.
public struct RecordBatch: Sendable, Hashable {
    public let schema: Schema
    public let columns: [Column]
    public let rowCount: Int

    /// Traps where the columns differ from the schema or in length: whoever calls has built them so.
    public init(schema: Schema, columns: [Column], rowCount: Int) {
        precondition(schema.fields.count == columns.count)
        precondition(columns.allSatisfy { $0.count == rowCount })
        precondition(zip(schema.fields, columns).allSatisfy { $0.type == $1.type })
        self.schema = schema
        self.columns = columns
        self.rowCount = rowCount
    }

    /// The column of this name; nil where there is none.
    public subscript(name: String) -> Column? {
        schema.index(of: name).map { columns[$0] }
    }

    /// The rows of these indices, in their order.
    public func taking(_ rows: some Collection<Int>) -> RecordBatch {
        let taken = columns.map { column in
            var builder = ColumnBuilder(column.type, reservingRows: rows.count)
            for row in rows { builder.append(row: row, of: column) }
            return builder.finish()
        }
        return RecordBatch(schema: schema, columns: taken, rowCount: rows.count)
    }
}
