import Domain

/// Which segments of a view to merge: decisions without I/O.
enum CompactionPlan {
    /// Segments that one merge reads together, at most.
    static let fanIn = 32
    /// Segments of one tier that are left as they are, at most, and how much larger each tier is
    /// than the one below.
    static let tierSegments = 8

    /// A segment to be.
    struct Run: Sendable {
        var rows: UInt64
        var keys: SegmentMap.KeySpan
    }

    /// The next merge in the background, as places in the list; nil where there are few enough.
    ///
    /// Takes rows of segments, oldest first. Segments of 8^n up to 8^(n+1) rows are a tier; a merge
    /// takes a tier that is full, and the tiers above that it would fill. So a view has fewer than
    /// eight segments a tier, and a row is rewritten about once a tier.
    static func next(_ sizes: [UInt64]) -> [Int]? {
        var tiers: [Int: [Int]] = [:]
        for (place, rows) in sizes.enumerated() { tiers[tier(rows), default: []].append(place) }
        guard let full = tiers.filter({ $0.value.count >= tierSegments }).keys.min() else {
            return nil
        }
        var merged = Array((tiers[full] ?? []).prefix(fanIn))
        while true {
            let result = tier(merged.reduce(0) { $0 + sizes[$1] })
            let others = (tiers[result] ?? []).filter { !merged.contains($0) }
            guard others.count + 1 >= tierSegments, merged.count + others.count <= fanIn else {
                return merged.sorted()
            }
            merged += others
        }
    }

    /// Merges that make one segment of all, as places in the list; what a merge makes stands behind
    /// all that were there before it.
    ///
    /// No merge reads more than `fanIn` segments about one key.
    static func passes(_ runs: [Run], fanIn: Int = fanIn) -> [[Int]] {
        var runs = runs
        var live = Array(runs.indices)
        var passes: [[Int]] = []
        while live.count > 1, SegmentMap.KeySpan.depth(live.map { runs[$0].keys }) > fanIn {
            // So many first that every later merge is a full one.
            let count = live.count > fanIn ? 2 + (live.count - 2) % (fanIn - 1) : live.count
            let smallest = live.sorted { (runs[$0].rows, $0) < (runs[$1].rows, $1) }.prefix(count)
            passes.append(smallest.sorted())
            live.removeAll(where: Set(smallest).contains)
            live.append(runs.count)
            runs.append(joined(smallest.map { runs[$0] }))
        }
        if live.count > 1 { passes.append(live) }
        return passes
    }

    private static func joined(_ runs: [Run]) -> Run {
        runs.dropFirst().reduce(into: runs[0]) { joined, run in
            joined.rows += run.rows
            joined.keys = joined.keys.union(run.keys)
        }
    }

    private static func tier(_ rows: UInt64) -> Int {
        (UInt64.bitWidth - 1 - max(1, rows).leadingZeroBitCount) / 3
    }
}
