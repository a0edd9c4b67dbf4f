import Domain

/// Reads one rule of a gate; its first key says which.
///
/// ```
/// {metric: auc, on: holdout, better: higher, min: 0.7, max: 0.9, no_worse_than_holder_by: 0.01}
/// {training_set: reproducible}      {training_set: {reproducible: true, checked_within: 7d,
///                                                   younger_than: 30d, min_rows: 10000}}
/// {lineage: complete}    {signature: compatible}    {tags: [owner]}    {tags: {team: risk}}
/// {artifacts: [onnx, json]}    {approvals: 2, by: [approver]}    {soak: 24h}
/// ```
enum GateRuleReader {
    private static let kinds = [
        "metric", "training_set", "lineage", "tags", "signature", "artifacts", "approvals", "soak",
    ]

    static func rule(_ node: DefinitionNode) -> Gate.Rule? {
        switch node.firstKey(of: kinds) {
        case "training_set": trainingSet(node)
        case "lineage": word("lineage", "complete", node) ? .lineage : nil
        case "signature": word("signature", "compatible", node) ? .signature : nil
        case "tags": tags(node)
        case "artifacts": artifacts(node)
        case "approvals": approvals(node)
        case "soak": soak(node)
        case "metric": MetricRuleReader.rule(node)
        default: nothing(node)
        }
    }

    private static func nothing(_ node: DefinitionNode) -> Gate.Rule? {
        // Says what is wrong with a node that is no mapping, or has keys that are not known.
        _ = node.fields("a rule", known: kinds)
        if node.isMapping, node.pairs("a rule")?.isEmpty == true {
            node.note("a rule asks for one of \(kinds.joined(separator: ", "))")
        }
        return nil
    }

    private static func word(_ key: String, _ expected: String, _ node: DefinitionNode) -> Bool {
        guard let value = node.fields("a \(key) rule", known: [key])?[key],
            let text = value.text(key)
        else { return false }
        if text != expected { value.note("\(key): expected \(expected), found \"\(text)\"") }
        return text == expected
    }

    private static func trainingSet(_ node: DefinitionNode) -> Gate.Rule? {
        guard
            let value = node.fields("a training set rule", known: ["training_set"])?["training_set"]
        else { return nil }
        if let text = value.scalar {
            if text == "reproducible" { return .trainingSet(.init(isReproducible: true)) }
            value.note(
                "training_set: expected reproducible, or {reproducible: true, checked_within: 7d, "
                    + "younger_than: 30d, min_rows: 1000}, found \"\(text)\""
            )
            return nil
        }
        let known = ["reproducible", "checked_within", "younger_than", "min_rows"]
        guard let fields = value.fields("a training set rule", known: known) else { return nil }
        var rule = Gate.TrainingSetRule()
        var isWhole = true
        func take<Value>(_ key: String, _ read: (DefinitionNode) -> Value?) -> Value? {
            guard let node = fields[key] else { return nil }
            let value = read(node)
            if value == nil { isWhole = false }
            return value
        }
        rule.isReproducible = take("reproducible") { $0.flag("reproducible") } ?? false
        rule.checkedWithin = take("checked_within") { $0.duration("checked_within") }
        rule.youngerThan = take("younger_than") { $0.duration("younger_than") }
        rule.minRows = take("min_rows") { $0.wholeNumber("min_rows", 1...(1 << 53)) }
        guard isWhole else { return nil }
        if rule.checkedWithin != nil, !rule.isReproducible {
            value.note("checked_within says when reproducible was tried: add reproducible: true")
            return nil
        }
        guard !rule.descriptions.isEmpty else {
            value.note("a training set rule needs reproducible, younger_than or min_rows")
            return nil
        }
        return .trainingSet(rule)
    }

    private static func tags(_ node: DefinitionNode) -> Gate.Rule? {
        guard let value = node.fields("a tags rule", known: ["tags"])?["tags"] else { return nil }
        var tags: [Gate.RequiredTag] = []
        if value.isMapping {
            for (key, value) in value.pairs("tags") ?? [] {
                guard let name = key.text("tags: a key") else { return nil }
                if value.isNull {
                    tags.append(.init(key: name))
                } else {
                    guard let text = value.text("tag \(name)") else { return nil }
                    tags.append(.init(key: name, value: text))
                }
            }
        } else {
            for item in value.items("tags") ?? [] {
                guard let name = item.text("tags") else { return nil }
                tags.append(.init(key: name))
            }
        }
        if tags.isEmpty { value.note("tags: expected a list of keys, or keys with their values") }
        return tags.isEmpty ? nil : .tags(tags)
    }

    private static func artifacts(_ node: DefinitionNode) -> Gate.Rule? {
        guard let value = node.fields("an artifacts rule", known: ["artifacts"])?["artifacts"]
        else { return nil }
        let items = value.scalar == nil ? value.items("artifacts") : [value]
        var kinds: [ArtifactKind] = []
        for item in items ?? [] {
            guard let text = item.text("artifacts") else { return nil }
            guard let kind = ArtifactKind(text) else {
                item.note("artifacts: expected a kind such as onnx, safetensors, json or pickle")
                return nil
            }
            if !kinds.contains(kind) { kinds.append(kind) }
        }
        if kinds.isEmpty, items != nil { value.note("artifacts: name the kinds that are allowed") }
        return kinds.isEmpty ? nil : .artifacts(kinds)
    }

    private static func approvals(_ node: DefinitionNode) -> Gate.Rule? {
        guard let fields = node.fields("an approvals rule", known: ["approvals", "by"]),
            let count = fields["approvals"]?.wholeNumber("approvals", 1...100)
        else { return nil }
        var rule = Gate.ApprovalsRule(count: UInt32(count))
        if let by = fields["by"] {
            guard let items = by.scalar == nil ? by.items("by") : [by] else { return nil }
            rule.roles = []
            for item in items {
                guard let text = item.text("by") else { return nil }
                guard let role = Role(rawValue: text) else {
                    let names = Role.allCases.map(\.rawValue)
                    let close = hint(text, among: names)
                    item.note(
                        "by: \"\(text)\" is not a role"
                            + (close.isEmpty
                                ? ": expected one of " + names.joined(separator: ", ")
                                : close)
                    )
                    return nil
                }
                rule.roles.append(role)
            }
            guard !rule.roles.isEmpty else {
                by.note("by: name the roles whose approvals count")
                return nil
            }
        }
        return .approvals(rule)
    }

    private static func soak(_ node: DefinitionNode) -> Gate.Rule? {
        node.fields("a soak rule", known: ["soak"])?["soak"]?.duration("soak").map { .soak($0) }
    }
}

extension DefinitionNode {
    /// Longer than nothing.
    func duration(_ what: String) -> TimeSpan? {
        guard let text = text(what) else { return nil }
        guard let span = TimeSpan(text: text) else {
            note("\(what): expected a duration such as 30d, 12h or 1d12h, found \"\(text)\"")
            return nil
        }
        return span
    }

    func wholeNumber(_ what: String, _ range: ClosedRange<UInt64>) -> UInt64? {
        guard let text = text(what) else { return nil }
        guard let number = UInt64(text), range.contains(number) else {
            note(
                "\(what): expected a whole number from \(range.lowerBound) to \(range.upperBound), "
                    + "found \"\(text)\""
            )
            return nil
        }
        return number
    }

    func flag(_ what: String) -> Bool? {
        guard let text = text(what) else { return nil }
        guard ["true", "false"].contains(text) else {
            note("\(what): expected true or false, found \"\(text)\"")
            return nil
        }
        return text == "true"
    }
}
