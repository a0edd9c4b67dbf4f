/// The order of rows by a number and a time, where both together fit 64 bits.
package enum KeyTimeOrder {
    /// Row numbers ascending by key, then time, then row; nil where the keys and times spread too
    /// far.
    ///
    /// Sorted digit by digit, so that the cost grows with the rows only.
    package static func rows(keys: [UInt64], times: [Int64]) -> [Int32]? {
        precondition(keys.count == times.count && keys.count <= Int(Int32.max))
        guard let leastKey = keys.min(), let greatestKey = keys.max(), let leastTime = times.min(),
            let greatestTime = times.max()
        else { return [] }
        let timeBits = 64 - UInt64(bitPattern: greatestTime &- leastTime).leadingZeroBitCount
        let keyBits = 64 - (greatestKey - leastKey).leadingZeroBitCount
        guard keyBits + timeBits <= 64 else { return nil }
        var items = [Item](unsafeUninitializedCapacity: keys.count) { buffer, filled in
            for row in 0..<keys.count {
                let time = UInt64(bitPattern: times[row] &- leastTime)
                // A key of no bits would be shifted out of the word.
                let key = keyBits == 0 ? 0 : (keys[row] - leastKey) << UInt64(timeBits)
                buffer[row] = Item(place: key | time, row: Int32(row))
            }
            filled = keys.count
        }
        sort(&items, bits: keyBits + timeBits)
        return items.map(\.row)
    }

    private struct Item: BitwiseCopyable {
        var place: UInt64
        var row: Int32
    }

    /// With more digits at once the places they are scattered to no longer fit the nearest cache.
    private static let mostDigitBits = 11
    private static let few = 24

    /// Sorts by the lower `bits` of the places; of equal places the order is kept.
    private static func sort(_ items: inout [Item], bits: Int) {
        let count = items.count
        items.withUnsafeMutableBufferPointer { items in
            withUnsafeTemporaryAllocation(of: Item.self, capacity: count) { spare in
                guard let items = items.baseAddress, let spare = spare.baseAddress else { return }
                sort(items, spare, count: count, bits: bits, toSpare: false)
            }
        }
    }

    /// Scatters by the highest digit, so that what is near each other after is small enough to be
    /// sorted in the processor's cache, and sorts each part likewise.
    private static func sort(
        _ items: UnsafeMutablePointer<Item>,
        _ spare: UnsafeMutablePointer<Item>,
        count: Int,
        bits: Int,
        toSpare: Bool
    ) {
        guard count > few, bits > 0 else {
            sortFew(items, count: count)
            if toSpare { spare.update(from: items, count: count) }
            return
        }
        let digitBits = min(bits, mostDigitBits, Int.bitWidth - count.leadingZeroBitCount - 2)
        let shift = UInt64(bits - digitBits)
        let mask = UInt64(1 << digitBits - 1)
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 1 << digitBits) { ends in
            ends.initialize(repeating: 0)
            for index in 0..<count { ends[Int(items[index].place &>> shift & mask)] &+= 1 }
            var start: Int32 = 0
            for digit in ends.indices {
                let taken = ends[digit]
                ends[digit] = start
                start += taken
            }
            for index in 0..<count {
                let item = items[index]
                let digit = Int(item.place &>> shift & mask)
                spare[Int(ends[digit])] = item
                ends[digit] &+= 1
            }
            var first = 0
            for end in ends where Int(end) > first {
                sort(
                    spare + first,
                    items + first,
                    count: Int(end) - first,
                    bits: bits - digitBits,
                    toSpare: !toSpare
                )
                first = Int(end)
            }
        }
    }

    private static func sortFew(_ items: UnsafeMutablePointer<Item>, count: Int) {
        guard count > 1 else { return }
        for index in 1..<count {
            let item = items[index]
            var place = index
            while place > 0, items[place - 1].place > item.place {
                items[place] = items[place - 1]
                place -= 1
            }
            items[place] = item
        }
    }
}
