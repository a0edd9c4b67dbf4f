package import Domain

/// What a stage of a model is in use for, so that its definition stays.
package struct StageUse: Sendable, Hashable {
    package var model: RegisteredModelName
    package var stage: Stage
    /// Such as `version 3 holds it`.
    package var reason: String
    /// Whether it needs that the stage is there; else only one of those that hold it at once.
    package var isHolder: Bool

    package init(model: RegisteredModelName, stage: Stage, reason: String, isHolder: Bool) {
        self.model = model
        self.stage = stage
        self.reason = reason
        self.isHolder = isHolder
    }
}

/// A stage of a model's own goes when nobody is in it and nothing names it; one of the four takes one
/// holder again.
extension DefinitionResolver {
    /// Nil, and noted, where the text names none that is defined.
    func definedStage(_ parts: [String], _ place: Place) -> StageDefinition? {
        guard parts.count == 3, let model = RegisteredModelName(parts[1]),
            let stage = try? Stage(text: parts[2])  // said below
        else {
            mistakes.note(place, "a stage is named as stage:MODEL:STAGE")
            return nil
        }
        let known = stages.first { $0.model == model && $0.stage == stage }
        if known == nil {
            mistakes.note(
                place,
                "the definitions give model \(model) no stage \"\(stage)\""
                    + hint("\(model):\(stage)", among: stages.map { "\($0.model):\($0.stage)" })
            )
        }
        return known
    }

    mutating func dropStage(_ model: RegisteredModelName, _ stage: Stage, _ place: Place) {
        guard let index = stages.firstIndex(where: { $0.model == model && $0.stage == stage })
        else { return }
        let uses = stageUses.filter { $0.model == model && $0.stage == stage }
        let isCommon = Stage.common.contains(stage)
        if isCommon {
            let holders = uses.filter(\.isHolder)
            if holders.count > 1 { for use in holders { refuse(place, use.reason) } }
        } else {
            for use in uses { refuse(place, use.reason) }
            for text in naming(model, stage) { refuse(place, text) }
        }
        let definition = stages.remove(at: index)
        result.stageChanges.append(StageChange(before: definition, after: nil))
        add(
            .stage,
            "\(model) \(stage)",
            .drop,
            [isCommon ? "1 holder at once" : "no version enters it any more"],
            .dropStage(definition)
        )
    }

    /// Gates and plans of rollouts in force that would name a stage that is not there.
    private func naming(_ model: RegisteredModelName, _ stage: Stage) -> [String] {
        let removed = result.gateChanges.map(\.after)
        let inForce = gates.filter { gate in
            let isChanged = removed.contains {
                $0.gate.model == gate.gate.model && $0.gate.to == gate.gate.to
            }
            return !gate.isRemoved && !isChanged
        }
        let named = (inForce + removed.filter { !$0.isRemoved }).filter {
            $0.gate.model == model && ($0.gate.to == stage || $0.gate.from.contains(stage))
        }
        let plans = rollouts.filter { plan in
            let now = result.rolloutChanges.last { $0.after.plan.name == plan.plan.name }?.after
            let present = now ?? plan
            return !present.isRetired && present.plan.stage == stage
                && present.plan.model == model
        }
        return named.map { "the gate to \($0.gate.to) names it: drop or change that too" }
            + plans.map { "rollout \($0.plan.name) is for it: retire that too" }
    }
}
