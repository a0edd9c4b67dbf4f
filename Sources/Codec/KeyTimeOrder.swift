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

    private static let digitBits = 11

    private static func sort(_ items: inout [Item], bits: Int) {
        let count = items.count
        guard count > 1 else { return }
        guard count > 1 << digitBits else {
            items.sort { $0.place != $1.place ? $0.place < $1.place : $0.row < $1.row }
            return
        }
        var spare = [Item](repeating: Item(place: 0, row: 0), count: count)
        for shift in stride(from: 0, to: bits, by: digitBits) {
            items.withUnsafeBufferPointer { source in
                spare.withUnsafeMutableBufferPointer { target in
                    scatter(source, target, shift: UInt64(shift))
                }
            }
            swap(&items, &spare)
        }
    }

    private static func scatter(
        _ source: UnsafeBufferPointer<Item>,
        _ target: UnsafeMutableBufferPointer<Item>,
        shift: UInt64
    ) {
        let digits = 1 << digitBits
        let mask = UInt64(digits - 1)
        withUnsafeTemporaryAllocation(of: Int.self, capacity: digits) { next in
            next.initialize(repeating: 0)
            for item in source { next[Int(item.place &>> shift & mask)] &+= 1 }
            var start = 0
            for digit in 0..<digits {
                let taken = next[digit]
                next[digit] = start
                start += taken
            }
            for item in source {
                let digit = Int(item.place &>> shift & mask)
                target[next[digit]] = item
                next[digit] &+= 1
            }
        }
    }
}
