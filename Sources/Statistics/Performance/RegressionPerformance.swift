/// How near predicted numbers came; as scikit-learn computes each figure.
///
/// Intervals: the normal one of a mean for MAE; the delta method for RMSE and R².
package struct RegressionPerformance: Sendable, Hashable {
    package var rows: Int
    package var mae: Estimate
    package var rmse: Estimate
    /// Nil for fewer than two rows, or where all outcomes are the same.
    package var r2: Estimate?

    /// Nil where there are no rows; both arrays are of the same length and finite.
    package init?(outcomes: [Double], predictions: [Double]) {
        precondition(outcomes.count == predictions.count)
        guard !outcomes.isEmpty else { return nil }
        rows = outcomes.count
        let count = Double(rows)
        let errors = zip(outcomes, predictions).map { $1 - $0 }
        mae = .mean(errors.map(abs))
        let squares = errors.map { $0 * $0 }
        let meanSquare = squares.reduce(0, +) / count
        let root = meanSquare.squareRoot()
        rmse = Estimate(root)
        if root > 0, let spread = Estimate.standardError(squares, meanSquare) {
            // The root's derivative is 1 / (2 root).
            rmse = Estimate.around(root, standardError: spread / (2 * root))
            rmse.low = rmse.low.map { max($0, 0) }
        }
        let mean = outcomes.reduce(0, +) / count
        let distances = outcomes.map { ($0 - mean) * ($0 - mean) }
        let variance = distances.reduce(0, +) / count
        guard rows > 1, variance > 0 else { return }
        let ratio = meanSquare / variance
        // What each row adds to the ratio of two means.
        let influences = zip(squares, distances).map { ($0 - ratio * $1) / variance }
        r2 = Estimate.around(1 - ratio, standardError: Estimate.standardError(influences, 0))
    }
}
