import Codec
import Domain
import Offline

/// A spine in memory, in pages of equal length whatever the batches were in which it came.
struct SpinePages: Sendable {
    static let pageRows = 1_024

    let schema: Schema
    fileprivate(set) var pages: [RecordBatch] = []

    var rowCount: Int {
        pages.isEmpty
            ? 0 : (pages.count - 1) * SpinePages.pageRows + pages[pages.count - 1].rowCount
    }

    /// The rows of a range that begins with a page, and ends with one or with the spine.
    func columns(_ range: Range<Int>) -> [Column] {
        precondition(range.lowerBound % SpinePages.pageRows == 0)
        let last = (range.upperBound + SpinePages.pageRows - 1) / SpinePages.pageRows
        let taken = pages[range.lowerBound / SpinePages.pageRows..<last]
        return schema.fields.enumerated().map { index, field in
            Column.joined(taken.map { $0.columns[index] }, type: field.type)
        }
    }
}

/// Takes a spine batch by batch and cuts it into pages.
struct SpineReader {
    private let layout: SpineLayout
    private(set) var pages: SpinePages
    private(set) var rowCount = 0
    /// What does not fill a page yet.
    private var rest: [RecordBatch] = []
    private var restRows = 0

    init(_ layout: SpineLayout) {
        self.layout = layout
        pages = SpinePages(schema: layout.schema)
    }

    /// Answers the pages that are full now.
    mutating func append(_ batch: RecordBatch) throws(AlulaError) -> ArraySlice<RecordBatch> {
        guard rowCount + batch.rowCount <= SortedSpine.mostRows else {
            throw AlulaError(.outOfRange, "a spine has at most \(SortedSpine.mostRows) rows")
        }
        rowCount += batch.rowCount
        let before = pages.pages.count
        var start = 0
        while start < batch.rowCount {
            let taken = min(SpinePages.pageRows - restRows, batch.rowCount - start)
            rest.append(batch.slice(start..<start + taken))
            restRows += taken
            start += taken
            if restRows == SpinePages.pageRows { endPage() }
        }
        return pages.pages[before...]
    }

    /// Answers the last page, where one is begun.
    mutating func finish() -> RecordBatch? {
        guard restRows > 0 else { return nil }
        endPage()
        return pages.pages.last
    }

    private mutating func endPage() {
        let columns = layout.schema.fields.enumerated().map { index, field in
            Column.joined(rest.map { $0.columns[index] }, type: field.type)
        }
        pages.pages.append(
            RecordBatch(schema: layout.schema, columns: columns, rowCount: restRows)
        )
        rest = []
        restRows = 0
    }

    /// The spine by these key columns and the event time.
    func sorted(by keys: [FeatureService.KeyColumn]) throws(AlulaError) -> SortedSpine {
        var builder = SortedSpine.Builder(keyTypes: keys.map(\.type))
        let indices = keys.compactMap { layout.schema.index(of: $0.name.text) }
        for (number, page) in pages.pages.enumerated() {
            var columns: [Column] = []
            for (key, index) in zip(keys, indices) {
                columns.append(
                    try SpineKey.column(
                        page.columns[index],
                        as: key,
                        firstRow: number * SpinePages.pageRows
                    )
                )
            }
            try builder.append(keys: columns, times: page.columns[layout.eventTime])
        }
        return builder.finish()
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
