import Foundation
import TestSupport
import Testing

@testable import Statistics

/// What scikit-learn says of the same rows.
struct PerformanceVectorTests {
    private struct Vectors: Decodable {
        var binary: [Binary]
        var regression: [Regression]
        var classes: [Classes]
    }

    private struct Binary: Decodable {
        var name: String
        var labels: [Int]
        var scores: [Double]
        var accuracy, precision, recall, f1, auc, log_loss, brier: Double
        var calibration: [[Double]]
    }

    private struct Regression: Decodable {
        var name: String
        var actual, predicted: [Double]
        var mae, rmse, r2: Double
    }

    private struct Classes: Decodable {
        var actual, predicted: [String]
        var accuracy, precision, recall, f1: Double
    }

    @Test func `figures of a classification are those of scikit-learn`() throws {
        for entry in try vectors("performance", as: Vectors.self).binary {
            let outcomes = entry.labels.map { $0 == 1 }
            let found = try #require(BinaryPerformance(outcomes: outcomes, scores: entry.scores))
            let area = try #require(found.auc)
            for (figure, expected) in [
                (found.accuracy, entry.accuracy), (found.precision, entry.precision),
                (found.recall, entry.recall), (found.f1, entry.f1), (area, entry.auc),
                (found.logLoss, entry.log_loss), (found.brier, entry.brier),
            ] {
                #expect(isNear(figure.value, expected), "\(entry.name): \(figure), \(expected)")
                #expect(figure.low ?? 0 <= figure.value + 1e-12)
                #expect(figure.high ?? .infinity >= figure.value - 1e-12)
            }
            #expect(found.calibration.count == entry.calibration.count)
            for (bin, expected) in zip(found.calibration, entry.calibration) {
                #expect(isNear(bin.meanScore, expected[0]) && isNear(bin.shareOfOnes, expected[1]))
            }
        }
    }

    @Test func `figures of a regression are those of scikit-learn`() throws {
        for entry in try vectors("performance", as: Vectors.self).regression {
            let found = try #require(
                RegressionPerformance(outcomes: entry.actual, predictions: entry.predicted)
            )
            #expect(isNear(found.mae.value, entry.mae), "\(entry.name)")
            #expect(isNear(found.rmse.value, entry.rmse), "\(entry.name)")
            #expect(isNear(try #require(found.r2).value, entry.r2), "\(entry.name)")
        }
    }

    @Test func `figures of many classes are those of scikit-learn`() throws {
        for entry in try vectors("performance", as: Vectors.self).classes {
            let found = try #require(
                ClassPerformance(outcomes: entry.actual, predictions: entry.predicted)
            )
            #expect(isNear(found.accuracy.value, entry.accuracy))
            #expect(isNear(found.precision, entry.precision))
            #expect(isNear(found.recall, entry.recall))
            #expect(isNear(found.f1, entry.f1))
        }
    }

    @Test func `nothing is said of no rows, and no bounds are given for one`() throws {
        #expect(BinaryPerformance(outcomes: [], scores: []) == nil)
        #expect(RegressionPerformance(outcomes: [], predictions: []) == nil)
        let one = try #require(BinaryPerformance(outcomes: [true], scores: [0.9]))
        #expect(one.auc == nil && one.logLoss.low == nil)
        let flat = try #require(RegressionPerformance(outcomes: [2, 2], predictions: [1, 3]))
        #expect(flat.r2 == nil)
    }

    /// Draws many sets of a known world: an interval of 95 % has the truth in it about as often.
    @Test func `intervals hold the true figure 95 times in a hundred`() throws {
        var random = SeededRandom(seed: 7)
        var held = [Int](repeating: 0, count: 5)
        let worlds = 250
        // Scores are uniform and honest: accuracy 3/4, AUC 5/6, Brier 1/6; F1 3/4, too.
        let truths = [0.75, 5.0 / 6, 1.0 / 6, 0.75, 0.5]
        for _ in 0..<worlds {
            let scores = (0..<250).map { _ in Double.random(in: 0..<1, using: &random) }
            let outcomes = scores.map { random.chance($0) }
            let found = try #require(BinaryPerformance(outcomes: outcomes, scores: scores))
            let figures = [
                found.accuracy, try #require(found.auc), found.brier, found.f1, found.logLoss,
            ]
            for (index, figure) in figures.enumerated() {
                let (low, high) = (try #require(figure.low), try #require(figure.high))
                if low <= truths[index], truths[index] <= high { held[index] += 1 }
            }
        }
        for count in held { #expect(Double(count) / Double(worlds) >= 0.912, "\(held)") }
    }
}
