import Domain

/// Reads a gate.
///
/// ```
/// {model: credit, to: production, from: [staging],
///  require: [{metric: auc, better: higher, min: 0.7}]}
/// ```
enum GateReader {
    static func gate(_ node: DefinitionNode) -> Located<Gate>? {
        guard let fields = node.fields("a gate", known: ["model", "to", "from", "require"]) else {
            return nil
        }
        let model = required("model", of: "a gate", in: fields, at: node)?
            .name("model", as: RegisteredModelName.self)
        let target = required("to", of: "a gate", in: fields, at: node).flatMap(target)
        let from = fields["from"].map(sources) ?? []
        let rules = fields["require"].map(rules) ?? []
        guard let model, let target, let from, let rules else { return nil }
        guard !from.isEmpty || !rules.isEmpty else {
            node.note("a gate that asks for nothing: give it require, or from")
            return nil
        }
        return Located(
            value: Gate(model: model, to: target, from: from, rules: rules),
            place: node.place
        )
    }

    private static func target(_ node: DefinitionNode) -> Stage? {
        guard let stage = node.stage("to") else { return nil }
        guard stage.hasHolder else {
            node.note("a gate stands before staging or production, not before \(stage.rawValue)")
            return nil
        }
        return stage
    }

    private static func sources(_ node: DefinitionNode) -> [Stage]? {
        if node.scalar != nil { return node.stage("from").map { [$0] } }
        guard let items = node.items("from") else { return nil }
        let stages = items.compactMap { $0.stage("from") }
        return stages.count == items.count ? stages : nil
    }

    private static func rules(_ node: DefinitionNode) -> [Gate.Rule]? {
        if node.isNull { return [] }
        guard let items = node.items("require") else { return nil }
        guard items.count <= 100 else {
            node.note("a gate has at most 100 rules: there are \(items.count)")
            return nil
        }
        let rules = items.compactMap(rule)
        return rules.count == items.count ? rules : nil
    }

    private static let known = ["metric", "better", "min", "max", "no_worse_than_holder_by"]

    private static func rule(_ node: DefinitionNode) -> Gate.Rule? {
        if let other = node.firstKey(of: ["training_set", "approvals"]) {
            node.note("rule \"\(other)\" is not available: gates take metric rules")
            return nil
        }
        guard let fields = node.fields("a rule", known: known) else { return nil }
        let metric = required("metric", of: "a rule", in: fields, at: node)?
            .name("metric", as: MetricName.self)
        let bounds = ["min", "max", "no_worse_than_holder_by"]
        let numbers = bounds.map { key in fields[key].map { $0.number(key) } }
        guard let metric, !numbers.contains(where: { $0 == .some(.none) }) else { return nil }
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
