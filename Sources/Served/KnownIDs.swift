import Domain
import Synchronization

/// The prediction ids of a segment, ascending.
struct SegmentIDs: Sendable {
    var stamps: [Int64]
    var rests: [Int64]

    /// Gives each row of the segment that has one of these ids, which ascend.
    func each(_ count: Int, id: (Int) -> PredictionID, found: (_ item: Int, _ row: Int) -> Void) {
        guard count > 0 else { return }
        var row = firstRow(id(0))
        for item in 0..<count {
            let id = id(item)
            let (stamp, rest) = (id.stamp, id.rest)
            // Few ids among many rows: look instead of walking.
            if row < stamps.count, stamps[row] < stamp, stamps.count - row > 64 * (count - item) {
                row = firstRow(id)
            }
            while row < stamps.count, (stamps[row], rests[row]) < (stamp, rest) { row += 1 }
            var same = row
            while same < stamps.count, stamps[same] == stamp, rests[same] == rest {
                found(item, same)
                same += 1
            }
            if row == stamps.count { return }
        }
    }

    /// The first row not before the id.
    func firstRow(_ id: PredictionID) -> Int { firstRow(id.stamp, id.rest) }

    func firstRow(_ stamp: Int64, _ rest: Int64) -> Int {
        var (low, high) = (0, stamps.count)
        while low < high {
            let middle = (low + high) / 2
            if (stamps[middle], rests[middle]) < (stamp, rest) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}

/// Ids of segments that were read lately.
final class KnownIDs: Sendable {
    private struct Key: Hashable {
        var segment: Int64
        // An erasure leaves fewer rows under the same number.
        var rows: Int
    }

    private let known = Mutex<(ids: [Key: SegmentIDs], rows: Int)>(([:], 0))

    /// Of 16 bytes each.
    private static let mostRows = 4 << 20

    subscript(_ segment: ServedSegment) -> SegmentIDs? {
        known.withLock { $0.ids[Key(segment: segment.id, rows: segment.rows)] }
    }

    func keep(_ ids: SegmentIDs, of segment: ServedSegment) {
        known.withLock { known in
            if known.rows + ids.stamps.count > Self.mostRows { known = ([:], 0) }
            known.ids[Key(segment: segment.id, rows: segment.rows)] = ids
            known.rows += ids.stamps.count
        }
    }
}
