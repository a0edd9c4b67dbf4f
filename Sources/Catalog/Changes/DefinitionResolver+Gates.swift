import Domain

extension DefinitionResolver {
    mutating func resolve(_ parsed: Located<StageDefinition>) {
        let definition = parsed.value
        let known = stages.firstIndex {
            $0.model == definition.model && $0.stage == definition.stage
        }
        guard known.map({ stages[$0] }) != definition else { return }
        result.stageChanges.append(
            StageChange(before: known.map { stages[$0] }, after: definition)
        )
        if let known {
            stages[known] = definition
        } else {
            stages.append(definition)
        }
        add(
            .stage,
            "\(definition.model) \(definition.stage)",
            known == nil ? .create : .change,
            ["\(definition.holders) \(definition.holders == 1 ? "holder" : "holders") at once"],
            .putStage(definition)
        )
    }

    mutating func resolve(_ parsed: Located<Gate>) {
        let gate = parsed.value
        let existing = gates.first { $0.gate.model == gate.model && $0.gate.to == gate.to }
        guard existing?.gate != gate || existing?.isRemoved == true else { return }
        guard areKnown([gate.to] + gate.from, of: gate.model, parsed.place) else { return }
        var lines = gate.rules.flatMap(\.descriptions)
        if !gate.from.isEmpty {
            lines.insert("from " + gate.from.map(\.text).joined(separator: " or "), at: 0)
        }
        lines += gate.rollback.flatMap(\.descriptions).map { "rollback: \($0)" }
        let next = VersionedGate(gate: gate, version: (existing?.version ?? 0) + 1)
        let before = existing.flatMap { $0.isRemoved ? nil : $0 }
        result.gateChanges.append(GateChange(before: before, after: next))
        add(
            .gate,
            "\(gate.model) to \(gate.to)",
            before == nil ? .create : .change,
            lines,
            .putGate(next)
        )
    }

    /// Notes stages that the model does not have.
    private func areKnown(
        _ wanted: [Stage],
        of model: RegisteredModelName,
        _ place: Place
    ) -> Bool {
        let own = stages.filter { $0.model == model }.map(\.stage)
        let known = Stage.common + own.filter { !Stage.common.contains($0) }
        let unknown = wanted.filter { !known.contains($0) }
        for stage in unknown {
            let names = known.map(\.text)
            let close = hint(stage.text, among: names)
            mistakes.note(
                place,
                "\"\(stage)\" is not a stage of model \(model)"
                    + (close.isEmpty ? ": expected one of \(names.joined(separator: ", "))" : close)
                    + "; another is defined under stages"
            )
        }
        return unknown.isEmpty
    }
}
