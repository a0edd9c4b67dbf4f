/// Which keys of two ascending lists are equal.
package struct KeyMatches: Sendable {
    package struct Pair: Sendable {
        package var key: Int32
        package var other: Int32
    }

    /// Ascending on both sides.
    package private(set) var pairs: [Pair] = []

    /// The keys of the range, and all others; steps of the order of the shorter list.
    package init(_ keys: SortableKeys, _ range: Range<Int>, _ others: SortableKeys) {
        pairs.reserveCapacity(min(range.count, others.count))
        guard keys.isExact else {
            matchAny(keys, range, others)
            return
        }
        keys.prefixes.withUnsafeBufferPointer { left in
            others.prefixes.withUnsafeBufferPointer { right in
                matchExact(left, range, right)
            }
        }
    }

    private mutating func matchExact(
        _ left: UnsafeBufferPointer<UInt64>,
        _ range: Range<Int>,
        _ right: UnsafeBufferPointer<UInt64>
    ) {
        precondition(range.upperBound <= left.count)
        var key = range.lowerBound
        var other = 0
        while key < range.upperBound, other < right.count {
            if left[key] == right[other] {
                pairs.append(Pair(key: Int32(key), other: Int32(other)))
                key += 1
                other += 1
            } else if left[key] < right[other] {
                key = KeyMatches.first(left, from: key + 1, to: range.upperBound, right[other])
            } else {
                other = KeyMatches.first(right, from: other + 1, to: right.count, left[key])
            }
        }
    }

    /// The first that is not less than the goal; steps that double, so that near is cheap.
    @inline(__always)
    private static func first(
        _ list: UnsafeBufferPointer<UInt64>,
        from start: Int,
        to end: Int,
        _ goal: UInt64
    ) -> Int {
        var low = start
        var step = 1
        while low + step <= end, list[low + step - 1] < goal {
            low += step
            step *= 2
        }
        var high = min(low + step - 1, end)
        while low < high {
            let middle = (low + high) / 2
            if list[middle] < goal { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func matchAny(
        _ keys: SortableKeys,
        _ range: Range<Int>,
        _ others: SortableKeys
    ) {
        var key = range.lowerBound
        var other = 0
        while key < range.upperBound, other < others.count {
            let order = keys.compare(key, others, other)
            if order < 0 {
                key = keys.firstIndex(from: key + 1, notBefore: others, other)
            } else if order > 0 {
                other = others.firstIndex(from: other + 1, notBefore: keys, key)
            } else {
                pairs.append(Pair(key: Int32(key), other: Int32(other)))
                key += 1
                other += 1
            }
        }
    }
}
