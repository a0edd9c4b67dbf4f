import Glibc

/// How many different values there were, nearly: HyperLogLog with 4,096 registers, a standard error of
/// 1.6 %; two of them make one.
///
/// Flajolet and others (2007), with the estimator of Ertl, "New cardinality estimation algorithms for
/// HyperLogLog sketches" (https://arxiv.org/abs/1702.01284), which needs no correction tables.
package struct DistinctCounter: Sendable, Hashable {
    /// Bits of a hash that choose the register.
    static let indexBits: UInt64 = 12
    static let registers = 1 << 12
    /// The greatest number that a register takes: the other bits are all zero.
    static let most = UInt8(64 - 12 + 1)

    /// For each register the greatest place of the first one bit.
    private(set) var places: [UInt8]

    package init() { places = [UInt8](repeating: 0, count: Self.registers) }

    /// Nil where that is no state of a counter.
    init?(places: [UInt8]) {
        guard places.count == Self.registers, places.allSatisfy({ $0 <= Self.most }) else {
            return nil
        }
        self.places = places
    }

    /// Spreads the bits of a value evenly: the halves of a product, folded, and spread once more.
    @inline(__always)
    static func hash(_ bits: UInt64) -> UInt64 {
        let product = (bits ^ 0xA076_1D64_78BD_642F)
            .multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
        return (product.high ^ product.low) &* 0x9E37_79B9_7F4A_7C15
    }

    mutating func add(hash: UInt64) {
        let register = Int(hash >> (64 - Self.indexBits))
        let place = UInt8(
            truncatingIfNeeded: (hash << Self.indexBits | 1 << 11).leadingZeroBitCount
        )
        if place + 1 > places[register] { places[register] = place + 1 }
    }

    mutating func add(_ values: UnsafeBufferPointer<Double>) {
        places.withUnsafeMutableBufferPointer { places in
            for index in 0..<values.count {
                // Minus zero is zero.
                let hash = DistinctCounter.hash((values[index] + 0.0).bitPattern)
                let register = Int(truncatingIfNeeded: hash >> (64 - DistinctCounter.indexBits))
                let rest = hash << DistinctCounter.indexBits | 1 << 11
                let place = UInt8(truncatingIfNeeded: rest.leadingZeroBitCount) &+ 1
                // There are as many registers as the bits can name.
                if place > places[register] { places[register] = place }
            }
        }
    }

    package mutating func merge(_ other: DistinctCounter) {
        for (register, place) in other.places.enumerated() where place > places[register] {
            places[register] = place
        }
    }

    package var estimate: Double {
        let count = Double(Self.registers)
        let last = Int(Self.most)
        var having = [Double](repeating: 0, count: last + 1)
        for place in places { having[Int(place)] += 1 }
        var sum = count * Self.upperTail(1 - having[last] / count)
        for place in stride(from: last - 1, through: 1, by: -1) {
            sum = 0.5 * (sum + having[place])
        }
        sum += count * Self.lowerTail(having[0] / count)
        return count * count / (2 * log(2) * sum)
    }

    /// Ertl's σ: x + Σ x^(2^k) 2^(k-1), for the share of empty registers.
    private static func lowerTail(_ share: Double) -> Double {
        guard share < 1 else { return .infinity }
        var (x, factor, sum) = (share, 1.0, share)
        while true {
            let before = sum
            x *= x
            sum += x * factor
            factor += factor
            if sum == before { return sum }
        }
    }

    /// Ertl's τ, for the share of registers that are not full.
    private static func upperTail(_ share: Double) -> Double {
        guard share > 0, share < 1 else { return 0 }
        var (x, factor, sum) = (share, 1.0, 1 - share)
        while true {
            let before = sum
            x = x.squareRoot()
            factor *= 0.5
            sum -= (1 - x) * (1 - x) * factor
            if sum == before { return sum / 3 }
        }
    }
}
