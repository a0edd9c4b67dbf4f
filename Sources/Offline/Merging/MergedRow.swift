/// A row that a merge gives: where it stands, and what orders it.
struct MergedRow: Sendable {
    /// In the merge's map.
    var group: Int32
    var row: Int32
    var event: Int64
    /// Zero where it is not known.
    var created: Int64
    var entry: UInt64
    var number: UInt32
    /// Counts the keys; without meaning where the merge does not look at them.
    var key: UInt32
    var isCreatedKnown: Bool
    /// Whether it is in no answer that looks from now.
    var isHidden: Bool
    /// Whether its key was forgotten.
    var isForgotten: Bool
}

/// Takes the newest row of each key out of merged rows, which come in batches.
struct NewestOfKey {
    private var waiting: MergedRow?

    /// The newest row of each key that has ended; with `isEnd` all have.
    mutating func pick(_ rows: [MergedRow], isEnd: Bool) -> [MergedRow] {
        var picked: [MergedRow] = []
        for row in rows {
            if let waiting, waiting.key != row.key { picked.append(waiting) }
            waiting = row
        }
        if isEnd, let last = waiting {
            picked.append(last)
            waiting = nil
        }
        return picked
    }
}

/// Takes the oldest rows of each key away from merged rows, which come in batches.
///
/// A row goes that is older than the cutoff, or that `rowsPerKey` newer rows of its key follow which
/// are not hidden.
struct RetentionCut {
    let cutoff: Int64
    let rowsPerKey: Int
    private(set) var taken: UInt64 = 0
    /// Rows of the last key, as far as they are kept by now.
    private var waiting: [MergedRow] = []

    init(cutoff: Int64, rowsPerKey: Int) {
        self.cutoff = cutoff
        self.rowsPerKey = rowsPerKey
    }

    /// The rows kept of all keys that have ended; with `isEnd` all have.
    mutating func keep(_ rows: [MergedRow], isEnd: Bool) -> [MergedRow] {
        waiting.append(contentsOf: rows)
        var kept: [MergedRow] = []
        var start = 0
        while start < waiting.count {
            var end = start + 1
            while end < waiting.count, waiting[end].key == waiting[start].key { end += 1 }
            // More rows of the last key can only add to what goes.
            let first = firstKept(start..<end)
            for row in start..<first where !waiting[row].isForgotten { taken += 1 }
            if end == waiting.count, !isEnd {
                waiting.removeSubrange(..<first)
                return kept
            }
            kept.append(contentsOf: waiting[first..<end])
            start = end
        }
        waiting = []
        return kept
    }

    /// In rows of one key, the first that is kept.
    private func firstKept(_ rows: Range<Int>) -> Int {
        var first = rows.upperBound
        var visible = 0
        while first > rows.lowerBound, visible < rowsPerKey, waiting[first - 1].event >= cutoff {
            first -= 1
            if !waiting[first].isHidden { visible += 1 }
        }
        return first
    }
}
