/// How well classes were told apart; precision, recall and F1 are means over all classes that occurred
/// or were predicted, as scikit-learn's `average="macro"` with 0 where there is nothing to divide by.
///
/// The interval of accuracy is Wilson's; means over classes have none.
package struct ClassPerformance: Sendable, Hashable {
    package var rows: Int
    package var accuracy: Estimate
    package var precision: Double
    package var recall: Double
    package var f1: Double

    /// Nil where there are no rows; both arrays are of the same length.
    package init?(outcomes: [String], predictions: [String]) {
        precondition(outcomes.count == predictions.count)
        guard !outcomes.isEmpty else { return nil }
        rows = outcomes.count
        var occurred: [String: Double] = [:]
        var predicted: [String: Double] = [:]
        var hits: [String: Double] = [:]
        for (outcome, prediction) in zip(outcomes, predictions) {
            occurred[outcome, default: 0] += 1
            predicted[prediction, default: 0] += 1
            if outcome == prediction { hits[outcome, default: 0] += 1 }
        }
        accuracy = .share(hits.values.reduce(0, +), of: Double(rows))
        let classes = Set(occurred.keys).union(predicted.keys).sorted()
        (precision, recall, f1) = (0, 0, 0)
        for name in classes {
            let hit = hits[name] ?? 0
            let (actual, said) = (occurred[name] ?? 0, predicted[name] ?? 0)
            if said > 0 { precision += hit / said }
            if actual > 0 { recall += hit / actual }
            f1 += 2 * hit / (actual + said)
        }
        precision /= Double(classes.count)
        recall /= Double(classes.count)
        f1 /= Double(classes.count)
    }
}
