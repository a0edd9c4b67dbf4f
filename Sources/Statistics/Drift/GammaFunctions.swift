import Glibc

/// The gamma function and its relatives, to about fourteen digits.
enum GammaFunctions {
    /// log Γ(x) for x > 0: Stirling's series, from 16 on where eight terms of it are exact enough.
    static func logGamma(_ x: Double) -> Double {
        guard x >= 16 else {
            // Γ(x) = Γ(x + k) / (x (x + 1) … (x + k - 1))
            var product = 1.0
            var shifted = x
            while shifted < 16 {
                product *= shifted
                shifted += 1
            }
            return logGamma(shifted) - log(product)
        }
        return (x - 0.5) * log(x) - x + halfLogTwoPi + stirling(x)
    }

    /// log(n! / nⁿ), without the cancellation of two large logarithms.
    static func logFactorialOverPower(_ n: Double) -> Double {
        guard n >= 16 else { return logGamma(n + 1) - n * log(n) }
        return log(n) / 2 - n + halfLogTwoPi + stirling(n)
    }

    /// The regularised upper incomplete gamma function Q(a, x).
    ///
    /// Below a + 1 its complement's series converges, above it the continued fraction
    /// (https://dlmf.nist.gov/8.9), taken by Lentz's method.
    static func upperIncomplete(_ a: Double, _ x: Double) -> Double {
        guard x > 0 else { return 1 }
        guard x.isFinite else { return 0 }
        let front = exp(a * log(x) - x - logGamma(a))
        return x < a + 1 ? 1 - front * series(a, x) : front * fraction(a, x)
    }

    private static let halfLogTwoPi = 0.918_938_533_204_672_741_8

    /// Bernoulli numbers over 2k (2k - 1), from k = 1 on.
    private static let stirlingTerms: [Double] = [
        1.0 / 12, -1.0 / 360, 1.0 / 1_260, -1.0 / 1_680, 1.0 / 1_188, -691.0 / 360_360,
        1.0 / 156, -3_617.0 / 122_400,
    ]

    private static func stirling(_ x: Double) -> Double {
        let square = 1 / (x * x)
        return stirlingTerms.reversed().reduce(0) { $0 * square + $1 } / x
    }

    private static func series(_ a: Double, _ x: Double) -> Double {
        var term = 1 / a
        var sum = term
        var n = a
        while abs(term) > abs(sum) * 1e-17 {
            n += 1
            term *= x / n
            sum += term
        }
        return sum
    }

    private static func fraction(_ a: Double, _ x: Double) -> Double {
        let tiny = 1e-300
        var b = x + 1 - a
        var c = 1 / tiny
        var d = 1 / b
        var value = d
        for i in 1...100_000 {
            let step = -Double(i) * (Double(i) - a)
            b += 2
            d = step * d + b
            if abs(d) < tiny { d = tiny }
            c = b + step / c
            if abs(c) < tiny { c = tiny }
            d = 1 / d
            value *= d * c
            if abs(d * c - 1) < 1e-16 { break }
        }
        return value
    }
}
