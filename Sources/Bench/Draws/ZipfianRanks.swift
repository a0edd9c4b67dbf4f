import Glibc

/// Ranks from 1 to `count`, rank *k* in proportion to *k* to the power of minus `exponent`, by
/// rejection-inversion (Hörmann and Derflinger 1996): a few logarithms a draw, whatever the count.
package struct ZipfianRanks: Sendable {
    private let count: Double
    private let exponent: Double
    private let first: Double
    private let last: Double
    private let shortcut: Double

    /// `exponent` is above 0, `count` at least 1.
    package init(count: Int, exponent: Double) {
        precondition(count >= 1 && exponent > 0)
        self.count = Double(count)
        self.exponent = exponent
        first = Self.integral(1.5, exponent) - 1
        last = Self.integral(Double(count) + 0.5, exponent)
        shortcut =
            2
            - Self.inverse(
                Self.integral(2.5, exponent) - Self.density(2, exponent),
                exponent
            )
    }

    package func draw(_ random: inout RandomStream) -> Int {
        while true {
            let area = last + random.fraction() * (first - last)
            let place = Self.inverse(area, exponent)
            let rank = min(max(place.rounded(), 1), count)
            if rank - place <= shortcut
                || area >= Self.integral(rank + 0.5, exponent) - Self.density(rank, exponent)
            {
                return Int(rank)
            }
        }
    }

    private static func density(_ x: Double, _ exponent: Double) -> Double {
        exp(-exponent * log(x))
    }

    private static func integral(_ x: Double, _ exponent: Double) -> Double {
        let logarithm = log(x)
        let scaled = (1 - exponent) * logarithm
        return (abs(scaled) > 1e-8 ? expm1(scaled) / scaled : 1 + scaled / 2) * logarithm
    }

    private static func inverse(_ area: Double, _ exponent: Double) -> Double {
        let scaled = max(area * (1 - exponent), -1)
        return exp((abs(scaled) > 1e-8 ? log1p(scaled) / scaled : 1 - scaled / 2) * area)
    }
}
