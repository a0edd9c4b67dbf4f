import Codec
import Domain

/// Cuts columns into record batches that fit a frame with room to spare, whatever the width of a
/// row.
enum BatchCutter {
    /// What a batch is to take at most, encoded, where it has more than one row.
    static let goalBytes = 512 << 10
    /// What one row may take: a frame has its control message too.
    static let mostBytes = Limits.frameBytes - (64 << 10)

    /// Gives the batches in order.
    ///
    /// `firstRow` is the number of the first row, for messages.
    static func cut(
        _ batch: RecordBatch,
        firstRow: Int,
        body: (RecordBatch) throws -> Void
    ) throws {
        let widths = RowWidths(batch.columns)
        let padding = paddingBytes(batch.schema, alignment: 64)
        // Small batches are aligned to 8 only, so that many columns do not fill them with padding.
        let limit =
            padding <= goalBytes / 2 ? goalBytes - padding : BatchCodec.wideAlignmentFrom
        var start = 0
        while start < batch.rowCount {
            var end = start
            var bytes = 0
            while end < batch.rowCount, end - start < Limits.batchRows {
                let width = widths.bytes(end)
                guard end == start || bytes + width <= limit else { break }
                bytes += width
                end += 1
            }
            let piece = batch.slice(start..<end)
            if bytes > limit { try checkFits(piece, row: firstRow + start) }
            try body(piece)
            start = end
        }
    }

    private static func checkFits(_ batch: RecordBatch, row: Int) throws(AlulaError) {
        let size = BatchCodec.encode(batch).count
        guard size <= mostBytes else {
            throw AlulaError(
                .resourceExhausted,
                "row \(row) of the training set takes \(size) bytes: at most \(mostBytes) are sent",
                help: "take fewer features, or fewer columns of the spine"
            )
        }
    }

    private static func paddingBytes(_ schema: Schema, alignment: Int) -> Int {
        let buffers = schema.fields.reduce(1) { count, field in
            let offsets: Int =
                switch field.type {
                case .scalar, .fixedList: [.string, .bytes].contains(field.type.item) ? 1 : 0
                case .list: [.string, .bytes].contains(field.type.item) ? 2 : 1
                }
            return count + 2 + offsets
        }
        return (buffers + 1) * alignment + 4 * (schema.fields.count + 2)
    }
}

/// How many bytes each row of some columns takes when encoded, without padding, rounded up.
private struct RowWidths {
    private var fixed = 0
    private var variable: [Column] = []

    init(_ columns: [Column]) {
        for column in columns {
            fixed += 1
            if let width = column.type.fixedRowBytes {
                fixed += width
            } else if case .fixedList(.bool, let length) = column.type {
                fixed += length
            } else if column.type == .bool {
                fixed += 1
            } else {
                variable.append(column)
            }
        }
    }

    func bytes(_ row: Int) -> Int {
        variable.reduce(fixed) { $0 + RowWidths.bytes(row, of: $1) }
    }

    private static func bytes(_ row: Int, of column: Column) -> Int {
        let items: Range<Int>
        switch column.type {
        case .scalar: return 4 + Int(column.offsets[row + 1] - column.offsets[row])
        case .list: items = Int(column.offsets[row])..<Int(column.offsets[row + 1])
        case .fixedList(_, let length): items = row * length..<(row + 1) * length
        }
        guard column.itemOffsets.isEmpty else {
            let size = column.itemOffsets[items.upperBound] - column.itemOffsets[items.lowerBound]
            return 4 + 4 * items.count + Int(size)
        }
        return 4 + items.count * (column.type.item.fixedWidth ?? 1)
    }
}
