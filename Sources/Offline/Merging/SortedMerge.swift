import Codec
import Domain

/// Merges the runs of a map into one: rows by key, event time, created time with none first, and
/// position, given in batches.
///
/// A group is read when its first row is due, and only as much of it is kept as many runs together
/// may take.
struct SortedMerge {
    /// What becomes of hidden rows.
    enum Hiding {
        /// Earlier positions see them; those of forgotten keys nobody does, and they go.
        case dropsForgotten
        case marks
        case leavesOut
    }

    /// A run, and what is in memory of its present group.
    private struct Cursor {
        /// The present group and those to come.
        var groups: Range<Int>
        /// Rows of the present group, from `offset` on; before it is read, its least key alone.
        var window: SortedGroup
        var offset = 0
        var row = 0
        var isRead = false
    }

    /// What orders the present row of a cursor, but the tail of its key.
    private struct Head {
        var prefix: UInt64
        var event: Int64
        var created: Int64
        var entry: UInt64
        var number: UInt32
        var isCreatedKnown: Bool
    }

    /// Rows of groups in memory at once.
    private static let mostRows = 2 << 20

    private let runs: SortedRuns
    private let events: ClosedRange<Int64>
    private let hiding: Hiding
    private let tracksKeys: Bool
    private let isExact: Bool
    private let windowRows: Int
    private var cursors: [Cursor] = []
    private var heads: [Head] = []
    /// Cursors, the one of the least row first: a binary heap.
    private var heap: [Int32] = []
    private var key: UInt32 = 0
    private var lastKey: SortableKeys
    private var lastKeyRow = -1
    private var forgotten: HiddenRows.ForgottenKey?
    /// Rows of forgotten keys that were left out, by the log entry of the deletion.
    private(set) var dropped: [UInt64: UInt64] = [:]

    init(
        _ runs: SortedRuns,
        events: ClosedRange<Int64> = .min ... .max,
        hiding: Hiding,
        tracksKeys: Bool,
        windowRows: Int? = nil
    ) {
        self.runs = runs
        self.events = events
        self.hiding = hiding
        self.tracksKeys = tracksKeys || runs.map.hidden.forgetsKeys
        isExact = runs.leastKeys.isExact
        self.windowRows = max(1, windowRows ?? Self.mostRows / max(1, runs.depth))
        lastKey = SortableKeys(runs.map.keyTypes)
        for run in runs.runs {
            heap.append(Int32(cursors.count))
            cursors.append(Cursor(groups: run, window: leastRow(of: run.lowerBound)))
            heads.append(head(of: cursors.count - 1))
        }
        for place in heap.indices.reversed() { sink(place) }
    }

    var map: SegmentMap { runs.map }
    var isAtEnd: Bool { heap.isEmpty }

    /// Appends rows until there are `limit`, or all have been given.
    mutating func fill(
        _ rows: inout [MergedRow],
        upTo limit: Int,
        _ reading: BlockReading
    ) throws {
        rows.reserveCapacity(limit)
        while rows.count < limit, let first = heap.first {
            let top = Int(first)
            guard cursors[top].isRead else {
                try read(top, from: 0, reading)
                sink(0)
                continue
            }
            let rival = rivalOfTop
            var isOpen = true
            repeat {
                take(top, into: &rows)
                isOpen = try advance(top, reading)
            } while isOpen && cursors[top].isRead && rows.count < limit
                && (rival < 0 || isBefore(top, rival))
            if !isOpen {
                heap[0] = heap[heap.count - 1]
                heap.removeLast()
            }
            sink(0)
        }
    }

    /// Goes on to the next row of a cursor; false at the end of its run.
    private mutating func advance(_ cursor: Int, _ reading: BlockReading) throws -> Bool {
        cursors[cursor].row += 1
        if cursors[cursor].row < cursors[cursor].window.count {
            heads[cursor] = head(of: cursor)
            return true
        }
        let group = cursors[cursor].groups.lowerBound
        let next = cursors[cursor].offset + cursors[cursor].window.count
        if next < runs.map.groups[group].rows {
            try read(cursor, from: next, reading)
            return true
        }
        cursors[cursor].groups.removeFirst()
        guard let following = cursors[cursor].groups.first else {
            cursors[cursor].window = leastRow(of: group)
            return false
        }
        cursors[cursor].window = leastRow(of: following)
        cursors[cursor].isRead = false
        cursors[cursor].row = 0
        heads[cursor] = head(of: cursor)
        return true
    }

    private mutating func read(
        _ cursor: Int,
        from offset: Int,
        _ reading: BlockReading
    ) throws {
        let group = try reading.sortedGroup(cursors[cursor].groups.lowerBound, in: runs.map)
        let end = min(group.count, offset + windowRows)
        guard offset < end else { throw AlulaError.corrupt("a row group of history is empty") }
        let isWhole = offset == 0 && end == group.count
        cursors[cursor].window =
            isWhole ? group : group.rows(offset..<end, keyTypes: runs.map.keyTypes)
        cursors[cursor].offset = offset
        cursors[cursor].row = 0
        cursors[cursor].isRead = true
        heads[cursor] = head(of: cursor)
    }

    /// Stands for a group that has not been read: not behind any of its rows.
    private func leastRow(of group: Int) -> SortedGroup {
        var keys = SortableKeys(runs.map.keyTypes)
        keys.append(group, of: runs.leastKeys)
        return SortedGroup(
            keys: keys,
            events: [.min],
            created: [0],
            createdValidity: [0],
            numbers: [0],
            entries: .one(0),
            isPartlyHidden: false
        )
    }
}

extension SortedMerge {
    private mutating func take(_ cursor: Int, into rows: inout [MergedRow]) {
        let head = heads[cursor]
        var isForgotten = false
        if tracksKeys {
            trackKey(cursor, head.prefix)
            if let forgotten,
                let deletion = runs.map.hidden.deletion(
                    forgotten,
                    entry: head.entry,
                    number: head.number
                )
            {
                isForgotten = true
                if hiding == .dropsForgotten { dropped[deletion, default: 0] += 1 }
                if hiding != .marks { return }
            }
        }
        guard events.contains(head.event) else { return }
        var isHidden = isForgotten
        if hiding != .dropsForgotten, cursors[cursor].window.isPartlyHidden {
            isHidden = isHidden || runs.map.hidden.hides(entry: head.entry)
            if isHidden, hiding == .leavesOut { return }
        }
        rows.append(
            MergedRow(
                group: Int32(cursors[cursor].groups.lowerBound),
                row: Int32(cursors[cursor].offset + cursors[cursor].row),
                event: head.event,
                created: head.created,
                entry: head.entry,
                number: head.number,
                key: key,
                isCreatedKnown: head.isCreatedKnown,
                isHidden: isHidden,
                isForgotten: isForgotten
            )
        )
    }

    /// Counts the row's key where it is a new one.
    private mutating func trackKey(_ cursor: Int, _ prefix: UInt64) {
        if lastKeyRow >= 0, lastKey.prefixes[lastKeyRow] == prefix {
            if isExact { return }
            let row = cursors[cursor].row
            if cursors[cursor].window.keys.compareTails(row, lastKey, lastKeyRow) == 0 { return }
        }
        key &+= 1
        lastKey = cursors[cursor].window.keys
        lastKeyRow = cursors[cursor].row
        if runs.map.hidden.forgetsKeys {
            forgotten = runs.map.hidden.forgotten(lastKeyRow, of: lastKey)
        }
    }

    private func head(of cursor: Int) -> Head {
        let row = cursors[cursor].row
        let isKnown = cursors[cursor].window.isCreatedKnown(row)
        return Head(
            prefix: cursors[cursor].window.keys.prefixes[row],
            event: cursors[cursor].window.events[row],
            created: isKnown ? cursors[cursor].window.created[row] : 0,
            entry: cursors[cursor].window.entry(row),
            number: cursors[cursor].window.numbers[row],
            isCreatedKnown: isKnown
        )
    }

    @inline(__always)
    private func isBefore(_ cursor: Int, _ other: Int) -> Bool {
        let (left, right) = (heads[cursor], heads[other])
        if left.prefix != right.prefix { return left.prefix < right.prefix }
        if !isExact {
            let tail = cursors[cursor].window.keys.compareTails(
                cursors[cursor].row,
                cursors[other].window.keys,
                cursors[other].row
            )
            if tail != 0 { return tail < 0 }
        }
        if left.event != right.event { return left.event < right.event }
        if left.isCreatedKnown != right.isCreatedKnown { return right.isCreatedKnown }
        if left.created != right.created { return left.created < right.created }
        return left.entry != right.entry ? left.entry < right.entry : left.number < right.number
    }

    /// The cursor of the least row but one; below zero where there is none.
    private var rivalOfTop: Int {
        if heap.count < 2 { return -1 }
        let left = Int(heap[1])
        guard heap.count > 2 else { return left }
        let right = Int(heap[2])
        return isBefore(left, right) ? left : right
    }

    /// Puts the cursor at this place of the heap where it belongs below it.
    private mutating func sink(_ start: Int) {
        var place = start
        while true {
            var least = 2 * place + 1
            guard least < heap.count else { return }
            if least + 1 < heap.count, isBefore(Int(heap[least + 1]), Int(heap[least])) {
                least += 1
            }
            guard isBefore(Int(heap[least]), Int(heap[place])) else { return }
            heap.swapAt(least, place)
            place = least
        }
    }
}

extension SortedGroup {
    /// The rows of this range.
    fileprivate func rows(_ range: Range<Int>, keyTypes: [KeyType]) -> SortedGroup {
        var keys = SortableKeys(keyTypes)
        keys.reserveCapacity(range.count)
        var validity: [UInt8] = []
        if !createdValidity.isEmpty {
            validity = [UInt8](repeating: 0, count: (range.count + 7) / 8)
        }
        for (place, row) in range.enumerated() {
            keys.append(row, of: self.keys)
            if !validity.isEmpty, isCreatedKnown(row) {
                validity[place >> 3] |= 1 << UInt8(place & 7)
            }
        }
        let entries: RowEntries =
            switch self.entries {
            case .one(let entry): .one(entry)
            case .each(let each): .each(Array(each[range]))
            }
        return SortedGroup(
            keys: keys,
            events: Array(events[range]),
            created: Array(created[range]),
            createdValidity: validity,
            numbers: Array(numbers[range]),
            entries: entries,
            isPartlyHidden: isPartlyHidden
        )
    }
}
