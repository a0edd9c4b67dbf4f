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

/// What orders the rows of one row group, in memory: each key once, times, and as far as they are
/// wanted created times and positions.
struct JoinGroup: Sendable {
    var runs: KeyRuns
    var events: [Int64]
    /// Nil where rows of other groups cannot contest, nothing is hidden, and created times do not
    /// matter.
    var details: Details?
    /// Whether some rows may be hidden by their log entries.
    var isPartlyHidden: Bool

    struct Details: Sendable {
        /// Created times; zero where there is none.
        var created: [Int64]
        /// Which rows have a created time; empty where all have.
        var createdValidity: [UInt8]
        var numbers: [UInt32]
        var entries: RowEntries

        func isCreatedKnown(_ row: Int) -> Bool {
            createdValidity.isEmpty || createdValidity[row >> 3] & (1 << UInt8(row & 7)) != 0
        }

        func rank(_ row: Int) -> PointInTimeJoin.Rank {
            PointInTimeJoin.Rank(
                isCreatedKnown: isCreatedKnown(row),
                created: created[row],
                entry: entries[row],
                number: numbers[row]
            )
        }
    }
}

/// For each row of a spine the row of a view that was the newest at its event time.
///
/// A pure merge: groups of sorted rows are added in any order, and each spine row keeps the best it
/// has seen. The candidates of a spine row have its key and an event time from `time - lookback` to
/// `time`, both inclusive; the best has the greatest event time, then the greatest created time
/// (none is least), then the greatest log position. Adding a group takes steps of the order of the
/// smaller of the two sides, counted in keys, and one for each spine row whose key it holds.
struct PointInTimeJoin {
    struct Winner: Sendable {
        /// The group as numbered by the caller, or one of the two below.
        var group: Int32 = PointInTimeJoin.nothing
        var row: Int32 = 0
        var event: Int64 = 0
    }

    /// What decides between rows of one event time.
    struct Rank: Sendable, Comparable {
        var isCreatedKnown = false
        var created: Int64 = 0
        var entry: UInt64 = 0
        var number: UInt32 = 0

        static func < (left: Rank, right: Rank) -> Bool {
            if left.isCreatedKnown != right.isCreatedKnown { return right.isCreatedKnown }
            if left.isCreatedKnown, left.created != right.created {
                return left.created < right.created
            }
            return left.entry != right.entry
                ? left.entry < right.entry : left.number < right.number
        }
    }

    /// No row is there for the spine row.
    static let nothing: Int32 = -1
    /// Only rows older than the look-back are there.
    static let onlyOlder: Int32 = -2

    let spine: SortedSpine
    /// Which keys of the spine are joined.
    let keys: Range<Int>
    /// One for each entry of those keys in the sorted spine.
    private(set) var winners: [Winner]
    /// Likewise, where several groups may have rows of one key; else empty.
    private var ranks: [Rank]
    private let firstEntry: Int
    private let lookback: TimeSpan?
    private let hidden: HiddenRows
    private let asKnown: Bool

    /// `isContested`: several groups may have rows of one key; their details are given then.
    init(
        _ spine: SortedSpine,
        keys: Range<Int>? = nil,
        lookback: TimeSpan?,
        hidden: HiddenRows,
        asKnown: Bool,
        isContested: Bool = true
    ) {
        self.spine = spine
        self.keys = keys ?? 0..<spine.keys.count
        self.lookback = lookback
        self.hidden = hidden
        self.asKnown = asKnown
        firstEntry = Int(spine.starts[self.keys.lowerBound])
        let count = Int(spine.starts[self.keys.upperBound]) - firstEntry
        winners = [Winner](repeating: Winner(), count: count)
        ranks = isContested ? [Rank](repeating: Rank(), count: count) : []
    }

    mutating func add(_ group: JoinGroup, number: Int32) {
        let groupKeys = group.runs.keys
        let spineKeys = spine.keys
        var key = keys.lowerBound
        var run = 0
        while key < keys.upperBound, run < groupKeys.count {
            let order = spineKeys.compare(key, groupKeys, run)
            if order < 0 {
                key = spineKeys.firstIndex(from: key + 1, notBefore: groupKeys, run)
            } else if order > 0 {
                run = groupKeys.firstIndex(from: run + 1, notBefore: spineKeys, key)
            } else {
                let rows = Int(group.runs.starts[run])..<Int(group.runs.starts[run + 1])
                let entries = Int(spine.starts[key])..<Int(spine.starts[key + 1])
                let forgotten = hidden.forgotten(run, of: groupKeys)
                match(entries, rows, of: group, number, forgotten: forgotten)
                key += 1
                run += 1
            }
        }
    }

    /// Spine entries and rows of one key, both ascending in time.
    private mutating func match(
        _ entries: Range<Int>,
        _ rows: Range<Int>,
        of group: JoinGroup,
        _ number: Int32,
        forgotten: HiddenRows.ForgottenKey?
    ) {
        var next = rows.lowerBound
        for entry in entries {
            let time = spine.times[entry]
            next = PointInTimeJoin.firstRow(in: next..<rows.upperBound, after: time, group.events)
            guard next > rows.lowerBound else { continue }
            consider(
                rows.lowerBound..<next,
                of: group,
                number,
                forgotten: forgotten,
                for: entry - firstEntry,
                at: time
            )
        }
    }

    /// The first row of a later event; steps that double, so that near is cheap.
    private static func firstRow(in rows: Range<Int>, after time: Int64, _ events: [Int64]) -> Int {
        var low = rows.lowerBound
        var step = 1
        while low + step <= rows.upperBound, events[low + step - 1] <= time {
            low += step
            step *= 2
        }
        var high = min(low + step - 1, rows.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if events[middle] <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Walks back from the newest row to the first that the spine row may see.
    private mutating func consider(
        _ rows: Range<Int>,
        of group: JoinGroup,
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
            let isBetter: Bool
            if winner.group < 0 || event > winner.event {
                isBetter = true
            } else if ranks.isEmpty {
                // Groups of one segment are in order.
                isBetter = number > winner.group
            } else {
                isBetter = group.details.map { ranks[entry] < $0.rank(row) } ?? false
            }
            if isBetter {
                winners[entry] = Winner(group: number, row: Int32(row), event: event)
                if !ranks.isEmpty, let details = group.details { ranks[entry] = details.rank(row) }
            }
            return
        }
    }

    private func isVisible(
        _ row: Int,
        of group: JoinGroup,
        forgotten: HiddenRows.ForgottenKey?,
        at time: Int64
    ) -> Bool {
        guard group.isPartlyHidden || forgotten != nil || asKnown, let details = group.details
        else {
            return true
        }
        let entry = details.entries[row]
        if group.isPartlyHidden, hidden.hides(entry: entry) { return false }
        if let forgotten, hidden.hides(forgotten, entry: entry, number: details.numbers[row]) {
            return false
        }
        return !asKnown || !details.isCreatedKnown(row) || details.created[row] <= time
    }
}
