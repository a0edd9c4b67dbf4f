import Codec
import Domain
import GRDB

/// A row group that holds rows of forgotten keys, and what it is to be without them.
struct GroupErasure: Sendable {
    var group: StoredGroup
    /// Rows that go, by the log entry of the deletion.
    var taken: [UInt64: UInt64]
    /// What is left; nil where nothing is.
    var rest: Rest?

    struct Rest: Sendable {
        var rows: Int
        var minKey: [UInt8]
        var maxKey: [UInt8]
        var minEvent: Int64
        var maxEvent: Int64
        var blocks: [[UInt8]]
    }

    /// Nil where the group holds no such row.
    init?(
        _ group: StoredGroup,
        forgotten: ForgottenKeys,
        keyTypes: [KeyType],
        _ reading: BlockReading
    ) throws {
        let keys = try group.keys(keyTypes, reading)
        var positions: RowPositions?
        var taken: [UInt64: UInt64] = [:]
        var isTaken = [Bool](repeating: false, count: group.rows)
        for place in forgotten.places(from: group.minKey, through: group.maxKey) {
            let first = keys.firstIndex(from: 0, notBefore: forgotten.keys, place)
            let end = keys.firstIndex(from: first, after: forgotten.keys, place)
            guard first < end else { continue }
            let known = try positions ?? group.positions(keyTypes, reading)
            positions = known
            for row in first..<end {
                guard let deletion = known.deletion(row, forgotten.rules[place]) else { continue }
                isTaken[row] = true
                taken[deletion, default: 0] += 1
            }
        }
        guard !taken.isEmpty else { return nil }
        self.group = group
        self.taken = taken
        let kept = isTaken.indices.filter { !isTaken[$0] }.map(Int32.init)
        guard let first = kept.first, let last = kept.last else { return }
        var events: [Int64] = []
        var blocks: [[UInt8]] = []
        for (index, type) in try group.types(keyTypes).enumerated() {
            let column = try group.column(index, type, reading).taking(kept[...])
            if index == keyTypes.count { events = column.int64s }
            blocks.append(BlockCodec.encode(column))
        }
        rest = Rest(
            rows: kept.count,
            minKey: keys.canonicalBytes(Int(first)),
            maxKey: keys.canonicalBytes(Int(last)),
            minEvent: events.min() ?? 0,
            maxEvent: events.max() ?? 0,
            blocks: blocks
        )
    }
}

extension ForgottenKeys {
    /// The keys between these two, both included, in canonical bytes.
    func places(from least: [UInt8], through greatest: [UInt8]) -> Range<Int> {
        func first(_ isBefore: ([UInt8]) -> Bool) -> Int {
            var (low, high) = (0, keys.count)
            while low < high {
                let middle = (low + high) / 2
                if isBefore(keys.canonicalBytes(middle)) { low = middle + 1 } else { high = middle }
            }
            return low
        }
        let start = first { $0.lexicographicallyPrecedes(least) }
        let end = first { !greatest.lexicographicallyPrecedes($0) }
        return start..<max(start, end)
    }
}
