package import Domain

/// Turns CSV or NDJSON into record batches of a schema, chunk by chunk, in bounded memory.
///
/// Chunks are cut by rules that depend on the source and the columns alone, so that reading a
/// source again gives the same chunks. No chunk is over `chunkBytes` in memory or on the wire.
package struct TabularReader {
    package struct Chunk {
        package var batch: RecordBatch
        /// The number in the source of its first row, from 1; rows left out are counted.
        package var firstRow: UInt64
        /// For each row of the batch, the line of the source it begins on.
        package var lines: [Int]
    }

    /// Bytes of a chunk with all padding of its buffers.
    package static let chunkBytes = Limits.frameBytes - 8_192

    /// The columns of every batch.
    package let schema: Schema
    /// The rows left out so far.
    package private(set) var badRows = BadRows()
    /// Rows met so far, good and bad.
    package private(set) var rowsRead: UInt64 = 0

    private var records: any RecordReading
    private let policy: BadRowPolicy
    private let help: String
    private var rows: RowBuilder
    private var isAtEnd = false

    /// Reads the header of a CSV file; every way in which it does not match is reported at once.
    ///
    /// `help` says what to do about a row that stops the reading; columns of these names that are
    /// not asked for are `ignored`, any other is refused.
    package init(
        _ source: ByteSource,
        format: TabularFormat,
        columns: [TabularColumn],
        ignored: [String] = [],
        policy: BadRowPolicy = .stop,
        help: String = "mend the row",
        chunkRows: Int = Limits.batchRows
    ) throws(AlulaError) {
        self.policy = policy
        self.help = help
        switch format {
        case .csv:
            let reader = try CSVReader(source, columns: columns, ignored: Set(ignored))
            let present = columns.indices.filter { reader.present.contains($0) }.map { columns[$0] }
            schema = Schema(fields: present.map(\.field))
            rows = RowBuilder(present, maxRows: chunkRows)
            records = reader
        case .ndjson:
            schema = Schema(fields: columns.map(\.field))
            rows = RowBuilder(columns, maxRows: chunkRows)
            records = try NDJSONReader(source, columns: columns, ignored: Set(ignored))
        }
    }

    /// Bytes of the source read so far.
    package var bytesRead: UInt64 { records.bytesRead }

    /// The next chunk; nil at the end of the source.
    package mutating func next() throws(AlulaError) -> Chunk? {
        while !isAtEnd {
            guard let size = try records.advance() else {
                isAtEnd = true
                break
            }
            rowsRead += 1
            var finished: Chunk?
            if !rows.hasRoom(recordBytes: size) { finished = finishChunk() }
            if rows.count == 0 { rows.firstRow = rowsRead }
            if let problem = records.read(into: &rows) { try report(problem) }
            if let finished { return finished }
        }
        return finishChunk()
    }

    private mutating func finishChunk() -> Chunk? {
        guard let (batch, lines) = rows.finish() else { return nil }
        return Chunk(batch: batch, firstRow: rows.firstRow, lines: lines)
    }

    private mutating func report(_ problem: String) throws(AlulaError) {
        guard policy == .skip else {
            throw .invalid(problem, help: help)
        }
        badRows.add(problem)
    }
}

/// What the readers of the formats have in common.
protocol RecordReading {
    var bytesRead: UInt64 { get }

    /// Goes to the next record and gives its size in bytes; nil at the end.
    mutating func advance() throws(AlulaError) -> Int?

    /// Appends the record as a row, or as a bad row, and then says where and why.
    mutating func read(into rows: inout RowBuilder) -> String?
}
