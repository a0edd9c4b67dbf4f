package import Domain

/// The keys of sorted rows: each once, and where its rows begin.
package struct KeyRuns: Sendable {
    package let keys: SortableKeys
    /// One for each key, and the number of rows at the end.
    package let starts: [Int32]

    /// Rows of equal keys stand together; the columns have no nulls.
    package init(_ types: [KeyType], columns: [Column]) {
        let rows = columns.first?.count ?? 0
        var keys = SortableKeys(types)
        var starts: [Int32] = []
        if keys.isExact {
            columns[0].values.withUnsafeBytes { raw in
                let values = raw.bindMemory(to: Int64.self)
                for row in 0..<rows where row == 0 || values[row] != values[row - 1] {
                    starts.append(Int32(row))
                    keys.append(int64: values[row])
                }
            }
        } else {
            for row in 0..<rows where row == 0 || KeyRuns.differs(columns, row) {
                starts.append(Int32(row))
                keys.append(columns, row: row)
            }
        }
        starts.append(Int32(rows))
        self.keys = keys
        self.starts = starts
    }

    /// Whether the row's key is not that of the row before.
    private static func differs(_ columns: [Column], _ row: Int) -> Bool {
        for column in columns {
            if column.type == .int64 {
                let (here, before) = (
                    column.load(row, as: Int64.self), column.load(row - 1, as: Int64.self)
                )
                if here != before { return true }
            } else if column.slice(row) != column.slice(row - 1) {
                return true
            }
        }
        return false
    }
}

extension SortableKeys {
    /// Appends a key that is one int64.
    mutating func append(int64 key: Int64) { append(exact: UInt64(bitPattern: key) ^ 1 << 63) }
}
