import Codec
import Domain
import struct Foundation.Data
import GRDB

/// The segments of a map as runs of sorted groups, with the keys that say when each is needed.
struct SortedRuns: Sendable {
    let map: SegmentMap
    /// The groups of each segment.
    let runs: [Range<Int>]
    /// The least key of each group.
    let leastKeys: SortableKeys
    /// How many segments have rows about one key, at most.
    let depth: Int

    init(_ db: Database, _ map: SegmentMap) throws {
        self.map = map
        let statement = try db.cachedStatement(
            sql: "SELECT min_key, max_key FROM row_group WHERE id = ?"
        )
        var leastKeys = SortableKeys(map.keyTypes)
        leastKeys.reserveCapacity(map.groups.count)
        var runs: [Range<Int>] = []
        var spans: [KeyRange] = []
        for (number, group) in map.groups.enumerated() {
            guard let row = try Row.fetchOne(statement, arguments: [group.id]) else {
                throw AlulaError.corrupt("row group \(group.id) of history is missing")
            }
            let (least, greatest): (Data, Data) = (row[0], row[1])
            leastKeys.append(try KeyCodec.decode(least, parts: map.keyTypes.count))
            if let last = runs.last, map.groups[last.lowerBound].segment == group.segment {
                runs[runs.count - 1] = last.lowerBound..<number + 1
                spans[spans.count - 1].greatest = Array(greatest)
            } else {
                runs.append(number..<number + 1)
                spans.append(KeyRange(least: Array(least), greatest: Array(greatest)))
            }
        }
        self.runs = runs
        self.leastKeys = leastKeys
        depth = KeyRange.depth(spans)
    }

    var rows: UInt64 { map.groups.reduce(0) { $0 + UInt64($1.rows) } }
}

/// The least and the greatest key of sorted rows, in canonical bytes.
struct KeyRange: Sendable, Hashable {
    var least: [UInt8]
    var greatest: [UInt8]

    /// How many of the ranges have a key in common, at most.
    static func depth(_ ranges: [KeyRange]) -> Int {
        struct End {
            var key: [UInt8]
            var isLast: Bool
        }
        let ends = ranges.flatMap {
            [End(key: $0.least, isLast: false), End(key: $0.greatest, isLast: true)]
        }.sorted { left, right in
            if left.key != right.key { return left.key.lexicographicallyPrecedes(right.key) }
            return !left.isLast && right.isLast
        }
        var (open, depth) = (0, 0)
        for end in ends {
            open += end.isLast ? -1 : 1
            depth = max(depth, open)
        }
        return depth
    }
}
