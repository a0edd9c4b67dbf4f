/// Sorts finite numbers by digits, which takes a fraction of what comparing them takes.
enum NumberSort {
    /// Digits of a place between the least and the greatest: two of 11 bits.
    private static let digits = 2_048
    private static let fewNumbers = 256
    /// Moves for each number, beyond which the places say too little of the order.
    private static let mostMoves = 8

    static func sorted(_ numbers: [Double]) -> [Double] {
        guard numbers.count > fewNumbers else { return numbers.sorted() }
        return byPlace(numbers) ?? byBits(numbers)
    }

    /// By where each stands between the least and the greatest; neighbours are put right at the end.
    ///
    /// Nil where most stand too near to one another.
    private static func byPlace(_ numbers: [Double]) -> [Double]? {
        var (least, greatest) = (numbers[0], numbers[0])
        for number in numbers {
            least = number < least ? number : least
            greatest = number > greatest ? number : greatest
        }
        if least == greatest { return numbers }
        let scale = Double(digits * digits - 1) / (greatest - least)
        guard scale > 0, scale.isFinite else { return nil }
        @inline(__always)
        func place(_ number: Double) -> Int { Int((number - least) * scale) }
        var low = [Int](repeating: 0, count: digits)
        var high = [Int](repeating: 0, count: digits)
        for number in numbers {
            let place = place(number)
            low[place & (digits - 1)] += 1
            high[place / digits] += 1
        }
        let once = scattered(numbers, by: low) { place($0) & (digits - 1) }
        var sorted = scattered(once, by: high) { place($0) / digits }
        return settle(&sorted) ? sorted : nil
    }

    /// In the order of the digit, and within one of them as they came.
    @inline(__always)
    private static func scattered(
        _ numbers: [Double],
        by counts: [Int],
        _ digit: (Double) -> Int
    ) -> [Double] {
        var starts = counts
        var sum = 0
        for slot in starts.indices { (starts[slot], sum) = (sum, sum + starts[slot]) }
        return [Double](unsafeUninitializedCapacity: numbers.count) { target, filled in
            for number in numbers {
                let slot = digit(number)
                target[starts[slot]] = number
                starts[slot] += 1
            }
            filled = numbers.count
        }
    }

    /// Puts what is nearly sorted in order; false where it is not nearly sorted.
    private static func settle(_ numbers: inout [Double]) -> Bool {
        var moves = mostMoves * numbers.count
        return numbers.withUnsafeMutableBufferPointer { numbers in
            for index in 1..<numbers.count {
                let number = numbers[index]
                var hole = index
                while hole > 0, numbers[hole - 1] > number {
                    numbers[hole] = numbers[hole - 1]
                    hole -= 1
                }
                numbers[hole] = number
                moves -= index - hole
                if moves < 0 { return false }
            }
            return true
        }
    }

    /// By their bits, in the order of the numbers: those of negative ones turned over.
    private static func byBits(_ numbers: [Double]) -> [Double] {
        var keys = numbers.map { number -> UInt64 in
            let bits = number.bitPattern
            return bits >> 63 == 1 ? ~bits : bits | 1 << 63
        }
        var other = [UInt64](repeating: 0, count: keys.count)
        for digit in 0..<6 {
            let shift = UInt64(11 * digit)
            var starts = [Int](repeating: 0, count: digits)
            for key in keys { starts[Int(key >> shift & 2_047)] += 1 }
            // All in one place are in order already.
            if starts.contains(keys.count) { continue }
            var sum = 0
            for slot in starts.indices { (starts[slot], sum) = (sum, sum + starts[slot]) }
            for key in keys {
                let slot = Int(key >> shift & 2_047)
                other[starts[slot]] = key
                starts[slot] += 1
            }
            swap(&keys, &other)
        }
        return keys.map { Double(bitPattern: $0 >> 63 == 1 ? $0 & ~(1 << 63) : ~$0) }
    }
}
