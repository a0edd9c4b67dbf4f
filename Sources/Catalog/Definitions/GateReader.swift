import Domain

/// Reads a gate.
///
/// ```
/// {model: credit, to: production, from: [staging],
///  require: [{metric: auc, better: higher, min: 0.7}], rollback: [{approvals: 1}]}
/// ```
enum GateReader {
    static func gate(_ node: DefinitionNode) -> Located<Gate>? {
        let known = ["model", "to", "from", "require", "rollback"]
        guard let fields = node.fields("a gate", known: known) else { return nil }
        let model = required("model", of: "a gate", in: fields, at: node)?
            .name("model", as: RegisteredModelName.self)
        let target = required("to", of: "a gate", in: fields, at: node).flatMap(target)
        let from = fields["from"].map(sources) ?? []
        let rules = fields["require"].map { self.rules($0, "require") } ?? []
        let rollback = fields["rollback"].map { self.rules($0, "rollback") } ?? []
        guard let model, let target, let from, let rules, let rollback else { return nil }
        guard !from.contains(target) else {
            node.note(
                "a version does not come from the stage it goes to: take \(target) out of from"
            )
            return nil
        }
        guard !from.isEmpty || !rules.isEmpty || !rollback.isEmpty else {
            node.note("a gate that asks for nothing: give it require, or from")
            return nil
        }
        return Located(
            value: Gate(model: model, to: target, from: from, rules: rules, rollback: rollback),
            place: node.place
        )
    }

    private static func target(_ node: DefinitionNode) -> Stage? {
        guard let stage = node.stage("to") else { return nil }
        guard stage.hasHolder else {
            node.note("a gate stands before a stage with holders, not before \(stage)")
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

    private static func rules(_ node: DefinitionNode, _ what: String) -> [Gate.Rule]? {
        if node.isNull { return [] }
        guard let items = node.items(what) else { return nil }
        guard items.count <= 100 else {
            node.note("a gate has at most 100 rules: there are \(items.count)")
            return nil
        }
        let rules = items.compactMap(GateRuleReader.rule)
        return rules.count == items.count ? rules : nil
    }
}

/// Reads a stage of a model's own, or how many may hold one of the four.
///
/// ```
/// {model: credit, name: canary, holders: 2}
/// ```
enum StageReader {
    static func stage(_ node: DefinitionNode) -> Located<StageDefinition>? {
        guard let fields = node.fields("a stage", known: ["model", "name", "holders"]) else {
            return nil
        }
        let model = required("model", of: "a stage", in: fields, at: node)?
            .name("model", as: RegisteredModelName.self)
        let stage = required("name", of: "a stage", in: fields, at: node).flatMap(named)
        let holders = fields["holders"].map(holders) ?? 1
        guard let model, let stage, let holders else { return nil }
        return Located(
            value: StageDefinition(model: model, stage: stage, holders: holders),
            place: node.place
        )
    }

    private static func named(_ node: DefinitionNode) -> Stage? {
        guard let stage = node.stage("name") else { return nil }
        guard stage.hasHolder else {
            node.note("stage \(stage) is there already, and takes any number of versions")
            return nil
        }
        return stage
    }

    private static func holders(_ node: DefinitionNode) -> UInt32? {
        guard let number = node.wholeNumber("holders", 1...1_000) else { return nil }
        return UInt32(number)
    }
}
