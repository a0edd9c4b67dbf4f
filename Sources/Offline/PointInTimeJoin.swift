import Codec
import Domain

/// From where history is looked at.
package struct JoinScope: Sendable, Hashable {
    /// Rows of later log entries are hidden.
    package var through: UInt64
    /// For each spine row, hides what was created after its event time.
    package var asKnown: Bool

    package init(through: UInt64, asKnown: Bool = false) {
        self.through = through
        self.asKnown = asKnown
    }
}

/// For each row of a spine the row of a view that was the newest at its event time.
///
/// A pure merge: groups of sorted rows are added in any order, and each spine row keeps the best it
/// has seen. The candidates of a spine row have its key and an event time from `time - lookback` to
/// `time`, both inclusive; the best has the greatest event time, then the greatest created time
/// (none is least), then the greatest log position. Adding a group takes steps of the order of the
/// smaller of the two sides, and one for each spine row whose key it holds.
struct PointInTimeJoin {
    struct Winner {
        /// The group as numbered by the caller, or one of the two below.
        var group: Int32 = PointInTimeJoin.nothing
        var row: Int32 = 0
        var number: UInt32 = 0
        var isCreatedKnown = false
        var event: Int64 = 0
        var created: Int64 = 0
        var entry: UInt64 = 0
    }

    /// No row is there for the spine row.
    static let nothing: Int32 = -1
    /// Only rows older than the look-back are there.
    static let onlyOlder: Int32 = -2

    let spine: SortedSpine
    /// One for each entry of the sorted spine.
    private(set) var winners: [Winner]
    private let lookback: TimeSpan?
    private let hidden: HiddenRows
    private let asKnown: Bool

    init(_ spine: SortedSpine, lookback: TimeSpan?, hidden: HiddenRows, asKnown: Bool) {
        self.spine = spine
        self.lookback = lookback
        self.hidden = hidden
        self.asKnown = asKnown
        winners = [Winner](repeating: Winner(), count: spine.times.count)
    }

    mutating func add(_ group: SortedGroup, number: Int32) {
        var key = 0
        var row = 0
        while key < spine.keys.count, row < group.count {
            let order = spine.keys.compare(key, group.keys, row)
            if order < 0 {
                key = spine.keys.firstIndex(from: key + 1, notBefore: group.keys, row)
            } else if order > 0 {
                row = group.keys.firstIndex(from: row + 1, notBefore: spine.keys, key)
            } else {
                let end = group.keys.firstIndex(from: row + 1, after: spine.keys, key)
                match(
                    Int(spine.starts[key])..<Int(spine.starts[key + 1]),
                    row..<end,
                    of: group,
                    number
                )
                key += 1
                row = end
            }
        }
    }

    /// Spine entries and rows of one key, both ascending in time.
    private mutating func match(
        _ entries: Range<Int>,
        _ rows: Range<Int>,
        of group: SortedGroup,
        _ number: Int32
    ) {
        var next = rows.lowerBound
        let forgotten = hidden.forgotten(next, of: group.keys)
        for entry in firstEntry(in: entries, notBefore: group.events[next])..<entries.upperBound {
            let time = spine.times[entry]
            while next < rows.upperBound, group.events[next] <= time { next += 1 }
            consider(
                rows.lowerBound..<next,
                of: group,
                number,
                forgotten: forgotten,
                for: entry,
                at: time
            )
        }
    }

    /// Walks back from the newest row to the first that the spine row may see.
    private mutating func consider(
        _ rows: Range<Int>,
        of group: SortedGroup,
        _ number: Int32,
        forgotten: HiddenRows.ForgottenKey?,
        for entry: Int,
        at time: Int64
    ) {
        let oldest = lookback.map { (Timestamp(microseconds: time) - $0).microseconds } ?? .min
        let winner = winners[entry]
        for row in rows.reversed() {
            let event = group.events[row]
            if winner.group >= 0, event < winner.event { return }
            guard isVisible(row, of: group, forgotten: forgotten, at: time) else { continue }
            if event < oldest {
                if winner.group < 0 { winners[entry].group = PointInTimeJoin.onlyOlder }
                return
            }
            let candidate = Winner(
                group: number,
                row: Int32(row),
                number: group.numbers[row],
                isCreatedKnown: group.isCreatedKnown(row),
                event: event,
                created: group.created[row],
                entry: group.entry(row)
            )
            if winner.group < 0 || PointInTimeJoin.isBefore(winner, candidate) {
                winners[entry] = candidate
            }
            return
        }
    }

    private func isVisible(
        _ row: Int,
        of group: SortedGroup,
        forgotten: HiddenRows.ForgottenKey?,
        at time: Int64
    ) -> Bool {
        guard hidden.shows(row, of: group, forgotten) else { return false }
        return !asKnown || !group.isCreatedKnown(row) || group.created[row] <= time
    }

    /// `RowOrder` without its wrappers.
    private static func isBefore(_ left: Winner, _ right: Winner) -> Bool {
        if left.event != right.event { return left.event < right.event }
        if left.isCreatedKnown != right.isCreatedKnown { return right.isCreatedKnown }
        if left.isCreatedKnown, left.created != right.created {
            return left.created < right.created
        }
        return left.entry != right.entry ? left.entry < right.entry : left.number < right.number
    }

    private func firstEntry(in entries: Range<Int>, notBefore event: Int64) -> Int {
        var (low, high) = (entries.lowerBound, entries.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if spine.times[middle] < event { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
