/// How often each key is asked for.
package enum KeyDistribution: Sendable, Hashable {
    case uniform
    /// The keys' ranks are scattered over their range, so that often asked ones are no neighbours.
    case zipfian(exponent: Double)
}

/// Numbers from 0 to below `count` after a distribution.
package struct KeyDraws: Sendable {
    package let count: Int
    private let ranks: ZipfianRanks?
    /// Shares no factor with `count`, so that it maps the ranks to the numbers one to one.
    private let stride: UInt64

    package init(count: Int, _ distribution: KeyDistribution) {
        precondition(count >= 1)
        self.count = count
        switch distribution {
        case .uniform: ranks = nil
        case .zipfian(let exponent): ranks = ZipfianRanks(count: count, exponent: exponent)
        }
        var stride = UInt64(Double(count) * 0.618_033_988_749) | 1
        while Self.commonDivisor(stride, UInt64(count)) != 1 { stride += 2 }
        self.stride = stride
    }

    package func draw(_ random: inout RandomStream) -> Int {
        guard let ranks else { return Int(random.below(UInt64(count))) }
        let rank = UInt64(ranks.draw(&random) - 1)
        let product = rank.multipliedFullWidth(by: stride)
        return Int(UInt64(count).dividingFullWidth((product.high, product.low)).remainder)
    }

    private static func commonDivisor(_ first: UInt64, _ second: UInt64) -> UInt64 {
        var (large, small) = (first, second)
        while small != 0 { (large, small) = (small, large % small) }
        return large
    }
}
