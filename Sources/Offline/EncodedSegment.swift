import Codec
import Domain
import Synchronization

/// The rows of a new segment, sorted and encoded: all of it that does not need the file.
struct EncodedSegment: Sendable {
    struct Group: Sendable {
        var rows: Int
        /// The first and the last key, in canonical bytes.
        var keys: (first: [UInt8], last: [UInt8])
        var events: ClosedRange<Int64>
        /// A block for each column, in the order of the file.
        var blocks: [[UInt8]]
    }

    let view: FeatureViewID
    let features: String
    let rows: Int
    let entries: ClosedRange<Int64>
    let events: ClosedRange<Int64>
    private(set) var groups: [Group]

    /// With fewer values than so many, another core would come too late.
    private static let manyValues = 20_000

    init(_ segment: NewSegment, groupRows: Int) throws(AlulaError) {
        let rows = segment.rows
        let keys = SortableKeys(rows.keys.compactMap(\.keyType), columns: rows.keys)
        let order = RowSorting.order(keys: keys, event: rows.event, created: rows.created)
        let times = rows.event.int64s
        view = rows.view
        features = FeatureSlots.encode(segment.layout)
        self.rows = rows.count
        entries = Self.range(segment.entries)
        events = Self.range(times)
        let parts = stride(from: 0, to: order.count, by: groupRows).map {
            order[$0..<min($0 + groupRows, order.count)]
        }
        groups = parts.map { part in
            let (first, last) = (Int(part[part.startIndex]), Int(part[part.endIndex - 1]))
            return Group(
                rows: part.count,
                keys: (keys.canonicalBytes(first), keys.canonicalBytes(last)),
                events: Self.range(part.lazy.map { times[Int($0)] }),
                blocks: []
            )
        }
        let positions = [Column(uint32s: segment.numbers), Column(int64s: segment.entries)]
        let columns = rows.keys + [rows.event, rows.created] + positions + rows.features
        let blocks = try Self.encode(columns, parts)
        for index in groups.indices {
            let first = index * columns.count
            groups[index].blocks = Array(blocks[first..<first + columns.count])
        }
    }

    /// Part by part, its columns.
    private static func encode(
        _ columns: [Column],
        _ parts: [ArraySlice<Int32>]
    ) throws(AlulaError) -> [[UInt8]] {
        let count = parts.count * columns.count
        let encode: @Sendable (Int) -> [UInt8] = { index in
            let (part, column) = index.quotientAndRemainder(dividingBy: columns.count)
            return BlockCodec.encode(columns[column].taking(parts[part]))
        }
        guard columns.count * (columns.first?.count ?? 0) >= manyValues else {
            return (0..<count).map(encode)
        }
        let blocks = Mutex([[UInt8]](repeating: [], count: count))
        try inParallel(count) { index in
            let block = encode(index)
            blocks.withLock { $0[index] = block }
        }
        return blocks.withLock { $0 }
    }

    private static func range(_ values: some Sequence<Int64>) -> ClosedRange<Int64> {
        var (least, greatest) = (Int64.max, Int64.min)
        for value in values { (least, greatest) = (min(least, value), max(greatest, value)) }
        return least <= greatest ? least...greatest : 0...0
    }
}
