import Codec
import Domain
import Offline

/// Cuts a spine into pages of equal length, whatever the batches were in which it came.
struct SpinePages {
    static let pageRows = 1_024

    private let schema: Schema
    private(set) var rowCount = 0
    /// What does not fill a page yet.
    private var rest: [RecordBatch] = []
    private var restRows = 0

    init(_ schema: Schema) { self.schema = schema }

    /// Answers the pages that are full now.
    mutating func append(_ batch: RecordBatch) -> [RecordBatch] {
        rowCount += batch.rowCount
        var pages: [RecordBatch] = []
        var start = 0
        while start < batch.rowCount {
            let taken = min(SpinePages.pageRows - restRows, batch.rowCount - start)
            rest.append(batch.slice(start..<start + taken))
            restRows += taken
            start += taken
            if restRows == SpinePages.pageRows, let page = finish() { pages.append(page) }
        }
        return pages
    }

    /// Answers the last page, where one is begun.
    mutating func finish() -> RecordBatch? {
        guard restRows > 0 else { return nil }
        defer {
            rest = []
            restRows = 0
        }
        guard rest.count > 1 else { return rest.first }
        let columns = schema.fields.enumerated().map { index, field in
            Column.joined(rest.map { $0.columns[index] }, type: field.type)
        }
        return RecordBatch(schema: schema, columns: columns, rowCount: restRows)
    }
}

/// Rows of a spine that are joined in one go.
struct SpineChunk {
    let layout: SpineLayout
    /// Pages of any length.
    private(set) var pages: [RecordBatch] = []
    private(set) var rowCount = 0
    /// The number of its first row in the spine.
    let firstRow: Int

    init(_ layout: SpineLayout, firstRow: Int) {
        self.layout = layout
        self.firstRow = firstRow
    }

    mutating func append(_ page: RecordBatch) {
        pages.append(page)
        rowCount += page.rowCount
    }

    /// Each column in one piece.
    func columns() -> [GatheredColumn] {
        layout.schema.fields.enumerated().map { index, field in
            let column = GatheredColumn(field.type, count: rowCount)
            var start = 0
            for page in pages {
                column.place(page.columns[index], from: start)
                start += page.rowCount
            }
            return column
        }
    }

    /// The rows by these key columns and the event time.
    func sorted(by keys: [FeatureService.KeyColumn]) throws(AlulaError) -> SortedSpine {
        var builder = SortedSpine.Builder(keyTypes: keys.map(\.type))
        let indices = keys.compactMap { layout.schema.index(of: $0.name.text) }
        var row = firstRow
        for page in pages {
            var columns: [Column] = []
            for (key, index) in zip(keys, indices) {
                columns.append(try SpineKey.column(page.columns[index], as: key, firstRow: row))
            }
            try builder.append(keys: columns, times: page.columns[layout.eventTime])
            row += page.rowCount
        }
        return builder.finish()
    }

    /// The halves, where there is more than one row.
    func halves() -> [SpineChunk]? {
        guard rowCount > 1 else { return nil }
        let whole = pages
        let parts: (first: [RecordBatch], second: [RecordBatch])
        if whole.count > 1 {
            let middle = whole.count / 2
            parts = (Array(whole[..<middle]), Array(whole[middle...]))
        } else {
            let middle = rowCount / 2
            parts = ([whole[0].slice(0..<middle)], [whole[0].slice(middle..<rowCount)])
        }
        var first = SpineChunk(layout, firstRow: firstRow)
        for page in parts.first { first.append(page) }
        var second = SpineChunk(layout, firstRow: firstRow + first.rowCount)
        for page in parts.second { second.append(page) }
        return [first, second]
    }
}

/// The memory that one training set may take, beside what waits for the client.
struct TrainingMemory: Sendable {
    /// For the rows of a spine that are joined in one go, and their answer.
    var chunkBytes = 640 << 20
    /// For the values of one column of no fixed width.
    var textBytes = Limits.gatherBytes
    /// Of all sets that are being made.
    var working = WorkingBytes(limit: .max)

    /// How many rows of a spine are joined in one go.
    func chunkRows(_ layout: SpineLayout) -> Int {
        let pages = chunkBytes / bytesOfRow(layout) / SpinePages.pageRows
        return max(1, pages) * SpinePages.pageRows
    }

    /// Of the spine, its order and its answer.
    func bytesOfRow(_ layout: SpineLayout) -> Int {
        let answer = layout.answerSchema.fields.reduce(0) { $0 + 1 + Self.rowBytes($1.type) }
        let spine = layout.schema.fields.reduce(0) { $0 + 1 + Self.rowBytes($1.type) }
        let order = 40 + 24 * layout.plan.views.count
        return answer + spine + order
    }

    /// For types of no fixed width a guess.
    private static func rowBytes(_ type: ValueType) -> Int {
        type == .bool ? 1 : type.fixedRowBytes ?? 64
    }
}

extension RecordBatch {
    /// The rows of this range.
    func slice(_ range: Range<Int>) -> RecordBatch {
        guard range != 0..<rowCount else { return self }
        return RecordBatch(
            schema: schema,
            columns: columns.map { $0.rows(range) },
            rowCount: range.count
        )
    }
}
