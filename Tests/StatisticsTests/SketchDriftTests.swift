import Domain
import TestSupport
import Testing

@testable import Statistics

/// Drift of profiles against drift of the raw values.
struct SketchDriftTests {
    private func compare(
        _ reference: [Double],
        _ current: [Double],
        _ test: DriftTest
    ) throws -> (raw: Double, sketch: Double) {
        let raw = try Distribution.score(
            test,
            .numbers(NumericSample(reference)),
            .numbers(NumericSample(current))
        )
        let sketch = try Distribution.score(
            test,
            profile(doubles(reference)).distribution,
            profile(doubles(current)).distribution
        )
        return (raw, sketch)
    }

    @Test func `of up to 1,024 values a profile says what the values say`() throws {
        let (first, second) = (normals(1_000, seed: 1), normals(900, mean: 0.1, seed: 2))
        for test in [DriftTest.ks, .wasserstein, .jensenShannon, .psi] {
            let scores = try compare(first, second, test)
            #expect(isNear(scores.raw, scores.sketch, within: 1e-12), "\(test)")
        }
    }

    @Test(arguments: [0.0, 0.05, 0.3, 2.0])
    func `of many values scores are within two hundredths`(shift: Double) throws {
        let first = normals(50_000, seed: 1)
        let second = normals(60_000, mean: shift, seed: 2)
        // What the index of stability says of far worlds hangs on which bins are quite empty.
        let tests: [DriftTest] = [.wasserstein, .jensenShannon] + (shift < 1 ? [.psi] : [])
        for test in tests {
            let (raw, sketch) = try compare(first, second, test)
            #expect(abs(raw - sketch) < 0.02 * max(1, raw), "\(test), \(shift): \(raw), \(sketch)")
        }
        let exact = KolmogorovSmirnov.distance(NumericSample(first), NumericSample(second))
        guard case .numbers(let before) = try profile(doubles(first)).distribution,
            case .numbers(let now) = try profile(doubles(second)).distribution
        else { return }
        #expect(abs(KolmogorovSmirnov.distance(before, now) - exact) < 0.027)
    }

    @Test func `the same world raises few alarms, another one every time`() throws {
        var (falsely, missed) = (0, 0)
        for seed in 0..<60 {
            let seed = UInt64(seed)
            let reference = TableProfile(
                rows: 800,
                features: [try profile(doubles(normals(800, seed: 1_000 + seed)))]
            )
            for (mean, isMoved) in [(0.0, false), (0.5, true)] {
                let current = TableProfile(
                    rows: 600,
                    features: [try profile(doubles(normals(600, mean: mean, seed: seed)))]
                )
                let report = DriftReport(reference: reference, current: current, columns: ["f"])
                if isMoved, !report.isDrift { missed += 1 }
                if !isMoved, report.isDrift { falsely += 1 }
            }
        }
        // 3 are to be expected at a p-value of 0.05.
        #expect(falsely <= 9 && missed == 0, "\(falsely) \(missed)")
    }

    @Test func `what cannot be compared is told`() throws {
        let numbers = try profile(doubles([1, 2, 3]))
        var texts = try profile(Column(.string, [.string("a")]))
        texts.name = "f"
        let empty = try profile(Column(.float64, [.null, .null]))
        func verdict(_ reference: FeatureProfile?, _ current: FeatureProfile?) -> String {
            let drift = FeatureDrift("f", reference, current, DriftOptions())
            if case .cannotTell(let why) = drift.verdict { return why }
            return "\(drift.verdict)"
        }
        #expect(verdict(numbers, texts) == "it was float64 and is string")
        #expect(verdict(empty, numbers) == "the reference has no values")
        #expect(verdict(numbers, empty) == "there are no values")
        #expect(verdict(numbers, nil) == "what is compared with it does not have it")
        #expect(FeatureDrift("f", numbers, empty, DriftOptions()).nullsMoved)
        let report = DriftReport(
            reference: TableProfile(rows: 0, features: []),
            current: TableProfile(rows: 0, features: []),
            columns: ["f"]
        )
        #expect(!report.isDrift && report.compared == 0)
    }

    @Test func `values at the ends of what a number holds are compared without a trap`() throws {
        let far = normals(1_500, seed: 1).map {
            $0 < 0 ? -1.7e308 : 1.7e308 * min(1, $0 / 5)
        }
        for (first, second) in [
            (far, far), (far, normals(30, seed: 2)), (normals(9, seed: 3), far),
        ] {
            let (before, now) = (try profile(doubles(first)), try profile(doubles(second)))
            for test in DriftTest.allCases {
                let options = DriftOptions(test: test)
                _ = FeatureDrift("f", before, now, options).isDrift
            }
            _ = FeatureProfile.sharedEdges(before, now, bins: 7)
            _ = before.histogram(bins: 3)
        }
    }

    @Test func `half of the features make drift of the whole`() throws {
        func table(_ means: [Double], seed: UInt64) throws -> TableProfile {
            let features = try means.enumerated().map { index, mean in
                try profile(
                    doubles(normals(500, mean: mean, seed: seed + UInt64(index))),
                    name: "f\(index)"
                )
            }
            return TableProfile(rows: 500, features: features)
        }
        let names = ["f0", "f1", "f2", "f3"]
        let reference = try table([0, 0, 0, 0], seed: 150)
        let half = try table([3, 3, 0, 0], seed: 500)
        let report = DriftReport(reference: reference, current: half, columns: names)
        #expect(report.drifted == 2 && report.driftedShare == 0.5 && report.isDrift)
        let quarter = try table([3, 0, 0, 0], seed: 600)
        let other = DriftReport(reference: reference, current: quarter, columns: names)
        #expect(other.drifted == 1 && !other.isDrift)
    }
}
