import Codec
import Dispatch
import Domain
import Offline

/// Sends the columns of an answer in batches that fit a frame, and takes their digest and their
/// profile meanwhile.
final class AnswerWriter {
    /// What a batch is to take at most where it has more than one row: a frame has its control
    /// message too.
    static let goalBytes = Limits.frameBytes - (64 << 10)
    /// Rows of columns of no fixed width that are put in order at once.
    private static let windowRows = 8_192

    private let schema: Schema
    private let digest: TableDigest
    private let profiler: TableProfiler?
    private let emit: (Schema, BatchAssembler) throws -> Void
    private var firstRow = 0

    init(
        _ schema: Schema,
        profiler: TableProfiler? = nil,
        emit: @escaping (Schema, BatchAssembler) throws -> Void
    ) {
        self.schema = schema
        self.profiler = profiler
        self.emit = emit
        digest = TableDigest(schema)
    }

    /// The columns of the schema, with `count` rows more.
    func write(
        _ columns: [GatheredColumn],
        rows count: Int,
        isCancelled: () -> Bool
    ) throws {
        let texts = columns.map { $0.isFixedWidth ? nil : $0.texts() }
        let hashing = DispatchGroup()
        let (digest, profiler) = (digest, profiler)
        DispatchQueue.global().async(group: hashing) {
            digest.add(columns, texts, rows: count)
            profiler?.add(columns, texts, rows: count)
        }
        defer { hashing.wait() }
        if texts.allSatisfy({ $0 == nil }) {
            try sendFixed(columns, rows: count, isCancelled)
        } else {
            try sendMixed(columns, texts, rows: count, isCancelled)
        }
        firstRow += count
    }

    func finish() -> ContentDigest { digest.finish() }

    private func sendFixed(
        _ columns: [GatheredColumn],
        rows count: Int,
        _ isCancelled: () -> Bool
    ) throws {
        let sources = columns.map(BatchAssembler.Source.gathered)
        // Bits of one row, with its validity.
        let width = columns.reduce(0) { $0 + $1.type.rowBits + 1 }
        let room = AnswerWriter.goalBytes - BatchAssembler.paddingBytes(schema)
        let step = min(max(1, room * 8 / max(1, width) - 8), Limits.batchRows)
        for start in stride(from: 0, to: count, by: step) {
            try checkCancelled(isCancelled)
            try send(sources, start..<min(start + step, count), firstRow + start)
        }
    }

    private func sendMixed(
        _ columns: [GatheredColumn],
        _ texts: [GatheredTexts?],
        rows count: Int,
        _ isCancelled: () -> Bool
    ) throws {
        let room = AnswerWriter.goalBytes - BatchAssembler.paddingBytes(schema)
        for first in stride(from: 0, to: count, by: AnswerWriter.windowRows) {
            let window = first..<min(first + AnswerWriter.windowRows, count)
            let parts = zip(columns, texts).map { $1?.column(window) ?? $0.column(window) }
            let widths = RowWidths(parts)
            var start = 0
            while start < window.count {
                try checkCancelled(isCancelled)
                var end = start
                var bytes = 0
                while end < window.count {
                    let width = widths.bytes(end)
                    guard end == start || bytes + width <= room else { break }
                    bytes += width
                    end += 1
                }
                let rows = start..<end
                try send(
                    parts.map { .column($0.rows(rows)) },
                    0..<rows.count,
                    firstRow + first + start
                )
                start = end
            }
        }
    }

    private func send(
        _ sources: [BatchAssembler.Source],
        _ rows: Range<Int>,
        _ number: Int
    ) throws {
        let batch = BatchAssembler(sources, rows: rows)
        guard batch.byteCount <= AnswerWriter.goalBytes else {
            throw AlulaError(
                .resourceExhausted,
                "row \(number) of the training set takes \(batch.byteCount) bytes: "
                    + "at most \(AnswerWriter.goalBytes) are sent",
                help: "take fewer features, or fewer columns of the spine"
            )
        }
        try emit(schema, batch)
    }
}

extension ValueType {
    /// Bits of one row's value; the type is of fixed width.
    fileprivate var rowBits: Int { self == .bool ? 1 : 8 * (fixedRowBytes ?? 0) }
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
