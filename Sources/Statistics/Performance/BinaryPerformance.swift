import Glibc

/// How well scores from 0 to 1 told the ones from the zeros; as scikit-learn computes each figure.
///
/// Intervals: Wilson's for accuracy, precision and recall; DeLong's for AUC; the delta method for F1; the
/// normal one of a mean for log loss and Brier's score.
package struct BinaryPerformance: Sendable, Hashable {
    package var rows: Int
    package var accuracy: Estimate
    package var precision: Estimate
    package var recall: Estimate
    package var f1: Estimate
    /// Nil where all outcomes are the same.
    package var auc: Estimate?
    package var logLoss: Estimate
    package var brier: Estimate
    /// The mean distance of the score from the share of ones, over ten bins of equal width.
    package var calibrationError: Double
    /// For each bin that has rows.
    package var calibration: [CalibrationBin]

    package struct CalibrationBin: Sendable, Hashable {
        package var rows: Int
        package var meanScore: Double
        package var shareOfOnes: Double
    }

    /// Nil where there are no rows; both arrays are of the same length, scores are in 0...1.
    package init?(outcomes: [Bool], scores: [Double], threshold: Double = 0.5) {
        precondition(outcomes.count == scores.count)
        guard !outcomes.isEmpty else { return nil }
        rows = outcomes.count
        let all = Double(rows)
        var (hits, misses, alarms) = (0.0, 0.0, 0.0)
        for (outcome, score) in zip(outcomes, scores) {
            switch (outcome, score >= threshold) {
            case (true, true): hits += 1
            case (true, false): misses += 1
            case (false, true): alarms += 1
            case (false, false): break
            }
        }
        accuracy = .share(all - misses - alarms, of: all)
        precision = .share(hits, of: hits + alarms)
        recall = .share(hits, of: hits + misses)
        f1 = Self.f1(hits: hits, errors: misses + alarms, of: all)
        auc = Self.auc(outcomes, scores)
        logLoss = .mean(
            zip(outcomes, scores).map { outcome, score in
                -log(min(max(outcome ? score : 1 - score, .ulpOfOne), 1 - .ulpOfOne))
            }
        )
        brier = .mean(
            zip(outcomes, scores).map { ($1 - ($0 ? 1 : 0)) * ($1 - ($0 ? 1 : 0)) }
        )
        calibration = Self.calibration(outcomes, scores)
        calibrationError = calibration.reduce(0) {
            $0 + abs($1.meanScore - $1.shareOfOnes) * Double($1.rows) / all
        }
    }

    private static func f1(hits: Double, errors: Double, of rows: Double) -> Estimate {
        let denominator = 2 * hits + errors
        guard denominator > 0 else { return Estimate(0) }
        // By the shares of hits and of errors, which are of one multinomial distribution.
        let (hit, error) = (hits / rows, errors / rows)
        let square = (2 * hit + error) * (2 * hit + error)
        let (byHit, byError) = (2 * error / square, -2 * hit / square)
        let mean = byHit * hit + byError * error
        let variance = byHit * byHit * hit + byError * byError * error - mean * mean
        let spread = (max(variance, 0) / rows).squareRoot()
        return Estimate.around(2 * hits / denominator, standardError: spread).within(0...1)
    }

    /// By ranks, equal scores sharing theirs; the variance by the placements of each one among the
    /// zeros and of each zero among the ones (DeLong, 1988; Sun and Xu, 2014).
    private static func auc(_ outcomes: [Bool], _ scores: [Double]) -> Estimate? {
        let order = scores.indices.sorted { scores[$0] < scores[$1] }
        let ones = Double(outcomes.count { $0 })
        let zeros = Double(outcomes.count) - ones
        guard ones > 0, zeros > 0 else { return nil }
        var (ofOnes, ofZeros): ([Double], [Double]) = ([], [])
        var (onesBelow, zerosBelow) = (0.0, 0.0)
        var start = 0
        while start < order.count {
            var end = start
            var here = 0.0
            while end < order.count, scores[order[end]] == scores[order[start]] {
                if outcomes[order[end]] { here += 1 }
                end += 1
            }
            let zerosHere = Double(end - start) - here
            for index in order[start..<end] {
                if outcomes[index] {
                    ofOnes.append((zerosBelow + zerosHere / 2) / zeros)
                } else {
                    ofZeros.append(1 - (onesBelow + here / 2) / ones)
                }
            }
            onesBelow += here
            zerosBelow += zerosHere
            start = end
        }
        let area = ofOnes.reduce(0, +) / ones
        guard let first = Estimate.standardError(ofOnes, area),
            let second = Estimate.standardError(ofZeros, area)
        else { return Estimate(area) }
        let spread = (first * first + second * second).squareRoot()
        return Estimate.around(area, standardError: spread).within(0...1)
    }

    private static func calibration(_ outcomes: [Bool], _ scores: [Double]) -> [CalibrationBin] {
        var bins = [(rows: Int, scores: Double, ones: Double)](repeating: (0, 0, 0), count: 10)
        // As numpy.linspace(0, 1, 11) has them; an edge belongs to the bin below it.
        let edges = (1..<10).map { Double($0) * 0.1 }
        for (outcome, score) in zip(outcomes, scores) {
            let bin = edges.firstIndex { score <= $0 } ?? 9
            bins[bin].rows += 1
            bins[bin].scores += score
            bins[bin].ones += outcome ? 1 : 0
        }
        return bins.filter { $0.rows > 0 }.map {
            CalibrationBin(
                rows: $0.rows,
                meanScore: $0.scores / Double($0.rows),
                shareOfOnes: $0.ones / Double($0.rows)
            )
        }
    }
}
