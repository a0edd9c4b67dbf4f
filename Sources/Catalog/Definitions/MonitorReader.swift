import Domain

/// Reads a monitor.
///
/// ```
/// {name: income, model: credit, what: drift, feature: income, against: training,
///  window: 7d, min_rows: 500, threshold: 0.1, for: 6h, every: 10m}
/// ```
struct MonitorReader {
    private let node: DefinitionNode
    private let fields: [String: DefinitionNode]
    private let before: Int

    private static let known = [
        "name", "model", "view", "what", "feature", "metric", "against", "window", "delay",
        "min_rows", "threshold", "test", "for", "every",
    ]
    private static let tests = ["ks", "chi-squared", "z", "wasserstein", "jensen-shannon", "psi"]

    static func monitor(_ node: DefinitionNode) -> Located<Monitor>? {
        guard let fields = node.fields("a monitor", known: known) else { return nil }
        let reader = MonitorReader(node: node, fields: fields, before: node.mistakes.lines.count)
        return reader.read().map { Located(value: $0, place: node.place) }
    }

    /// Nil where a mistake was noted.
    private func read() -> Monitor? {
        let name = required("name", of: "a monitor", in: fields, at: node)?
            .name("monitor", as: MonitorName.self)
        let figure = required("what", of: "a monitor", in: fields, at: node).flatMap(figure)
        guard let figure else { return nil }
        let subject = subject(figure)
        refuseOthers(figure)
        guard let name, let subject else { return nil }
        var monitor = Monitor(name: name, subject: subject, figure: figure)
        if figure.needsFeature {
            monitor.feature =
                required("feature", of: "a monitor of \(figure.rawValue)", in: fields, at: node)?
                .name("feature", as: ColumnName.self)?.text ?? ""
        }
        if figure == .performance {
            monitor.metric =
                required("metric", of: "a monitor of performance", in: fields, at: node)
                .flatMap { word($0, "metric", Monitor.metrics.map(\.name)) } ?? ""
        }
        if let against = fields["against"] {
            monitor.reference = reference(against, figure)
        } else if figure.isDrift {
            monitor.reference = checked(.training, figure, at: node)
        }
        if let window = fields["window"].flatMap({ span($0, "window") }) { monitor.window = window }
        if let delay = fields["delay"].flatMap({ span($0, "delay") }) { monitor.delay = delay }
        if let hold = fields["for"].flatMap({ span($0, "for") }) { monitor.hold = hold }
        if let every = fields["every"].flatMap({ span($0, "every") }) { monitor.every = every }
        if monitor.every < .seconds(1) {
            fields["every"]?.note("every: expected 1s or more")
        }
        if let rows = fields["min_rows"]?.wholeNumber("min_rows", 1...1_000_000_000) {
            monitor.minRows = UInt64(rows)
        }
        if let test = fields["test"] { monitor.test = word(test, "test", Self.tests) ?? "" }
        monitor.threshold = threshold(figure)
        return node.mistakes.lines.count == before ? monitor : nil
    }

    private func figure(_ node: DefinitionNode) -> Monitor.Figure? {
        word(node, "what", Monitor.Figure.allCases.map(\.rawValue))
            .flatMap(Monitor.Figure.init(rawValue:))
    }

    private func word(_ node: DefinitionNode, _ what: String, _ known: [String]) -> String? {
        guard let text = node.text(what) else { return nil }
        guard known.contains(text) else {
            let close = hint(text, among: known)
            node.note(
                "\(what): unknown word \"\(text)\""
                    + (close.isEmpty ? ": expected one of \(known.joined(separator: ", "))" : close)
            )
            return nil
        }
        return text
    }

    /// Freshness is of a view, all else of a model.
    private func subject(_ figure: Monitor.Figure) -> Monitor.Subject? {
        let (mine, other) = figure == .freshness ? ("view", "model") : ("model", "view")
        fields[other]?.note("a monitor of \(figure.rawValue) is of a \(mine), not of a \(other)")
        let found = required(mine, of: "a monitor of \(figure.rawValue)", in: fields, at: node)
        return figure == .freshness
            ? found?.name("view", as: FeatureViewName.self).map { .view($0) }
            : found?.name("model", as: RegisteredModelName.self).map { .model($0) }
    }

    /// Fields that mean nothing for this figure.
    private func refuseOthers(_ figure: Monitor.Figure) {
        var wrong: [String] = []
        if !figure.needsFeature { wrong.append("feature") }
        if figure != .performance { wrong.append("metric") }
        if !figure.isDrift { wrong.append("test") }
        switch figure {
        case .freshness: wrong += ["window", "delay", "min_rows", "against"]
        case .missingOutcomes, .errors, .unpredicted: wrong += ["against"]
        case .drift, .driftedShare, .predictionDrift, .nullShare, .expiredShare, .performance: break
        }
        for name in wrong {
            fields[name]?.note("a monitor of \(figure.rawValue) takes no \(name)")
        }
    }

    private func reference(
        _ node: DefinitionNode,
        _ figure: Monitor.Figure
    ) -> Monitor.Reference? {
        let found: Monitor.Reference?
        if node.isMapping {
            found = node.fields("against", known: ["training_set", "window"])
                .flatMap { reference($0, at: node) }
        } else if node.scalar == "training" {
            found = .training
        } else {
            node.note(
                "against: expected training, {training_set: ts-…} or {window: 28d}, the span before "
                    + "the window"
            )
            return nil
        }
        return found.flatMap { checked($0, figure, at: node) }
    }

    /// Notes what this figure cannot be compared with.
    private func checked(
        _ reference: Monitor.Reference,
        _ figure: Monitor.Figure,
        at node: DefinitionNode
    ) -> Monitor.Reference? {
        switch (figure, reference) {
        case (.predictionDrift, .training), (.predictionDrift, .trainingSet):
            node.note("against: a training set has no predictions: compare with {window: 28d}")
            return nil
        case (.performance, .trainingSet):
            node.note(
                "against: performance is compared with training, the metrics of the version, or "
                    + "with {window: 28d}"
            )
            return nil
        default: return reference
        }
    }

    private func reference(
        _ fields: [String: DefinitionNode],
        at node: DefinitionNode
    ) -> Monitor.Reference? {
        guard fields.count == 1 else {
            node.note("against: expected one of training_set and window")
            return nil
        }
        if let set = fields["training_set"] {
            return set.text("training_set").map { .trainingSet($0) }
        }
        return fields["window"].flatMap { span($0, "window") }.map { .window($0) }
    }

    private func span(_ node: DefinitionNode, _ what: String) -> TimeSpan? {
        guard let setting = node.span(what) else { return nil }
        guard case .value(let span) = setting else {
            node.note("\(what): expected a duration such as 7d; leave it out for the usual one")
            return nil
        }
        guard span.microseconds <= 10 * 366 * 86_400_000_000 else {
            node.note("\(what): expected at most ten years")
            return nil
        }
        return span
    }

    private func threshold(_ figure: Monitor.Figure) -> Double? {
        guard let node = fields["threshold"] else {
            guard figure.isDrift else {
                self.node.note("a monitor of \(figure.rawValue) needs a threshold")
                return nil
            }
            return figure == .driftedShare ? 0.5 : nil
        }
        if figure == .freshness {
            return span(node, "threshold").map { Double($0.microseconds) / 1_000_000 }
        }
        let isShare: Bool
        switch figure {
        case .driftedShare, .nullShare, .expiredShare, .missingOutcomes, .errors, .unpredicted:
            isShare = true
        case .drift, .predictionDrift, .performance, .freshness: isShare = false
        }
        let found = isShare ? node.part("threshold") : node.number("threshold")
        guard let number = found else { return nil }
        guard figure == .performance || number > 0, !isShare || number <= 1 else {
            node.note("threshold: expected a number above 0" + (isShare ? ", at most 1" : ""))
            return nil
        }
        return number
    }
}
