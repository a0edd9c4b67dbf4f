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
}

extension RecordBatch {
    /// The batch cut into pieces of about so many bytes, at least one row each; none for no rows.
    func pieces(maxBytes: Int) -> [RecordBatch] {
        guard rowCount > 0 else { return [] }
        let size = columns.reduce(0) { $0 + BatchCodec.byteCount($1) }
        let rows = max(1, min(Limits.batchRows, rowCount * maxBytes / max(1, size)))
        return stride(from: 0, to: rowCount, by: rows).map {
            taking($0..<min($0 + rows, rowCount))
        }
    }
}
