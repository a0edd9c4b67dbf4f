/// At most 1,024 numbers in order and how many values each stands for.
///
/// Exact where there were no more values than that. Else each number is the middle one of its share of
/// all, which puts the rank of a value off by 0.05 % of all, and as much again for each time that
/// sketches were merged; what `NumberSampler` adds comes on top.
package struct QuantileSketch: Sendable, Hashable {
    package static let most = 1_024

    package let points: [Double]
    /// How many values are not above the point at the same place.
    package let cumulative: [Double]

    package var count: Double { cumulative.last ?? 0 }

    package init() { (points, cumulative) = ([], []) }

    /// Of numbers of equal weight, `total` in all.
    init(_ numbers: [Double], total: Double) {
        guard numbers.count > Self.most else {
            points = numbers.sorted()
            cumulative = Self.even(numbers.count, total)
            return
        }
        let share = Double(numbers.count) / Double(Self.most)
        let ranks = (0..<Self.most).map { Int((Double($0) + 0.5) * share) }
        points = RankedNumbers.at(ranks, of: numbers)
        cumulative = Self.even(Self.most, total)
    }

    /// What so many points stand for that share `total` evenly.
    static func even(_ points: Int, _ total: Double) -> [Double] {
        (0..<points).map { Double($0 + 1) * total / Double(points) }
    }

    /// Of different numbers in order and their counts.
    init(_ entries: [(value: Double, count: UInt64)]) {
        var sum = 0.0
        points = entries.map(\.value)
        cumulative = entries.map {
            sum += Double($0.count)
            return sum
        }
    }

    /// Nil where the points are not in order or count nothing.
    init?(points: [Double], cumulative: [Double]) {
        guard points.count == cumulative.count, points.count <= Self.most,
            points.allSatisfy(\.isFinite), cumulative.allSatisfy(\.isFinite),
            zip(points, points.dropFirst()).allSatisfy({ $0 <= $1 }),
            zip([0] + cumulative, cumulative).allSatisfy({ $0 < $1 }),
            cumulative.last ?? 0 <= 0x1p53
        else { return nil }
        self.points = points
        self.cumulative = cumulative
    }

    /// All of them in one.
    package static func merging(_ sketches: [QuantileSketch]) -> QuantileSketch {
        var weighted: [(value: Double, weight: Double)] = []
        for sketch in sketches {
            var before = 0.0
            for (value, upTo) in zip(sketch.points, sketch.cumulative) {
                weighted.append((value, upTo - before))
                before = upTo
            }
        }
        weighted.sort { $0.value < $1.value }
        var sum = 0.0
        let points = weighted.map(\.value)
        let cumulative = weighted.map {
            sum += $0.weight
            return sum
        }
        let whole = QuantileSketch(unchecked: points, cumulative)
        guard points.count > Self.most else { return whole }
        return QuantileSketch(
            unchecked: (0..<Self.most).map {
                whole.value(atRank: sum * (Double($0) + 0.5) / Double(Self.most))
            },
            (0..<Self.most).map { sum * Double($0 + 1) / Double(Self.most) }
        )
    }

    private init(unchecked points: [Double], _ cumulative: [Double]) {
        self.points = points
        self.cumulative = cumulative
    }

    /// The value below which this share of all is; nil where there is none.
    package func quantile(_ share: Double) -> Double? {
        points.isEmpty ? nil : value(atRank: share * count)
    }

    private func value(atRank rank: Double) -> Double {
        var (low, high) = (0, points.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] < rank { low = middle + 1 } else { high = middle }
        }
        return points[low]
    }
}
