import Glibc

/// The two-sample test of Kolmogorov and Smirnov, two-sided.
package enum KolmogorovSmirnov {
    package struct Outcome: Sendable, Hashable {
        package var statistic: Double
        package var pValue: Double
    }

    /// The greatest distance between the two distributions, and how likely one as great is where
    /// both are the same; neither sample is empty.
    ///
    /// As SciPy's `ks_2samp` by default: exact where neither has more than 10,000 values.
    package static func test(_ first: NumericSample, _ second: NumericSample) -> Outcome {
        let distance = distance(first, second)
        let (m, n) = (Int(first.count.rounded()), Int(second.count.rounded()))
        guard max(m, n) <= 10_000 else {
            let effective = Double(m) * Double(n) / Double(m + n)
            let p = KolmogorovDistribution.exceeding(
                distance,
                n: Int(effective.rounded(.toNearestOrEven))
            )
            return Outcome(statistic: distance, pValue: p)
        }
        let divisor = greatestDivisor(m, n)
        let multiple = Double(m / divisor) * Double(n)
        let steps = Int((distance * multiple).rounded(.toNearestOrEven))
        guard steps > 0 else { return Outcome(statistic: 0, pValue: 1) }
        let p =
            m == n
            ? outsideSquare(m, steps)
            : outside(max(m, n), min(m, n), divisor, steps)
        return Outcome(statistic: Double(steps) / multiple, pValue: min(max(p, 0), 1))
    }

    static func distance(_ first: NumericSample, _ second: NumericSample) -> Double {
        var (i, j) = (0, 0)
        var (left, right) = (0.0, 0.0)
        var (least, most) = (0.0, 0.0)
        while i < first.values.count || j < second.values.count {
            let value = min(
                i < first.values.count ? first.values[i] : .infinity,
                j < second.values.count ? second.values[j] : .infinity
            )
            while i < first.values.count, first.values[i] <= value {
                left = first.cumulative[i] / first.count
                i += 1
            }
            while j < second.values.count, second.values[j] <= value {
                right = second.cumulative[j] / second.count
                j += 1
            }
            least = min(least, left - right)
            most = max(most, left - right)
        }
        return max(most, -least)
    }

    private static func greatestDivisor(_ m: Int, _ n: Int) -> Int {
        n == 0 ? m : greatestDivisor(n, m % n)
    }

    /// The share of lattice paths from (0, 0) to (n, n) that leave the band of `steps`: by reflection,
    /// each term of the alternating sum taken relative to the one before.
    private static func outsideSquare(_ n: Int, _ steps: Int) -> Double {
        var sum = 0.0
        for k in stride(from: n / steps, through: 0, by: -1) {
            var ratio = 1.0
            for j in 0..<steps {
                ratio *= Double(n - k * steps - j) / Double(n + k * steps + j + 1)
            }
            sum = ratio * (1 - sum)
        }
        return 2 * sum
    }

    /// The share of lattice paths from (0, 0) to (m, n) that leave the band; m > n.
    ///
    /// Goes through the band column by column (Hodges, 1958) and carries shares, not counts of paths
    /// (Viehmann, https://arxiv.org/abs/2102.08037): a path to (x, y) came from its left with the
    /// chance x / (x + y), and what comes from outside the band has left it already.
    private static func outside(_ m: Int, _ n: Int, _ divisor: Int, _ steps: Int) -> Double {
        let (wide, high) = (m / divisor, n / divisor)
        var column = [Double](repeating: 1, count: n + 1)
        var (lowest, end) = (0, min((steps + wide - 1) / wide, n + 1))
        for y in 0..<end { column[y] = 0 }
        for x in 1...m {
            let from = high * x - steps
            let below = from >= 0 ? from / wide : -((wide - 1 - from) / wide)
            let start = min(max(below + 1, 0), n)
            let stop = min((high * x + steps + wide - 1) / wide, n + 1)
            guard stop > start else { return 1 }
            for y in lowest..<start { column[y] = 1 }
            var under = start == 0 ? 0.0 : 1.0
            for y in start..<stop {
                under = (column[y] * Double(x) + under * Double(y)) / Double(x + y)
                column[y] = under
            }
            if stop < end { for y in stop..<end { column[y] = 1 } }
            (lowest, end) = (start, stop)
        }
        return column[n]
    }
}
