import Domain

/// Reads a plan of rollouts.
///
/// ```
/// name: careful
/// model: credit              # or any, where it is left out
/// stage: production
/// steps: [{share: 5%, for: 1h}, {share: 25%, for: 6h}, {share: 100%}]
/// rules:
///   - {metric: auc, at_least: 0.7, min_samples: 200}
///   - {metric: auc, not_worse_than_holder_by: 0.02}
///   - {metric: errors, at_most: 1%}
///   - {metric: unpredicted, at_most: 5%, delay: 2m}
///   - {monitor: income}
/// ```
enum RolloutReader {
    private static let bounds = ["at_least", "at_most", "not_worse_than_holder_by"]

    static func plan(_ node: DefinitionNode) -> Located<RolloutPlan>? {
        let before = node.mistakes.lines.count
        guard
            let fields = node.fields(
                "a rollout",
                known: ["name", "model", "stage", "steps", "rules"]
            )
        else { return nil }
        let name = required("name", of: "a rollout", in: fields, at: node)?
            .name("rollout", as: RolloutPlanName.self)
        let model = fields["model"].flatMap { $0.isNull ? nil : $0 }?
            .name("model", as: RegisteredModelName.self)
        let stage = fields["stage"].map { $0.stage("stage") } ?? .production
        if let stage, !stage.hasHolder {
            fields["stage"]?.note("stage: nobody holds \(stage), so nothing is rolled out to it")
        }
        let steps = required("steps", of: "a rollout", in: fields, at: node).map(steps) ?? []
        var rules: [RolloutPlan.Rule] = []
        for item in fields["rules"].flatMap({ $0.isNull ? nil : $0.items("rules") }) ?? [] {
            if let rule = rule(item) { rules.append(rule) }
        }
        if rules.count > RolloutPlan.mostRules {
            fields["rules"]?.note("rules: at most \(RolloutPlan.mostRules) are taken")
        }
        guard let name, let stage, node.mistakes.lines.count == before else { return nil }
        return Located(
            value: RolloutPlan(
                name: name,
                model: model,
                stage: stage,
                steps: steps,
                rules: rules
            ),
            place: node.place
        )
    }

    private static func steps(_ node: DefinitionNode) -> [RolloutPlan.Step] {
        guard let items = node.items("steps") else { return [] }
        guard (1...RolloutPlan.mostSteps).contains(items.count) else {
            node.note("steps: expected 1 to \(RolloutPlan.mostSteps), found \(items.count)")
            return []
        }
        let steps = items.compactMap(step)
        guard steps.count == items.count else { return [] }
        for (place, (one, next)) in zip(steps, steps.dropFirst()).enumerated()
        where next.share <= one.share {
            items[place + 1].note(
                "share: expected more than the \(one.share) of the step before, found \(next.share)"
            )
        }
        if let last = steps.last, last.share < .all {
            items[items.count - 1].note("share: the last step takes 100%, found \(last.share)")
        }
        return steps
    }

    private static func step(_ node: DefinitionNode) -> RolloutPlan.Step? {
        guard let fields = node.fields("a step", known: ["share", "for"]),
            let share = required("share", of: "a step", in: fields, at: node).flatMap(share)
        else { return nil }
        guard let hold = fields["for"] else { return RolloutPlan.Step(share: share) }
        return time(hold, "for").map { RolloutPlan.Step(share: share, hold: $0) }
    }

    /// `none` is no time.
    private static func time(_ node: DefinitionNode, _ what: String) -> TimeSpan? {
        guard let setting = node.span(what) else { return nil }
        guard case .value(let span) = setting else { return .seconds(0) }
        return span
    }

    private static func share(_ node: DefinitionNode) -> Share? {
        guard let text = node.text("share") else { return nil }
        switch Result(catching: { () throws(AlulaError) in try Share(text: text) }) {
        case .success(let share) where share > .none: return share
        case .success:
            node.note("share: expected more than 0%")
        case .failure(let error):
            node.note("share: \(error.message)")
        }
        return nil
    }

    private static func rule(_ node: DefinitionNode) -> RolloutPlan.Rule? {
        guard
            let fields = node.fields(
                "a rule of a rollout",
                known: ["metric", "min_samples", "delay", "monitor"] + bounds
            )
        else { return nil }
        if let monitor = fields["monitor"] {
            for (name, field) in fields where name != "monitor" {
                field.note("a rule of a monitor takes no \(name)")
            }
            return monitor.name("monitor", as: MonitorName.self).map { .monitor($0) }
        }
        guard
            let metric = required("metric", of: "a rule", in: fields, at: node)?.text("metric")
        else { return nil }
        let share = ServedShare(rawValue: metric)
        let known = Monitor.metrics.map(\.name) + ServedShare.allCases.map(\.rawValue)
        guard known.contains(metric) else {
            let close = hint(metric, among: known)
            fields["metric"]?.note(
                "metric: unknown word \"\(metric)\""
                    + (close.isEmpty ? ": expected one of \(known.joined(separator: ", "))" : close)
            )
            return nil
        }
        var samples = RolloutPlan.usualMinSamples
        if let field = fields["min_samples"] {
            guard let number = field.wholeNumber("min_samples", 1...1_000_000_000) else {
                return nil
            }
            samples = UInt64(number)
        }
        let found = bounds.filter { fields[$0] != nil }
        guard found.count == 1, let word = found.first, let field = fields[word] else {
            node.note("a rule of a metric has one of \(bounds.joined(separator: ", "))")
            return nil
        }
        guard let share else {
            fields["delay"]?.note("a rule of \(metric) takes no delay: unpredicted does")
            return field.number(word).flatMap { bound(word, $0, field) }
                .map { .metric(name: metric, $0, minSamples: samples) }
        }
        return rule(of: share, word, field, samples, fields["delay"])
    }

    private static func rule(
        of share: ServedShare,
        _ word: String,
        _ field: DefinitionNode,
        _ samples: UInt64,
        _ delay: DefinitionNode?
    ) -> RolloutPlan.Rule? {
        guard word != "at_least" else {
            field.note("at_least: of \(share.rawValue) fewer are better: expected at_most")
            return nil
        }
        guard let number = field.part(word) else { return nil }
        guard (0...1).contains(number) else {
            field.note("\(word): expected a share from 0 to 1, or 0% to 100%")
            return nil
        }
        var wait = share == .unpredicted ? RolloutPlan.usualDelay : .seconds(0)
        if let delay {
            guard share == .unpredicted else {
                delay.note("a rule of \(share.rawValue) takes no delay: unpredicted does")
                return nil
            }
            guard let span = time(delay, "delay") else { return nil }
            wait = span
        }
        return bound(word, number, field).map {
            .share(share, $0, minSamples: samples, delay: wait)
        }
    }

    private static func bound(
        _ word: String,
        _ number: Double,
        _ node: DefinitionNode
    ) -> RolloutPlan.Bound? {
        switch word {
        case "at_least": return .atLeast(number)
        case "at_most": return .atMost(number)
        default:
            guard number >= 0 else {
                node.note("\(word): expected 0 or more")
                return nil
            }
            return .notWorseThanHolderBy(number)
        }
    }
}
