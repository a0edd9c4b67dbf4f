/// Numbers in order with how many values each stands for: raw values, or the points of a sketch.
///
/// Neither NaN nor infinite values are in it.
package struct NumericSample: Sendable, Hashable {
    /// In order, each at least once.
    package let values: [Double]
    /// How many values are not above the one at the same place.
    package let cumulative: [Double]
    /// Of all values, as they were and not as the sketch has them: n divides.
    package let deviation: Double
    package let minimum: Double
    package let maximum: Double
    /// Different values, estimated where a sketch does.
    package let distinct: Double
    /// Whether the feature is of an integer type, which makes bins at least one wide.
    package let isInteger: Bool

    package var count: Double { cumulative.last ?? 0 }
    package var isEmpty: Bool { values.isEmpty }

    /// Raw values; NaN and infinite ones are left out.
    package init(_ raw: [Double], isInteger: Bool = false) {
        let sorted = raw.filter(\.isFinite).sorted()
        let count = Double(sorted.count)
        let mean = sorted.reduce(0, +) / max(count, 1)
        let squares = sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        var distinct = 0
        for (index, value) in sorted.enumerated() where index == 0 || sorted[index - 1] != value {
            distinct += 1
        }
        self.init(
            values: sorted,
            cumulative: sorted.indices.map { Double($0 + 1) },
            deviation: (squares / max(count, 1)).squareRoot(),
            minimum: sorted.first ?? .nan,
            maximum: sorted.last ?? .nan,
            distinct: Double(distinct),
            isInteger: isInteger
        )
    }

    init(
        values: [Double],
        cumulative: [Double],
        deviation: Double,
        minimum: Double,
        maximum: Double,
        distinct: Double,
        isInteger: Bool
    ) {
        self.values = values
        self.cumulative = cumulative
        self.deviation = deviation
        self.minimum = minimum
        self.maximum = maximum
        self.distinct = distinct
        self.isInteger = isInteger
    }

    /// How many values are below `bound`, or not above it.
    package func count(_ side: Side, _ bound: Double) -> Double {
        var (low, high) = (0, values.count)
        while low < high {
            let middle = (low + high) / 2
            let isBefore =
                switch side {
                case .below: values[middle] < bound
                case .upTo: values[middle] <= bound
                }
            if isBefore { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? 0 : cumulative[low - 1]
    }

    package enum Side: Sendable { case below, upTo }

    /// How many values each bin of these edges has; the last bin has its upper edge, too.
    package func histogram(_ edges: [Double]) -> [Double] {
        guard let last = edges.last else { return [] }
        var below = edges.dropLast().map { count(.below, $0) }
        below.append(count(.upTo, last))
        return zip(below.dropFirst(), below).map { $0 - $1 }
    }

    /// The values and how many there are of each.
    var frequencies: [(value: Double, count: Double)] {
        var found: [(value: Double, count: Double)] = []
        var before = 0.0
        for (value, upTo) in zip(values, cumulative) {
            if let last = found.last, last.value == value {
                found[found.count - 1].count += upTo - before
            } else {
                found.append((value, upTo - before))
            }
            before = upTo
        }
        return found
    }
}

/// Different values of a feature that has no order, and how often each was seen.
package struct CategoryCounts: Sendable, Hashable {
    package var counts: [String: Double]
    /// Of values that a sketch did not keep apart.
    package var others: Double

    package init(_ counts: [String: Double], others: Double = 0) {
        self.counts = counts
        self.others = others
    }

    package init(_ raw: [String]) {
        self.init(raw.reduce(into: [:]) { $0[$1, default: 0] += 1 })
    }

    package var count: Double { counts.values.reduce(0, +) + others }
    package var isEmpty: Bool { count == 0 }
}
