import Codec
import Domain
import Online

/// The data section of an answer to READ, as `proto/README.md` draws it: the batch, then for each part of
/// the plan event times and statuses.
enum ReadAnswerCodec {
    /// Answers up to this size travel in the response itself.
    static let singleFrameBytes = Limits.frameBytes - (64 << 10)

    static func encode(
        _ vector: RecordBatch,
        _ answer: OnlineAnswer,
        rows: Range<Int>? = nil
    ) -> [UInt8] {
        let rows = rows ?? 0..<answer.rowCount
        var bytes = BatchCodec.encode(vector)
        for (times, statuses) in zip(answer.eventTimes, answer.statuses) {
            for time in times[rows] {
                var bits = UInt64(bitPattern: time)
                for _ in 0..<8 {
                    bytes.append(UInt8(truncatingIfNeeded: bits))
                    bits >>= 8
                }
            }
            bytes.append(contentsOf: statuses[rows])
            bytes.append(contentsOf: repeatElement(0, count: (8 - rows.count % 8) % 8))
        }
        return bytes
    }

    static func fitsOneFrame(_ vector: RecordBatch) -> Bool {
        vector.rowCount == 0
            || vector.byteCount(0..<vector.rowCount) <= singleFrameBytes
    }

    /// The answer in pieces that each fit a frame, in order; throws where one row does not.
    static func pieces(
        _ vector: RecordBatch,
        _ answer: OnlineAnswer,
        body: (_ rows: Int, _ data: [UInt8]) throws(AlulaError) -> Void
    ) throws(AlulaError) {
        for range in vector.ranges(maxBytes: singleFrameBytes) {
            let data = encode(vector.taking(range), answer, rows: range)
            guard data.count <= singleFrameBytes else {
                throw AlulaError(
                    .resourceExhausted,
                    "row \(range.lowerBound) of the answer takes \(data.count) bytes: "
                        + "at most \(singleFrameBytes) are sent",
                    help: "read a service with fewer features",
                    retry: .never
                )
            }
            try body(range.count, data)
        }
    }
}

extension RecordBatch {
    /// The batch cut into pieces of at most so many bytes of values, where they have more than one row;
    /// none for no rows.
    func pieces(maxBytes: Int) -> [RecordBatch] { ranges(maxBytes: maxBytes).map { taking($0) } }

    /// What these rows take as a batch, or as a part of an answer, at most.
    fileprivate func byteCount(_ rows: Range<Int>) -> Int {
        let values = columns.reduce(0) { $0 + $1.byteCount(rows) }
        // Up to three buffers a column, each at the next multiple of the alignment.
        let padding = values > BatchCodec.wideAlignmentFrom ? 192 : 24
        return values + columns.count * padding
    }

    /// The rows of those pieces: halves, until each is small enough.
    fileprivate func ranges(maxBytes: Int) -> [Range<Int>] {
        var done: [Range<Int>] = []
        var left = rowCount > 0 ? [0..<rowCount] : []
        while let range = left.popLast() {
            let bytes = byteCount(range)
            if range.count == 1 || bytes <= maxBytes && range.count <= Limits.batchRows {
                done.append(range)
            } else {
                let middle = (range.lowerBound + range.upperBound) / 2
                left.append(middle..<range.upperBound)
                left.append(range.lowerBound..<middle)
            }
        }
        return done
    }
}

extension Column {
    /// What these rows take in a batch, without padding, and in an answer with their time and status.
    fileprivate func byteCount(_ rows: Range<Int>) -> Int {
        var bytes = 9 * rows.count + rows.count / 8
        var items = rows
        switch type {
        case .scalar: break
        case .list:
            bytes += 4 * rows.count
            items = Int(offsets[rows.lowerBound])..<Int(offsets[rows.upperBound])
        case .fixedList(_, let length):
            items = rows.lowerBound * length..<rows.upperBound * length
        }
        if let width = type.item.fixedWidth { return bytes + width * items.count }
        guard type.item != .bool else { return bytes + items.count }
        let ends = itemOffsets.isEmpty ? offsets : itemOffsets
        return bytes + 4 * items.count + Int(ends[items.upperBound] - ends[items.lowerBound])
    }
}
