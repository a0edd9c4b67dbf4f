import Codec
import Domain
import Synchronization

/// Rows of one run of an import, gathered chunk by chunk, on their way to sorted groups.
final class ImportRows: @unchecked Sendable {
    let layout: RowLayout
    /// Of keys, event and created time, then features; numbers of rows stand between these.
    private let types: [ValueType]
    private let keyCount: Int
    /// Columns of at most eight bytes a value.
    private let wide: WideRows
    /// For each column whether it stands in `wide`.
    private let isWide: [Bool]
    /// Of each chunk the other columns.
    private var others: [[Domain.Column]] = []
    /// Of each chunk keys, event and created time: what is sorted by.
    private var order: [[Domain.Column]] = []
    /// Of `others` and `order`.
    private var columnBytes = 0

    var count: Int { wide.count }
    /// What the rows take in memory, about.
    var byteCount: Int { wide.count * wide.rowBytes + columnBytes }

    init(like rows: FeatureRows, layout: RowLayout) {
        self.layout = layout
        keyCount = rows.keys.count
        types = rows.columns.map(\.type)
        isWide = types.map(WideRows.holds)
        wide = WideRows(types.filter(WideRows.holds))
    }

    func append(_ rows: FeatureRows) {
        let columns = rows.columns
        wide.append(zip(columns, isWide).filter(\.1).map(\.0))
        others.append(zip(columns, isWide).filter { !$0.1 }.map(\.0))
        order.append(Array(columns[..<(keyCount + 2)]))
        for (index, column) in columns.enumerated()
        where !isWide[index] || index < keyCount + 2 {
            columnBytes += BatchCodec.byteCount(column)
        }
    }

    /// Forgets all rows, and keeps memory for others.
    func removeAll() {
        wide.removeAll()
        (others, order, columnBytes) = ([], [], 0)
    }

    /// Sorted once, by what all groups are cut from.
    func sorted() -> Sorted {
        let columns = (0..<keyCount + 2).map { index in
            Domain.Column.joined(order.map { $0[index] }, type: types[index])
        }
        order = []
        let keys = SortableKeys(
            columns[..<keyCount].compactMap(\.keyType),
            columns: Array(columns[..<keyCount])
        )
        let (event, created) = (columns[keyCount], columns[keyCount + 1])
        let narrow = types.indices.filter { !isWide[$0] }.enumerated().map { place, index in
            Domain.Column.joined(others.map { $0[place] }, type: types[index])
        }
        others = []
        return Sorted(
            rows: self,
            keys: keys,
            events: event.int64s,
            others: narrow,
            order: RowSorting.order(keys: keys, event: event, created: created)
        )
    }

    struct Sorted: Sendable {
        fileprivate let rows: ImportRows
        fileprivate let keys: SortableKeys
        fileprivate let events: [Int64]
        fileprivate let others: [Domain.Column]
        fileprivate let order: [Int32]

        var count: Int { order.count }
        var layout: RowLayout { rows.layout }

        /// Encodes groups of `groupRows` rows on all cores, some at a time, and hands them over.
        ///
        /// They come in their order; rows are numbered as they arrived.
        func encode(
            groupRows: Int,
            firstNumber: UInt32,
            body: (EncodedGroup) throws(AlulaError) -> Void
        ) throws(AlulaError) {
            let groups = stride(from: 0, to: order.count, by: groupRows).map {
                order[$0..<min($0 + groupRows, order.count)]
            }
            for first in stride(from: 0, to: groups.count, by: Self.groupsAtOnce) {
                let part = groups[first..<min(first + Self.groupsAtOnce, groups.count)]
                let encoded = Mutex([Int: EncodedGroup]())
                try inParallel(part.count) { index in
                    let group = encode(part[part.startIndex + index], firstNumber: firstNumber)
                    encoded.withLock { $0[index] = group }
                }
                let all = encoded.withLock { $0 }
                for index in 0..<part.count {
                    if let group = all[index] { try body(group) }
                }
            }
        }

        private static let groupsAtOnce = 4

        private func encode(_ group: ArraySlice<Int32>, firstNumber: UInt32) -> EncodedGroup {
            var wide = rows.wide.taking(group)[...]
            var blocks = rows.isWide.indices.map { index -> [UInt8] in
                if rows.isWide[index], let column = wide.popFirst() {
                    return BlockCodec.encode(column)
                }
                let place = rows.isWide[..<index].count { !$0 }
                return BlockCodec.encode(others[place].taking(group))
            }
            let numbers = Domain.Column(uint32s: group.map { firstNumber + UInt32($0) })
            blocks.insert(BlockCodec.encode(numbers), at: rows.keyCount + 2)
            var (oldest, newest) = (Int64.max, Int64.min)
            for row in group {
                oldest = min(oldest, events[Int(row)])
                newest = max(newest, events[Int(row)])
            }
            return EncodedGroup(
                rows: group.count,
                keys: SegmentMap.KeySpan(
                    least: keys.canonicalBytes(Int(group[group.startIndex])),
                    greatest: keys.canonicalBytes(Int(group[group.endIndex - 1]))
                ),
                events: oldest...newest,
                entries: 0...0,
                blocks: blocks
            )
        }
    }
}

extension FeatureRows {
    /// Keys, times and features.
    fileprivate var columns: [Domain.Column] { keys + [event, created] + features }
}
