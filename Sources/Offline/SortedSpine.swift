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
            var row: Int32
            var key: Int32
        }

        private let types: [KeyType]
        private var rowCount = 0
        private var keys: SortableKeys
        private var items: [Item] = []

        package init(keyTypes: [KeyType]) {
            types = keyTypes
            keys = SortableKeys(keyTypes)
        }

        /// One column for each key part, of its type, and the event times; any of them may be null.
        package mutating func append(keys columns: [Column], times: Column) throws(AlulaError) {
            guard rowCount + times.count <= SortedSpine.mostRows else {
                throw AlulaError(.outOfRange, "a spine has at most \(SortedSpine.mostRows) rows")
            }
            let moments = times.int64s
            for row in 0..<times.count
            where times.isValid(row) && columns.allSatisfy({ $0.isValid(row) }) {
                keys.append(columns, row: row)
                items.append(
                    Item(
                        prefix: keys.prefixes[keys.count - 1],
                        time: moments[row],
                        row: Int32(rowCount + row),
                        key: Int32(keys.count - 1)
                    )
                )
            }
            rowCount += times.count
        }

        package consuming func finish() -> SortedSpine {
            let keys = self.keys
            items.sort { left, right in
                if left.prefix != right.prefix { return left.prefix < right.prefix }
                if !keys.isExact {
                    let tail = keys.compareTails(Int(left.key), keys, Int(right.key))
                    if tail != 0 { return tail < 0 }
                }
                return left.time != right.time ? left.time < right.time : left.row < right.row
            }
            var distinct = SortableKeys(types)
            var starts: [Int32] = []
            for (index, item) in items.enumerated() {
                let isNew =
                    starts.isEmpty || keys.compare(Int(item.key), distinct, distinct.count - 1) != 0
                guard isNew else { continue }
                distinct.append(Int(item.key), of: keys)
                starts.append(Int32(index))
            }
            starts.append(Int32(items.count))
            return SortedSpine(
                rowCount: rowCount,
                keys: distinct,
                starts: starts,
                times: items.map(\.time),
                rows: items.map(\.row)
            )
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
