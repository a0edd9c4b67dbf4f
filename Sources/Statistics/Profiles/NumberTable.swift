/// Different numbers and how often each was seen, exactly, as long as there are at most 64.
struct NumberTable: Sendable, Hashable {
    static let most = 64
    private static let slots = 256

    /// Slots of an open table; a count of zero is an empty one.
    private var bits = [UInt64](repeating: 0, count: slots)
    private var counts = [UInt64](repeating: 0, count: slots)
    private(set) var distinct = 0

    init() {}

    /// How many of the values were taken before there were too many different ones; a value not
    /// taken changes nothing.
    mutating func add(_ values: UnsafeBufferPointer<Double>) -> Int {
        var start = 0
        while start < values.count {
            start = countKnown(values, from: start)
            guard start < values.count, add(values[start], 1) else { return start }
            start += 1
        }
        return start
    }

    /// Counts values that are in the table; stops at the first that is not in the slot of its hash.
    private mutating func countKnown(
        _ values: UnsafeBufferPointer<Double>,
        from start: Int
    ) -> Int {
        bits.withUnsafeBufferPointer { bits in
            counts.withUnsafeMutableBufferPointer { counts in
                for index in start..<values.count {
                    // Minus zero is zero.
                    let pattern = (values[index] + 0.0).bitPattern
                    let slot = Int(truncatingIfNeeded: DistinctCounter.hash(pattern) >> 56)
                    guard bits[slot] == pattern, counts[slot] != 0 else { return index }
                    counts[slot] &+= 1
                }
                return values.count
            }
        }
    }

    /// False where this value would be one too many.
    mutating func add(_ value: Double, _ count: UInt64) -> Bool {
        // Minus zero is zero.
        let pattern = (value + 0.0).bitPattern
        var slot = Int(truncatingIfNeeded: DistinctCounter.hash(pattern) >> 56)
        while counts[slot] != 0 {
            if bits[slot] == pattern {
                counts[slot] += count
                return true
            }
            slot = (slot + 1) & (Self.slots - 1)
        }
        guard distinct < Self.most else { return false }
        bits[slot] = pattern
        counts[slot] = count
        distinct += 1
        return true
    }

    /// This and the other; nil where there are too many different values.
    func joined(_ other: NumberTable) -> NumberTable? {
        var whole = self
        for (value, count) in other.entries {
            guard whole.add(value, count) else { return nil }
        }
        return whole
    }

    /// In the order of the values.
    var entries: [(value: Double, count: UInt64)] {
        (0..<Self.slots).filter { counts[$0] != 0 }
            .map { (Double(bitPattern: bits[$0]), counts[$0]) }
            .sorted { $0.0 < $1.0 }
    }

    static func == (left: NumberTable, right: NumberTable) -> Bool {
        left.distinct == right.distinct
            && zip(left.entries, right.entries).allSatisfy { $0 == $1 }
    }

    func hash(into hasher: inout Hasher) {
        for (value, count) in entries {
            hasher.combine(value)
            hasher.combine(count)
        }
    }
}
