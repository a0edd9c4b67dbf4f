import Glibc

/// Tests and distances between a reference and what is compared with it; neither is empty.
package enum Distances {
    /// The p-value of Pearson's test of the current counts against the reference's shares.
    package static func chiSquared(
        _ reference: CategoryCounts,
        _ current: CategoryCounts
    ) -> Double {
        let pairs = paired(reference, current)
        let scale = current.count / reference.count
        var statistic = 0.0
        for (expected, observed) in pairs {
            let difference = observed - expected * scale
            statistic += difference * difference / (expected * scale)
        }
        guard pairs.count > 1 else { return 1 }
        return GammaFunctions.upperIncomplete(Double(pairs.count - 1) / 2, statistic / 2)
    }

    /// The p-value of the z-test of two shares, for a feature of at most two values.
    package static func twoShares(_ reference: CategoryCounts, _ current: CategoryCounts) -> Double
    {
        let keys = Set(reference.counts.keys).union(current.counts.keys)
        guard keys.count > 1, let first = keys.min() else { return 1 }
        let (m, n) = (reference.count, current.count)
        let left = 1 - (reference.counts[first] ?? 0) / m
        let right = 1 - (current.counts[first] ?? 0) / n
        let both = (left * m + right * n) / (m + n)
        let z = (left - right) / (both * (1 - both) * (1 / m + 1 / n)).squareRoot()
        return erfc(abs(z) / 2.0.squareRoot())
    }

    /// The earth mover's distance over the reference's deviation, which counts as 0.001 at least.
    package static func wasserstein(
        _ reference: NumericSample,
        _ current: NumericSample
    ) -> Double {
        var (i, j) = (0, 0)
        var (left, right) = (0.0, 0.0)
        var sum = 0.0
        var before = min(reference.values[0], current.values[0])
        while i < reference.values.count || j < current.values.count {
            let value = min(
                i < reference.values.count ? reference.values[i] : .infinity,
                j < current.values.count ? current.values[j] : .infinity
            )
            sum += abs(left - right) * (value - before)
            before = value
            while i < reference.values.count, reference.values[i] == value {
                left = reference.cumulative[i] / reference.count
                i += 1
            }
            while j < current.values.count, current.values[j] == value {
                right = current.cumulative[j] / current.count
                j += 1
            }
        }
        return sum / max(reference.deviation, 0.001)
    }

    /// The Jensen-Shannon distance, with natural logarithms.
    package static func jensenShannon(_ pairs: [(reference: Double, current: Double)]) -> Double {
        let (left, right) = sums(pairs)
        var divergence = 0.0
        for pair in pairs {
            let (p, q) = (pair.reference / left, pair.current / right)
            let middle = (p + q) / 2
            if p > 0 { divergence += p * log(p / middle) }
            if q > 0 { divergence += q * log(q / middle) }
        }
        return max(divergence / 2, 0).squareRoot()
    }

    /// The population stability index of shares; an empty bin counts as a ten-thousandth, or as a
    /// millionth of the least share where that is not above it.
    package static func stability(
        _ pairs: [(reference: Double, current: Double)],
        of totals: (reference: Double, current: Double)
    ) -> Double {
        let reference = filled(pairs.map { $0.reference / totals.reference })
        let current = filled(pairs.map { $0.current / totals.current })
        return zip(reference, current).reduce(0) { $0 + ($1.0 - $1.1) * log($1.0 / $1.1) }
    }

    private static func filled(_ shares: [Double]) -> [Double] {
        let least = shares.filter { $0 > 0 }.min() ?? 1
        let empty = least <= 0.0001 ? least / 1e6 : 0.0001
        return shares.map { $0 == 0 ? empty : $0 }
    }

    private static func sums(
        _ pairs: [(reference: Double, current: Double)]
    ) -> (Double, Double) {
        pairs.reduce(into: (0, 0)) { sums, pair in
            sums.0 += pair.reference
            sums.1 += pair.current
        }
    }

    /// Counts of the same category, in the order of the categories' names.
    package static func paired(
        _ reference: CategoryCounts,
        _ current: CategoryCounts
    ) -> [(reference: Double, current: Double)] {
        let keys = Set(reference.counts.keys).union(current.counts.keys).sorted()
        var pairs = keys.map { (reference.counts[$0] ?? 0, current.counts[$0] ?? 0) }
        if reference.others > 0 || current.others > 0 {
            pairs.append((reference.others, current.others))
        }
        return pairs.map { (reference: $0.0, current: $0.1) }
    }

    /// Counts of the same bin: of Sturges' bins over both where the reference has more than 20
    /// different values, else of each value.
    package static func binned(
        _ reference: NumericSample,
        _ current: NumericSample
    ) -> [(reference: Double, current: Double)] {
        guard reference.distinct > 20 else {
            var pairs: [Double: (reference: Double, current: Double)] = [:]
            for (value, count) in reference.frequencies {
                pairs[value, default: (0, 0)].reference += count
            }
            for (value, count) in current.frequencies {
                pairs[value, default: (0, 0)].current += count
            }
            return pairs.sorted { $0.key < $1.key }.map(\.value)
        }
        let edges = sturges(reference, current)
        return zip(reference.histogram(edges), current.histogram(edges)).map {
            (reference: $0, current: $1)
        }
    }

    /// Edges as `numpy.histogram_bin_edges(…, bins="sturges")` has them over both.
    package static func sturges(_ reference: NumericSample, _ current: NumericSample) -> [Double] {
        var low = min(reference.minimum, current.minimum)
        var high = max(reference.maximum, current.maximum)
        var width = (high - low) / (log2(reference.count + current.count) + 1)
        if reference.isInteger, current.isInteger, width < 1 { width = 1 }
        if low == high {
            low -= 0.5
            high += 0.5
            width = 1
        }
        // A range that is not finite has one bin.
        guard (high - low).isFinite else { return [low, high] }
        let bins = max(1, ((high - low) / width).rounded(.up))
        let step = (high - low) / bins
        return (0..<Int(bins)).map { Double($0) * step + low } + [high]
    }
}
