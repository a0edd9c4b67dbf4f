import Codec
import Domain

/// The segments of a map as runs of sorted groups, with the keys that say when each is needed.
struct SortedRuns: Sendable {
    let map: SegmentMap
    /// The groups of each segment.
    let runs: [Range<Int>]
    /// The least key of each group.
    let leastKeys: SortableKeys
    /// How many segments have rows about one key, at most.
    let depth: Int

    init(_ map: SegmentMap) throws(AlulaError) {
        self.map = map
        var leastKeys = SortableKeys(map.keyTypes)
        leastKeys.reserveCapacity(map.groups.count)
        var runs: [Range<Int>] = []
        var spans: [SegmentMap.KeySpan] = []
        for (number, group) in map.groups.enumerated() {
            leastKeys.append(try KeyCodec.decode(group.keys.least, parts: map.keyTypes.count))
            if let last = runs.last, map.groups[last.lowerBound].segment == group.segment {
                runs[runs.count - 1] = last.lowerBound..<number + 1
                spans[spans.count - 1].greatest = group.keys.greatest
            } else {
                runs.append(number..<number + 1)
                spans.append(group.keys)
            }
        }
        self.runs = runs
        self.leastKeys = leastKeys
        depth = SegmentMap.KeySpan.depth(spans)
    }

    var rows: UInt64 { map.groups.reduce(0) { $0 + UInt64($1.rows) } }
}

extension SegmentMap.KeySpan {
    /// How many of the spans have a key in common, at most.
    static func depth(_ spans: [SegmentMap.KeySpan]) -> Int {
        struct End {
            var key: [UInt8]
            var isLast: Bool
        }
        let ends = spans.flatMap {
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

    func union(_ other: SegmentMap.KeySpan) -> SegmentMap.KeySpan {
        SegmentMap.KeySpan(
            least: other.least.lexicographicallyPrecedes(least) ? other.least : least,
            greatest: greatest.lexicographicallyPrecedes(other.greatest)
                ? other.greatest : greatest
        )
    }
}
