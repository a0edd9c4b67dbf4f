import Codec
import Domain

extension RecordBatch {
    /// The batch cut into pieces of at most so many bytes of values, where they have more than one row;
    /// none for no rows.
    func pieces(maxBytes: Int) -> [RecordBatch] { ranges(maxBytes: maxBytes).map { taking($0) } }

    /// What these rows take as a batch at most.
    private func byteCount(_ rows: Range<Int>) -> Int {
        let values = columns.reduce(0) { $0 + $1.byteCount(rows) }
        // Up to three buffers a column, each at the next multiple of the alignment.
        let padding = values > BatchCodec.wideAlignmentFrom ? 192 : 24
        return values + columns.count * padding
    }

    /// The rows of those pieces: halves, until each is small enough.
    private func ranges(maxBytes: Int) -> [Range<Int>] {
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
    /// What these rows take in a batch, without padding.
    fileprivate func byteCount(_ rows: Range<Int>) -> Int {
        var bytes = 1 + rows.count / 8
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
