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
    /// Microseconds.
    private let lookback: Int64?
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
        self.lookback = lookback?.microseconds
        self.hidden = hidden
        self.asKnown = asKnown
        firstEntry = Int(spine.starts[self.keys.lowerBound])
        let count = Int(spine.starts[self.keys.upperBound]) - firstEntry
        winners = [Winner](repeating: Winner(), count: count)
        ranks = isContested ? [Rank](repeating: Rank(), count: count) : []
    }

    mutating func add(_ group: JoinGroup, number: Int32) {
        let pairs = KeyMatches(spine.keys, keys, group.runs.keys).pairs
        guard !pairs.isEmpty else { return }
        let hides = group.isPartlyHidden || asKnown || hidden.forgetsKeys
        if hides || !ranks.isEmpty, let details = group.details {
            addContested(pairs, of: group, details, number, hides: hides)
        } else {
            addPlain(pairs, of: group, number)
        }
    }

    /// For groups of one segment, which are in order, and where nothing is hidden: the last row
    /// counts.
    private mutating func addPlain(_ pairs: [KeyMatches.Pair], of group: JoinGroup, _ number: Int32)
    {
        let (firstEntry, lookback) = (firstEntry, lookback)
        let spine = spine
        let (times, starts) = (spine.times.span, spine.starts.span)
        let (events, runStarts) = (group.events.span, group.runs.starts.span)
        var best = winners.mutableSpan
        for pair in pairs {
            let first = Int(runStarts[Int(pair.other)])
            let end = Int(runStarts[Int(pair.other) + 1])
            var next = first
            for entry in Int(starts[Int(pair.key)])..<Int(starts[Int(pair.key) + 1]) {
                let time = times[entry]
                next = firstRow(from: next, to: end, after: time, events)
                guard next > first else { continue }
                let event = events[next - 1]
                let place = entry - firstEntry
                if event >= oldestEvent(at: time, lookback) {
                    best[place] = Winner(group: number, row: Int32(next - 1), event: event)
                } else if best[place].group < 0 {
                    best[place].group = PointInTimeJoin.onlyOlder
                }
            }
        }
    }

    /// Walks back from the newest row of each entry to the first that it may see.
    private mutating func addContested(
        _ pairs: [KeyMatches.Pair],
        of group: JoinGroup,
        _ details: JoinGroup.Details,
        _ number: Int32,
        hides: Bool
    ) {
        let (firstEntry, lookback, isContested) = (firstEntry, lookback, !self.ranks.isEmpty)
        let sight = Sight(hidden: hidden, asKnown: asKnown, isPartlyHidden: group.isPartlyHidden)
        let spine = spine
        let (times, starts) = (spine.times.span, spine.starts.span)
        let (events, runStarts) = (group.events.span, group.runs.starts.span)
        var ranks: [Rank] = []
        swap(&ranks, &self.ranks)
        defer { swap(&ranks, &self.ranks) }
        var best = winners.mutableSpan
        var bestRanks = ranks.mutableSpan
        for pair in pairs {
            let first = Int(runStarts[Int(pair.other)])
            let end = Int(runStarts[Int(pair.other) + 1])
            let forgotten =
                hides ? sight.hidden.forgotten(Int(pair.other), of: group.runs.keys) : nil
            var next = first
            for entry in Int(starts[Int(pair.key)])..<Int(starts[Int(pair.key) + 1]) {
                let time = times[entry]
                next = firstRow(from: next, to: end, after: time, events)
                let place = entry - firstEntry
                let winner = best[place]
                var row = next - 1
                while row >= first, winner.group < 0 || events[row] >= winner.event {
                    if hides, !sight.shows(row, of: details, forgotten, at: time) {
                        row -= 1
                        continue
                    }
                    let event = events[row]
                    if event < oldestEvent(at: time, lookback) {
                        if winner.group < 0 { best[place].group = PointInTimeJoin.onlyOlder }
                    } else if isContested {
                        let rank = details.rank(row)
                        if winner.group < 0 || event > winner.event || bestRanks[place] < rank {
                            best[place] = Winner(group: number, row: Int32(row), event: event)
                            bestRanks[place] = rank
                        }
                    } else {
                        best[place] = Winner(group: number, row: Int32(row), event: event)
                    }
                    break
                }
            }
        }
    }

    /// Which rows of a group a spine row may see.
    private struct Sight {
        let hidden: HiddenRows
        let asKnown: Bool
        let isPartlyHidden: Bool

        func shows(
            _ row: Int,
            of details: JoinGroup.Details,
            _ forgotten: HiddenRows.ForgottenKey?,
            at time: Int64
        ) -> Bool {
            if asKnown, details.isCreatedKnown(row), details.created[row] > time { return false }
            guard isPartlyHidden || forgotten != nil else { return true }
            let entry = details.entries[row]
            if isPartlyHidden, hidden.hides(entry: entry) { return false }
            guard let forgotten else { return true }
            return !hidden.hides(forgotten, entry: entry, number: details.numbers[row])
        }
    }
}

/// The event time from which on the look-back reaches.
@inline(__always)
private func oldestEvent(at time: Int64, _ lookback: Int64?) -> Int64 {
    guard let lookback else { return .min }
    let (oldest, overflow) = time.subtractingReportingOverflow(lookback)
    return overflow ? .min : oldest
}

/// The first row of a later event; steps that double, so that near is cheap.
@inline(__always)
private func firstRow(from start: Int, to end: Int, after time: Int64, _ events: Span<Int64>) -> Int
{
    var low = start
    var step = 1
    while low + step <= end, events[low + step - 1] <= time {
        low += step
        step *= 2
    }
    var high = min(low + step - 1, end)
    while low < high {
        let middle = (low + high) / 2
        if events[middle] <= time { low = middle + 1 } else { high = middle }
    }
    return low
}
