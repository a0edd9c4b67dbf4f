import Glibc

/// How far an empirical distribution of n values strays from its source: P(Dₙ > x).
///
/// The ways to compute it and where each is taken follow Simard and L'Ecuyer, "Computing the
/// Two-Sided Kolmogorov-Smirnov Distribution" (Journal of Statistical Software 39, 2011), as SciPy's
/// `kstwo.sf` does.
enum KolmogorovDistribution {
    static func exceeding(_ x: Double, n: Int) -> Double {
        let count = Double(n)
        let t = count * x
        if x >= 1 { return 0 }
        if x <= 0 || t <= 0.5 { return 1 }
        if t <= 1 {
            return 1 - exp(GammaFunctions.logFactorialOverPower(count) + count * log(2 * t - 1))
        }
        if t >= count - 1 { return clipped(2 * pow(1 - x, count)) }
        if x >= 0.5 { return clipped(2 * oneSided(x, n: n)) }
        let square = t * x
        if n <= 140 {
            return square <= 4
                ? clipped(1 - durbin(x, n: n)) : clipped(2 * oneSided(x, n: n))
        }
        if square >= 370 { return 0 }
        if square >= 2.2 { return clipped(2 * oneSided(x, n: n)) }
        let below =
            n <= 100_000 && count * pow(x, 1.5) <= 1.4
            ? durbin(x, n: n) : pelzGood(x, n: n)
        return clipped(1 - below)
    }

    private static func clipped(_ p: Double) -> Double { min(max(p, 0), 1) }

    /// P(Dₙ⁺ > x), by the sum of Birnbaum and Tingey.
    static func oneSided(_ x: Double, n: Int) -> Double {
        let count = Double(n)
        var sum = 0.0
        // log of n over j, carried from term to term.
        var logBinomial = 0.0
        for j in 0...Int(count * (1 - x)) {
            let share = Double(j) / count
            let left = 1 - x - share
            if j > 0 { logBinomial += log(Double(n - j + 1) / Double(j)) }
            if left <= 0 {
                if j == n { sum += x * pow(x + share, Double(j - 1)) }
                continue
            }
            sum += exp(
                logBinomial + Double(j - 1) * log(x + share) + Double(n - j) * log(left)
            )
        }
        return x * sum
    }

    /// P(Dₙ <= x), exactly: a power of Durbin's matrix, as Marsaglia, Tsang and Wang take it
    /// (Journal of Statistical Software 8, 2003).
    private static func durbin(_ x: Double, n: Int) -> Double {
        let t = Double(n) * x
        let k = Int(t.rounded(.up))
        var base = ScaledMatrix(durbinMatrix(k: k, h: Double(k) - t), size: 2 * k - 1)
        var power = ScaledMatrix.identity(2 * k - 1)
        var left = n
        while left > 0 {
            if left & 1 == 1 { power = power.times(base) }
            base = base.times(base)
            left >>= 1
        }
        var value = power.values[(k - 1) * power.size + k - 1]
        var exponent = power.exponent
        for i in 1...n {
            value *= Double(i) / Double(n)
            if value < 1e-140 {
                value *= 0x1p+400
                exponent -= 400
            }
        }
        return scalbn(value, Int32(exponent))
    }

    private static func durbinMatrix(k: Int, h: Double) -> [Double] {
        let m = 2 * k - 1
        var matrix = [Double](repeating: 0, count: m * m)
        for row in 0..<m {
            for column in 0..<m where row - column + 1 >= 0 { matrix[row * m + column] = 1 }
        }
        for i in 0..<m {
            matrix[i * m] -= pow(h, Double(i + 1))
            matrix[(m - 1) * m + i] -= pow(h, Double(m - i))
        }
        if 2 * h > 1 { matrix[(m - 1) * m] += pow(2 * h - 1, Double(m)) }
        for row in 0..<m {
            for column in 0..<m where row - column + 1 > 0 {
                for g in 1...(row - column + 1) { matrix[row * m + column] /= Double(g) }
            }
        }
        return matrix
    }

    /// P(Dₙ <= x), nearly: four terms of Pelz and Good (1976), as Simard and L'Ecuyer write them.
    private static func pelzGood(_ x: Double, n: Int) -> Double {
        let count = Double(n)
        let z = count.squareRoot() * x
        let (z2, z3, z4, z6) = (z * z, pow(z, 3), pow(z, 4), pow(z, 6))
        let pi2 = Double.pi * Double.pi
        let (pi4, pi6) = (pi2 * pi2, pi2 * pi2 * pi2)
        guard -pi2 / 8 / z2 >= -708 else { return 0 }
        var terms = [0.0, 0, 0, 0]
        let last = max(1, Int((16 * z / .pi).rounded(.up)))
        for k in 1...last {
            let m2 = Double((2 * k - 1) * (2 * k - 1))
            let (m4, m6) = (m2 * m2, m2 * m2 * m2)
            let weight = exp(-m2 * pi2 / 8 / z2)
            terms[0] += weight
            terms[1] += weight * (pi2 / 4 * m2 - z2)
            terms[2] +=
                weight
                * (6 * z6 + 2 * z4 + (2 * z4 - 5 * z2) * pi2 / 4 * m2
                    + pi4 * (1 - 2 * z2) / 16 * m4)
            terms[3] +=
                weight
                * (-30 * z6 - 90 * pow(z, 8) + pi2 * (135 * z4 - 96 * z6) / 4 * m2
                    + pi4 * (212 * z4 - 60 * z2) / 16 * m4 + pi6 * (5 - 30 * z2) / 64 * m6)
        }
        let root = (2 * Double.pi).squareRoot()
        terms[0] *= root / z
        terms[1] *= root / (6 * z4)
        terms[2] *= root / (72 * pow(z, 7))
        terms[3] *= root / (6_480 * pow(z, 10))
        for k in 1...last {
            let square = Double(k * k)
            let weight = square * exp(-square * pi2 / 2 / z2)
            terms[2] -= weight * pi2 * root / (36 * z3)
            terms[3] += weight * (3 * z2 - pi2 * square) * pi2 * root / (216 * z6)
        }
        return terms[0] + terms[1] / count.squareRoot() + terms[2] / count
            + terms[3] / pow(count, 1.5)
    }
}

/// A square matrix times a power of two, so that its powers neither overflow nor vanish.
private struct ScaledMatrix {
    var values: [Double]
    var exponent = 0
    let size: Int

    init(_ values: [Double], size: Int) {
        self.values = values
        self.size = size
    }

    static func identity(_ size: Int) -> ScaledMatrix {
        var matrix = ScaledMatrix([Double](repeating: 0, count: size * size), size: size)
        for i in 0..<size { matrix.values[i * size + i] = 1 }
        return matrix
    }

    func times(_ other: ScaledMatrix) -> ScaledMatrix {
        var product = ScaledMatrix([Double](repeating: 0, count: size * size), size: size)
        product.exponent = exponent + other.exponent
        for row in 0..<size {
            for inner in 0..<size {
                let factor = values[row * size + inner]
                guard factor != 0 else { continue }
                for column in 0..<size {
                    product.values[row * size + column] +=
                        factor * other.values[inner * size + column]
                }
            }
        }
        if product.values[size / 2 * size + size / 2] > 1e140 {
            for i in product.values.indices { product.values[i] *= 0x1p-400 }
            product.exponent += 400
        }
        return product
    }
}
