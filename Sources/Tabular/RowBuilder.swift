import Domain

/// The rows of one chunk as they grow.
///
/// A row that turns out bad halfway is filled up and dropped when the chunk is finished.
struct RowBuilder {
    let schema: Schema
    private let cells: [CellReader]
    private var builders: [ColumnBuilder]
    private var filled: [Bool]
    private var dropped: Set<Int> = []
    private var lines: [Int] = []
    private let maxRows: Int
    private(set) var count = 0
    /// The number in the source of the first row.
    var firstRow: UInt64 = 1
    /// Bytes of one row's slots of fixed width, and of offsets.
    private let fixedRowBytes: Int
    private let budget: Int

    init(_ columns: [TabularColumn], maxRows: Int) {
        self.maxRows = min(maxRows, Limits.batchRows)
        schema = Schema(fields: columns.map(\.field))
        cells = columns.map(CellReader.init)
        builders = columns.map { ColumnBuilder($0.field.type) }
        filled = [Bool](repeating: false, count: columns.count)
        fixedRowBytes = columns.reduce(0) { $0 + Self.fixedBytes($1.field.type) }
        // Headers, maps and alignment, and the schema where it travels with the rows.
        let padding =
            8 + 64 * (4 * columns.count + 2)
            + columns.reduce(0) { $0 + 32 + $1.field.name.utf8.count }
        budget = max(Limits.frameBytes / 8, TabularReader.chunkBytes - padding)
    }

    /// Whether a record of so many bytes fits for certain; always true of an empty chunk.
    ///
    /// A character of text takes at most four bytes, as in `[1,1]` for int64[].
    func hasRoom(recordBytes: Int) -> Bool {
        guard count > 0 else { return true }
        return count < maxRows && bytes + fixedRowBytes + 4 * recordBytes <= budget
    }

    mutating func append(
        field: ArraySlice<UInt8>,
        isQuoted: Bool,
        column: Int
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
    mutating func endRow(sizeBefore: Int, line: Int) -> String? {
        guard bytes - sizeBefore <= Limits.rowBytes else {
            dropRow(line: line)
            return "the row is over the limit of \(Limits.rowBytes) bytes"
        }
        next(line)
        return nil
    }

    /// Ends the row as one that is not taken.
    mutating func dropRow(line: Int) {
        for column in builders.indices where !filled[column] { builders[column].appendNull() }
        dropped.insert(count)
        next(line)
    }

    /// Bytes taken so far.
    var bytes: Int { builders.reduce(0) { $0 + $1.byteCount } }

    /// The rows that were taken and their lines, if any; the builder is empty afterwards,
    /// `firstRow` stays.
    mutating func finish() -> (batch: RecordBatch, lines: [Int])? {
        let rows = count
        let batch = RecordBatch(
            schema: schema,
            columns: builders.map { $0.finish() },
            rowCount: rows
        )
        let all = lines
        let gone = dropped
        builders = schema.fields.map { ColumnBuilder($0.type, reservingRows: min(rows, 8_192)) }
        (dropped, lines, count) = ([], [], 0)
        guard gone.count < rows else { return nil }
        guard !gone.isEmpty else { return (batch, all) }
        let kept = (0..<rows).filter { !gone.contains($0) }
        return (batch.taking(kept), kept.map { all[$0] })
    }

    private mutating func next(_ line: Int) {
        count += 1
        lines.append(line)
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
