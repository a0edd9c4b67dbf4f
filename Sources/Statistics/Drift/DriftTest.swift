package import Domain

/// How two distributions of one feature are compared.
package enum DriftTest: String, Sendable, Hashable, CaseIterable {
    case ks
    case chiSquared = "chi-squared"
    case z
    case wasserstein
    case jensenShannon = "jensen-shannon"
    case psi

    /// What a score is compared with where nobody says otherwise.
    package var usualThreshold: Double {
        switch self {
        case .ks, .chiSquared, .z: 0.05
        case .wasserstein, .jensenShannon, .psi: 0.1
        }
    }

    /// Whether the score is a p-value, so that a small one means drift.
    package var isPValue: Bool {
        switch self {
        case .ks, .chiSquared, .z: true
        case .wasserstein, .jensenShannon, .psi: false
        }
    }

    package func isDrift(_ score: Double, threshold: Double) -> Bool {
        switch self {
        case .ks: score <= threshold
        case .chiSquared, .z: score < threshold
        case .wasserstein, .jensenShannon, .psi: score >= threshold
        }
    }
}

/// The values of a feature, ready to be compared.
package enum Distribution: Sendable, Hashable {
    case numbers(NumericSample)
    case categories(CategoryCounts)

    package var count: Double {
        switch self {
        case .numbers(let sample): sample.count
        case .categories(let counts): counts.count
        }
    }

    /// What Evidently takes where nobody says otherwise: by the number of reference values and of
    /// different values.
    package static func usualTest(_ reference: Distribution, _ current: Distribution) -> DriftTest {
        let isSmall = reference.count <= 1_000
        switch (reference, current) {
        case (.numbers(let first), .numbers(let second)):
            let different = Distribution.different(first, second)
            if different > 5 { return isSmall ? .ks : .wasserstein }
            return isSmall ? (different > 2 ? .chiSquared : .z) : .jensenShannon
        case (.categories(let first), .categories(let second)):
            let different = Set(first.counts.keys).union(second.counts.keys).count
            let more = first.others > 0 || second.others > 0
            return isSmall ? (different > 2 || more ? .chiSquared : .z) : .jensenShannon
        case (.numbers, .categories), (.categories, .numbers): return .jensenShannon
        }
    }

    /// Different values of both, counted up to 6.
    private static func different(_ first: NumericSample, _ second: NumericSample) -> Int {
        var found: Set<Double> = []
        for value in [first.values, second.values].joined() {
            found.insert(value)
            if found.count > 5 { break }
        }
        return found.count
    }

    /// The score of a test; neither is empty.
    package static func score(
        _ test: DriftTest,
        _ reference: Distribution,
        _ current: Distribution
    ) throws(AlulaError) -> Double {
        switch (reference, current) {
        case (.numbers(let first), .numbers(let second)):
            switch test {
            case .ks: return KolmogorovSmirnov.test(first, second).pValue
            case .wasserstein: return Distances.wasserstein(first, second)
            case .jensenShannon: return Distances.jensenShannon(Distances.binned(first, second))
            case .psi:
                let pairs = Distances.binned(first, second)
                return Distances.stability(pairs, of: (first.count, second.count))
            case .chiSquared: return Distances.chiSquared(first.categories, second.categories)
            case .z: return Distances.twoShares(first.categories, second.categories)
            }
        case (.categories(let first), .categories(let second)):
            switch test {
            case .ks, .wasserstein:
                throw .invalid("\(test.rawValue) compares numbers, and the feature has none")
            case .jensenShannon: return Distances.jensenShannon(Distances.paired(first, second))
            case .psi:
                let pairs = Distances.paired(first, second)
                return Distances.stability(pairs, of: (first.count, second.count))
            case .chiSquared: return Distances.chiSquared(first, second)
            case .z: return Distances.twoShares(first, second)
            }
        case (.numbers, .categories), (.categories, .numbers):
            throw .invalid("numbers cannot be compared with categories")
        }
    }
}

extension NumericSample {
    /// Each value as a category of its own, named so that names are in the order of values.
    var categories: CategoryCounts {
        CategoryCounts(
            Dictionary(uniqueKeysWithValues: frequencies.map { (NumericSample.name($0), $1) })
        )
    }

    private static func name(_ value: Double) -> String {
        let bits = value.bitPattern
        let ordered = bits >> 63 == 1 ? ~bits : bits | 1 << 63
        let digits = String(ordered, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
