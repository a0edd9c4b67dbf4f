import Foundation
import Testing

@testable import Statistics

/// What SciPy and Evidently say of the same raw values.
struct DriftVectorTests {
    private struct Vectors: Decodable {
        var cases: [Case]
        var kolmogorov: [[Double]]
        var chi2: [[Double]]
        var asymptotic: [[Double]]
    }

    private struct Case: Decodable {
        var name: String
        var numbers: Bool
        var integers: Bool
        var reference: [Value]
        var current: [Value]
        var usual: String
        var drifted: Bool
        var scores: [String: Double]
        var statistic: Double?

        func distribution(_ values: [Value]) -> Distribution {
            numbers
                ? .numbers(NumericSample(values.map(\.number), isInteger: integers))
                : .categories(CategoryCounts(values.map(\.text)))
        }
    }

    private struct Value: Decodable {
        var number = Double.nan
        var text = ""

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            // What is not a number is a text.
            if let number = try? value.decode(Double.self) {
                self.number = number
            } else {
                text = try value.decode(String.self)
            }
        }
    }

    @Test func `every score is that of SciPy and Evidently to nine digits`() throws {
        for entry in try vectors("drift", as: Vectors.self).cases {
            let reference = entry.distribution(entry.reference)
            let current = entry.distribution(entry.current)
            for (name, expected) in entry.scores {
                let test = try #require(DriftTest(rawValue: name))
                let score = try Distribution.score(test, reference, current)
                #expect(isNear(score, expected), "\(entry.name), \(name): \(score), \(expected)")
            }
            if case .numbers(let first) = reference, case .numbers(let second) = current,
                let expected = entry.statistic
            {
                let found = KolmogorovSmirnov.test(first, second).statistic
                #expect(isNear(found, expected), "\(entry.name)")
            }
        }
    }

    @Test func `the usual test and its verdict are those of Evidently`() throws {
        for entry in try vectors("drift", as: Vectors.self).cases {
            let reference = entry.distribution(entry.reference)
            let current = entry.distribution(entry.current)
            let test = Distribution.usualTest(reference, current)
            #expect(test.rawValue == entry.usual, "\(entry.name)")
            let score = try Distribution.score(test, reference, current)
            let isDrift = test.isDrift(score, threshold: test.usualThreshold)
            #expect(isDrift == entry.drifted, "\(entry.name)")
        }
    }

    @Test func `a small p-value has the right digits, not only the right zeros`() throws {
        let cases = try vectors("drift", as: Vectors.self).cases
        let far = try #require(cases.first { $0.name == "nothing in common" })
        let score = try Distribution.score(
            .ks,
            far.distribution(far.reference),
            far.distribution(far.current)
        )
        let expected = try #require(far.scores["ks"])
        #expect(abs(score / expected - 1) < 1e-9)
    }

    @Test func `Kolmogorov's distribution is that of SciPy`() throws {
        for point in try vectors("drift", as: Vectors.self).kolmogorov {
            let found = KolmogorovDistribution.exceeding(point[1], n: Int(point[0]))
            #expect(abs(found - point[2]) < 1e-10, "\(point): \(found)")
        }
    }

    @Test func `the chi-squared distribution is that of SciPy`() throws {
        for point in try vectors("drift", as: Vectors.self).chi2 {
            let found = GammaFunctions.upperIncomplete(point[0] / 2, point[1] / 2)
            #expect(abs(found - point[2]) < 1e-12, "\(point): \(found)")
        }
    }

    @Test func `large samples take the asymptotic p-value, as SciPy does`() throws {
        for entry in try vectors("drift", as: Vectors.self).asymptotic {
            let (m, n) = (entry[0], entry[1])
            let first = NumericSample((0..<Int(m)).map { Double($0) / m })
            let second = NumericSample((0..<Int(n)).map { Double($0) / n + entry[2] })
            let found = KolmogorovSmirnov.test(first, second)
            #expect(isNear(found.statistic, entry[3]))
            #expect(isNear(found.pValue, entry[4]), "\(entry): \(found.pValue)")
        }
    }
}
