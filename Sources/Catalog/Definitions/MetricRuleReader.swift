import Domain

/// Reads a rule about a metric.
///
/// ```
/// {metric: auc, on: holdout, better: higher, min: 0.7, max: 0.9, no_worse_than_holder_by: 0.01}
/// ```
enum MetricRuleReader {
    private static let bounds = ["min", "max", "no_worse_than_holder_by"]

    static func rule(_ node: DefinitionNode) -> Gate.Rule? {
        guard let fields = node.fields("a rule", known: ["metric", "on", "better"] + bounds) else {
            return nil
        }
        let metric = required("metric", of: "a rule", in: fields, at: node)?
            .name("metric", as: MetricName.self)
        let dataSet = fields["on"].map { $0.text("on") }
        let numbers = bounds.map { key in fields[key].map { $0.number(key) } }
        guard let metric, dataSet != .some(.none), !numbers.contains(where: { $0 == .some(.none) })
        else { return nil }
        let (min, max, margin) = (numbers[0] ?? nil, numbers[1] ?? nil, numbers[2] ?? nil)
        guard min != nil || max != nil || margin != nil else {
            node.note("a rule needs min, max or no_worse_than_holder_by")
            return nil
        }
        if let min, let max, min > max {
            node.note("no value is at least \(min) and at most \(max)")
            return nil
        }
        if let margin, margin < 0 {
            node.note("no_worse_than_holder_by: expected 0 or more")
            return nil
        }
        guard let better = direction(fields["better"], at: node, hasMargin: margin != nil, max: max)
        else { return nil }
        return .metric(
            Gate.MetricRule(
                metric: metric,
                dataSet: dataSet.flatMap(\.self) ?? "",
                better: better,
                min: min,
                max: max,
                noWorseThanHolderBy: margin
            )
        )
    }

    /// The direction matters to a comparison with the holder only; elsewhere it may be left out.
    private static func direction(
        _ node: DefinitionNode?,
        at rule: DefinitionNode,
        hasMargin: Bool,
        max: Double?
    ) -> Gate.MetricRule.Direction? {
        guard let node else {
            if hasMargin {
                rule.note("no_worse_than_holder_by needs better: higher or better: lower")
                return nil
            }
            return max == nil ? .higher : .lower
        }
        guard let text = node.text("better") else { return nil }
        guard let direction = Gate.MetricRule.Direction(rawValue: text) else {
            node.note("better: expected higher or lower, found \"\(text)\"")
            return nil
        }
        return direction
    }
}
