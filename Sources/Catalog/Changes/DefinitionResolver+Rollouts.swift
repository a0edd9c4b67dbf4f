package import Domain

/// A plan of rollouts before and after an apply; `before` is nil where it is new.
package struct RolloutPlanChange: Sendable, Hashable {
    package var before: VersionedRolloutPlan?
    package var after: VersionedRolloutPlan
}

extension DefinitionResolver {
    static let mostRollouts = 1_000

    mutating func resolve(_ parsed: Located<RolloutPlan>) {
        let plan = parsed.value
        let existing = rollouts.first { $0.plan.name == plan.name }
        guard existing?.plan != plan || existing?.isRetired == true else { return }
        guard isKnown(plan, parsed.place) else { return }
        let next = VersionedRolloutPlan(plan: plan, version: (existing?.version ?? 0) + 1)
        if existing == nil { rollouts.append(next) }
        guard rollouts.count <= Self.mostRollouts else {
            mistakes.note(parsed.place, "a project has at most \(Self.mostRollouts) rollouts")
            return
        }
        result.rolloutChanges.append(RolloutPlanChange(before: existing, after: next))
        add(
            .rollout,
            plan.name.text,
            existing == nil ? .create : .change,
            plan.descriptions,
            .putRollout(next)
        )
    }

    /// Notes a monitor that is not there, or of another model.
    private func isKnown(_ plan: RolloutPlan, _ place: Place) -> Bool {
        let mistakesBefore = mistakes.lines.count
        for case .monitor(let name) in plan.rules {
            guard
                let found = monitors.first(where: { $0.monitor.name == name && !$0.isRetired })
            else {
                let close = hint(name.text, among: monitors.map(\.monitor.name.text))
                mistakes.note(place, "there is no monitor \"\(name)\"\(close)")
                continue
            }
            if let model = found.monitor.model, model != plan.model {
                mistakes.note(
                    place,
                    "monitor \"\(name)\" is of model \(model), and the rollout of "
                        + (plan.model.map { "model \($0)" } ?? "any model")
                )
            }
        }
        return mistakes.lines.count == mistakesBefore
    }

    /// Ends a plan; its definitions stay on record, and rollouts that run go on by it.
    mutating func retire(_ plan: VersionedRolloutPlan) {
        guard !plan.isRetired else { return }
        var next = plan
        next.version += 1
        next.isRetired = true
        result.rolloutChanges.append(RolloutPlanChange(before: plan, after: next))
        add(.rollout, plan.plan.name.text, .retire, ["starts no more"], .putRollout(next))
    }
}
