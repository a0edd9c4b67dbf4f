import Glibc

/// A figure and where the true one lies, 95 times in a hundred; no bounds where too few rows say so.
package struct Estimate: Sendable, Hashable {
    package var value: Double
    package var low: Double?
    package var high: Double?

    /// Of the normal distribution's middle 95 %.
    static let z = 1.959963984540054

    package init(_ value: Double, low: Double? = nil, high: Double? = nil) {
        self.value = value
        self.low = low
        self.high = high
    }

    /// Wilson's score interval of a share, which holds for few rows, too; 0 of 0 is 0.
    static func share(_ part: Double, of whole: Double) -> Estimate {
        guard whole > 0 else { return Estimate(0) }
        let p = part / whole
        let square = z * z / whole
        let middle = (p + square / 2) / (1 + square)
        let half = z * (p * (1 - p) / whole + square / (4 * whole)).squareRoot() / (1 + square)
        return Estimate(p, low: max(0, middle - half), high: min(1, middle + half))
    }

    /// The normal interval of a mean.
    static func mean(_ values: [Double]) -> Estimate {
        guard !values.isEmpty else { return Estimate(.nan) }
        let mean = values.reduce(0, +) / Double(values.count)
        return around(mean, standardError: standardError(values, mean))
    }

    static func around(_ value: Double, standardError: Double?) -> Estimate {
        guard let standardError, standardError.isFinite else { return Estimate(value) }
        return Estimate(value, low: value - z * standardError, high: value + z * standardError)
    }

    /// Of a mean; nil for fewer than two values.
    static func standardError(_ values: [Double], _ mean: Double) -> Double? {
        guard values.count > 1 else { return nil }
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let count = Double(values.count)
        return (squares / (count - 1) / count).squareRoot()
    }

    func within(_ range: ClosedRange<Double>) -> Estimate {
        Estimate(
            value,
            low: low.map { max($0, range.lowerBound) },
            high: high.map { min($0, range.upperBound) }
        )
    }
}
