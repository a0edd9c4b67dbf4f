/// Count, mean, deviation, least and greatest of finite numbers; two of them make one.
///
/// Blocks are joined as Chan, Golub and LeVeque do: nothing large is subtracted from anything large.
package struct Moments: Sendable, Hashable {
    package private(set) var count: UInt64 = 0
    package private(set) var mean = 0.0
    /// The sum of squared distances from the mean.
    package private(set) var squares = 0.0
    package private(set) var minimum = Double.infinity
    package private(set) var maximum = -Double.infinity

    package init() {}

    init(count: UInt64, mean: Double, squares: Double, minimum: Double, maximum: Double) {
        self.count = count
        self.mean = mean
        self.squares = squares
        self.minimum = minimum
        self.maximum = maximum
    }

    /// Whether finite numbers can have these.
    var isSound: Bool {
        count == 0
            || mean.isFinite && squares >= 0 && minimum.isFinite && maximum.isFinite
                && minimum <= maximum
    }

    /// Of the whole population; zero where there is nothing.
    package var deviation: Double {
        count == 0 ? 0 : (squares / Double(count)).squareRoot()
    }

    /// A block of numbers; small blocks, which stay near the processor, are best.
    ///
    /// False, and nothing is added, where their sum is not finite.
    mutating func add(_ values: UnsafeBufferPointer<Double>) -> Bool {
        guard !values.isEmpty else { return true }
        let whole = values.count & ~3
        var least = SIMD4<Double>(repeating: .infinity)
        var greatest = -least
        var sums = SIMD4<Double>(repeating: 0)
        var index = 0
        while index < whole {
            let four = values.four(index)
            least.replace(with: four, where: four .< least)
            greatest.replace(with: four, where: four .> greatest)
            sums += four
            index += 4
        }
        var (low, high, sum) = (least.min(), greatest.max(), sums.sum())
        for index in whole..<values.count {
            low = min(low, values[index])
            high = max(high, values[index])
            sum += values[index]
        }
        guard sum.isFinite else { return false }
        let middle = sum / Double(values.count)
        let middles = SIMD4(repeating: middle)
        var distances = SIMD4<Double>(repeating: 0)
        index = 0
        while index < whole {
            let away = values.four(index) - middles
            distances += away * away
            index += 4
        }
        var total = distances.sum()
        for index in whole..<values.count {
            total += (values[index] - middle) * (values[index] - middle)
        }
        merge(
            Moments(
                count: UInt64(values.count),
                mean: middle,
                squares: total,
                minimum: low,
                maximum: high
            )
        )
        return true
    }

    /// A finite number.
    mutating func add(_ value: Double) {
        merge(Moments(count: 1, mean: value, squares: 0, minimum: value, maximum: value))
    }

    package mutating func merge(_ other: Moments) {
        guard other.count > 0 else { return }
        let (left, right) = (Double(count), Double(other.count))
        let away = other.mean - mean
        mean += away * right / (left + right)
        squares += other.squares + away * away * left * right / (left + right)
        count += other.count
        minimum = min(minimum, other.minimum)
        maximum = max(maximum, other.maximum)
    }
}

extension UnsafeBufferPointer<Double> {
    /// Four values from `index` on.
    @inline(__always)
    fileprivate func four(_ index: Int) -> SIMD4<Double> {
        SIMD4(self[index], self[index + 1], self[index + 2], self[index + 3])
    }
}
