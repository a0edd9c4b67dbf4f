import Codec
package import Domain

/// The keys and event times of a spine, sorted once for all views that are joined on the same
/// columns.
///
/// Rows with a null in a key or without an event time are left out: they join nothing.
package struct SortedSpine: Sendable {
    /// Rows of the spine, with those that join nothing.
    package let rowCount: Int
    /// Each key once, ascending.
    let keys: SortableKeys
    /// Where the entries of each key begin, and where the last ones end.
    let starts: [Int32]
    /// Entries by key, then time: their event times and their rows in the spine.
    let times: [Int64]
    let rows: [Int32]

    /// The most rows of a spine.
    package static let mostRows = Int(Int32.max) - 1

    /// Nil where no row joins anything.
    var keySpan: SegmentMap.KeySpan? {
        guard keys.count > 0 else { return nil }
        return SegmentMap.KeySpan(
            least: keys.canonicalBytes(0),
            greatest: keys.canonicalBytes(keys.count - 1)
        )
    }

    var latestTime: Timestamp { Timestamp(microseconds: times.max() ?? .min) }

    /// Ascending keys, each once, all at one time.
    init(keys: SortableKeys, at time: Timestamp) {
        self.keys = keys
        rowCount = keys.count
        starts = Array(0...Int32(keys.count))
        times = [Int64](repeating: time.microseconds, count: keys.count)
        rows = Array(0..<Int32(keys.count))
    }
}

extension SortedSpine {
    /// Takes a spine batch by batch.
    package struct Builder: Sendable {
        private struct Item {
            var prefix: UInt64
            var time: Int64
            var entry: Int32
        }

        private let types: [KeyType]
        private var rowCount = 0
        private var keys: SortableKeys
        private var times: [Int64] = []
        /// For each entry its row in the spine.
        private var rows: [Int32] = []

        package init(keyTypes: [KeyType]) {
            types = keyTypes
            keys = SortableKeys(keyTypes)
        }

        /// One column for each key part, of its type, and the event times; any of them may be null.
        package mutating func append(
            keys columns: [Column],
            times column: Column
        ) throws(AlulaError) {
            guard rowCount + column.count <= SortedSpine.mostRows else {
                throw AlulaError(.outOfRange, "a spine has at most \(SortedSpine.mostRows) rows")
            }
            let moments = column.int64s
            defer { rowCount += column.count }
            if keys.isExact, column.validity.isEmpty, columns[0].validity.isEmpty {
                keys.append(exact: columns[0])
                times += moments
                rows += Int32(rowCount)..<Int32(rowCount + column.count)
                return
            }
            for row in 0..<column.count
            where column.isValid(row) && columns.allSatisfy({ $0.isValid(row) }) {
                keys.append(columns, row: row)
                times.append(moments[row])
                rows.append(Int32(rowCount + row))
            }
        }

        package consuming func finish() -> SortedSpine {
            let order = self.order()
            let (distinct, starts) = distinctKeys(order)
            return SortedSpine(
                rowCount: rowCount,
                keys: distinct,
                starts: starts,
                times: order.map { times[Int($0)] },
                rows: order.map { rows[Int($0)] }
            )
        }

        /// Each key once, and where its entries begin.
        private func distinctKeys(_ order: [Int32]) -> (SortableKeys, [Int32]) {
            var starts: [Int32] = []
            guard keys.isExact else {
                var distinct = SortableKeys(types)
                for (index, entry) in order.enumerated()
                where index == 0 || keys.compare(Int(entry), keys, Int(order[index - 1])) != 0 {
                    distinct.append(Int(entry), of: keys)
                    starts.append(Int32(index))
                }
                return (distinct, starts + [Int32(order.count)])
            }
            let prefixes = keys.prefixes
            var distinct: [UInt64] = []
            for (index, entry) in order.enumerated() where distinct.last != prefixes[Int(entry)] {
                distinct.append(prefixes[Int(entry)])
                starts.append(Int32(index))
            }
            return (SortableKeys(exact: distinct), starts + [Int32(order.count)])
        }

        /// The entries by key, time and row.
        private func order() -> [Int32] {
            let keys = keys
            if keys.isExact, let order = KeyTimeOrder.rows(keys: keys.prefixes, times: times) {
                return order
            }
            var items = times.indices.map {
                Item(prefix: keys.prefixes[$0], time: times[$0], entry: Int32($0))
            }
            items.sort { left, right in
                if left.prefix != right.prefix { return left.prefix < right.prefix }
                if !keys.isExact {
                    let tail = keys.compareTails(Int(left.entry), keys, Int(right.entry))
                    if tail != 0 { return tail < 0 }
                }
                return left.time != right.time
                    ? left.time < right.time : left.entry < right.entry
            }
            return items.map(\.entry)
        }
    }

    private init(
        rowCount: Int,
        keys: SortableKeys,
        starts: [Int32],
        times: [Int64],
        rows: [Int32]
    ) {
        self.rowCount = rowCount
        self.keys = keys
        self.starts = starts
        self.times = times
        self.rows = rows
    }
}
