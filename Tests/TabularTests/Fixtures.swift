import Domain
import Tabular

/// Reads a text to its end; each option a test sets means something.
func read(
    _ text: String,
    _ columns: [TabularColumn],
    format: TabularFormat = .csv,
    policy: BadRowPolicy = .stop,
    pieceBytes: Int = ByteSource.pieceBytes,
    chunkRows: Int = Limits.batchRows
) throws -> (rows: [[FeatureValue]], bad: BadRows, lines: [Int]) {
    try read(
        Array(text.utf8),
        columns,
        format: format,
        policy: policy,
        pieceBytes: pieceBytes,
        chunkRows: chunkRows
    )
}

func read(
    _ bytes: [UInt8],
    _ columns: [TabularColumn],
    format: TabularFormat = .csv,
    policy: BadRowPolicy = .stop,
    pieceBytes: Int = ByteSource.pieceBytes,
    chunkRows: Int = Limits.batchRows
) throws -> (rows: [[FeatureValue]], bad: BadRows, lines: [Int]) {
    var reader = try TabularReader(
        .bytes(bytes, name: "rows.\(format)", pieceBytes: pieceBytes),
        format: format,
        columns: columns,
        policy: policy,
        chunkRows: chunkRows
    )
    var rows: [[FeatureValue]] = []
    var lines: [Int] = []
    while let chunk = try reader.next() {
        for row in 0..<chunk.batch.rowCount { rows.append(chunk.batch.columns.map { $0[row] }) }
        lines += chunk.lines
    }
    return (rows, reader.badRows, lines)
}

/// The message of the error that reading ends with; nil where it succeeds.
func problem(
    _ text: String,
    _ columns: [TabularColumn],
    format: TabularFormat = .csv
) -> String? {
    do {
        _ = try read(text, columns, format: format)
        return nil
    } catch let error as AlulaError {
        return ([error.message] + error.details).joined(separator: "\n")
    } catch { return "\(error)" }
}

let key = TabularColumn("id", .int64, nulls: .refused("a key is never null"))
let text = TabularColumn("t", .string)

/// One column of every type.
let everyType: [TabularColumn] = [
    TabularColumn("b", .bool), TabularColumn("i", .int32), TabularColumn("l", .int64),
    TabularColumn("f", .float32), TabularColumn("d", .float64), TabularColumn("s", .string),
    TabularColumn("y", .bytes), TabularColumn("m", .timestamp),
    TabularColumn("li", .list(.int64)), TabularColumn("ls", .list(.string)),
    TabularColumn("e", .fixedList(.float32, length: 2)),
]

/// Values at their edges, and nulls, by the types above.
let everyValue: [[FeatureValue]] = [
    [
        .bool(true), .int32(.max), .int64(.min), .float32(1.5), .float64(-0.1),
        .string("a,\"b\"\r\nc"),
        .bytes([0, 255, 1, 2]), .timestamp(Timestamp(microseconds: 1_598_387_681_207_001)),
        .list([.int64(1), .int64(-2)]), .list([.string("x,y"), .string("")]),
        .list([.float32(0.25), .float32(-1)]),
    ],
    [
        .bool(false), .int32(.min), .int64(.max), .float32(.infinity), .float64(-.infinity),
        .string(""), .bytes([]), .timestamp(Timestamp(microseconds: -1)), .list([]), .list([]),
        .list([.float32(.greatestFiniteMagnitude), .float32(.leastNonzeroMagnitude)]),
    ],
    [
        .bool(false), .int32(0), .int64(0), .float32(0), .float64(.leastNonzeroMagnitude),
        .string("\u{FEFF}søster \u{1F600}\\ \u{1}\t"), .bytes([7]), .timestamp(.distantFuture),
        .list([.int64(.max)]), .list([.string("\"\n")]), .list([.float32(0), .float32(0)]),
    ],
    Array(repeating: .null, count: 11),
]

func batch(_ rows: [[FeatureValue]], _ columns: [TabularColumn]) throws -> RecordBatch {
    RecordBatch(
        schema: Schema(fields: columns.map(\.field)),
        columns: try columns.indices.map { column in
            try Column(columns[column].field.type, rows.map { $0[column] })
        },
        rowCount: rows.count
    )
}
