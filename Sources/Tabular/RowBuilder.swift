import Domain

/// The rows of one chunk as they grow. A row that turns out bad halfway is filled up and dropped when
/// the chunk is finished.
struct RowBuilder {
    let schema: Schema
    private let cells: [CellReader]
    private var builders: [ColumnBuilder]
    private var filled: [Bool]
    private var dropped: Set<Int> = []
    private(set) var count = 0
    /// The number in the source of the first row.
    var firstRow: UInt64 = 1
    /// Bytes of one row's slots of fixed width, and of offsets.
    private let fixedRowBytes: Int
    private let budget: Int

    init(_ columns: [TabularColumn]) {
        schema = Schema(fields: columns.map(\.field))
        cells = columns.map(CellReader.init)
        builders = columns.map { ColumnBuilder($0.field.type) }
        filled = [Bool](repeating: false, count: columns.count)
        fixedRowBytes = columns.reduce(0) { $0 + Self.fixedBytes($1.field.type) }
        let padding = 8 + columns.count + 64 * (4 * columns.count + 2)
        budget = max(Limits.frameBytes / 8, TabularReader.chunkBytes - padding)
    }

    /// Whether a record of so many bytes fits for certain; always true of an empty chunk. A character of
    /// text takes at most four bytes, as in `[1,1]` for int64[].
    func hasRoom(recordBytes: Int) -> Bool {
        guard count > 0 else { return true }
        return count < Limits.batchRows && bytes + fixedRowBytes + 4 * recordBytes <= budget
    }

    mutating func append(
        field: ArraySlice<UInt8>, isQuoted: Bool, column: Int
    ) throws(CellProblem) {
        try cells[column].append(field: field, isQuoted: isQuoted, to: &builders[column])
        filled[column] = true
    }

    mutating func append(json scanner: inout JSONScanner, column: Int) throws(CellProblem) {
        try cells[column].append(json: &scanner, to: &builders[column])
        filled[column] = true
    }

    func isFilled(_ column: Int) -> Bool { filled[column] }

    /// The first column that has no value yet and takes no null; the others become null.
    mutating func fillNulls() -> (column: Int, problem: CellProblem)? {
        for column in builders.indices where !filled[column] {
            do {
                try cells[column].appendNull(to: &builders[column])
                filled[column] = true
            } catch { return (column, error) }
        }
        return nil
    }

    /// Ends the row; gives the reason where it is too large to be taken.
    mutating func endRow(sizeBefore: Int) -> String? {
        guard bytes - sizeBefore <= Limits.rowBytes else {
            dropRow()
            return "the row is over the limit of \(Limits.rowBytes) bytes"
        }
        next()
        return nil
    }

    /// Ends the row as one that is not taken.
    mutating func dropRow() {
        for column in builders.indices where !filled[column] { builders[column].appendNull() }
        dropped.insert(count)
        next()
    }

    /// Bytes taken so far.
    var bytes: Int { builders.reduce(0) { $0 + $1.byteCount } }

    /// The rows that were taken, if any; the builder is empty afterwards, `firstRow` stays.
    mutating func finish() -> RecordBatch? {
        let rows = count
        let kept = dropped.isEmpty ? nil : (0..<rows).filter { !dropped.contains($0) }
        let columns = builders.map { $0.finish() }
        builders = schema.fields.map { ColumnBuilder($0.type, reservingRows: min(rows, 8_192)) }
        dropped = []
        count = 0
        let batch = RecordBatch(schema: schema, columns: columns, rowCount: rows)
        let taken = kept.map { batch.taking($0) } ?? batch
        return taken.rowCount == 0 ? nil : taken
    }

    private mutating func next() {
        count += 1
        for column in filled.indices { filled[column] = false }
    }

    private static func fixedBytes(_ type: ValueType) -> Int {
        let item = type.item.fixedWidth ?? 4
        switch type {
        case .scalar: return item + 1
        case .list: return 5
        case .fixedList(_, let length): return item * length + 1
        }
    }
}
