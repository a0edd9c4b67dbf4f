import Codec
import Domain

/// A part of a join that stands alone: some keys of a spine, and the groups that may hold them.
struct JoinPiece: Sendable {
    /// Indices of the spine's keys.
    var keys: Range<Int>
    /// Groups of the map, ascending.
    var groups: [Int]
    /// Whether groups of different segments may have rows of one key.
    var isContested: Bool

    /// Spine rows from which on cutting pays.
    private static let fewRows = 4_096
    private static let most = 4

    /// Pieces of about as many spine rows each, in the order of their keys.
    static func cut(_ spine: SortedSpine, _ map: SegmentMap) -> [JoinPiece] {
        guard spine.keys.count > 0 else { return [] }
        let whole = JoinPiece(0..<spine.keys.count, of: spine, among: map)
        // Groups over all keys would be read once for each piece.
        let wanted = min(
            whole.isContested ? 2 : most,
            spine.times.count / fewRows + 1,
            spine.keys.count
        )
        guard wanted > 1 else { return [whole] }
        var pieces: [JoinPiece] = []
        var first = 0
        for number in 1...wanted {
            let goal = Int32(spine.times.count * number / wanted)
            var end = number == wanted ? spine.keys.count : first
            while end < spine.keys.count, spine.starts[end] < goal { end += 1 }
            guard end > first else { continue }
            pieces.append(JoinPiece(first..<end, of: spine, among: map))
            first = end
        }
        return pieces
    }

    private init(_ keys: Range<Int>, of spine: SortedSpine, among map: SegmentMap) {
        self.keys = keys
        let least = spine.keys.canonicalBytes(keys.lowerBound)
        let greatest = spine.keys.canonicalBytes(keys.upperBound - 1)
        groups = map.groups.indices.filter { index in
            let span = map.groups[index].keys
            return !greatest.lexicographicallyPrecedes(span.least)
                && !span.greatest.lexicographicallyPrecedes(least)
        }
        isContested = JoinPiece.isContested(groups.map { map.groups[$0] })
    }

    /// Whether groups of different segments overlap.
    private static func isContested(_ groups: [SegmentMap.Group]) -> Bool {
        let ascending = groups.sorted { $0.keys.least.lexicographicallyPrecedes($1.keys.least) }
        var furthest: SegmentMap.Group?
        for group in ascending {
            if let before = furthest {
                let overlaps = !before.keys.greatest.lexicographicallyPrecedes(group.keys.least)
                if overlaps, before.segment != group.segment { return true }
                if group.keys.greatest.lexicographicallyPrecedes(before.keys.greatest) { continue }
            }
            furthest = group
        }
        return false
    }
}
