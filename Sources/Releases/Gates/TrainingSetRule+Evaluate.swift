import Domain

extension Gate.TrainingSetRule {
    func evaluate(_ facts: GateFacts) -> [GateVerdict.RuleVerdict] {
        [
            reproducibleDescription.map { judgeReproducible($0, facts) },
            ageDescription.map { judgeAge($0, facts) },
            rowsDescription.map { judgeRows($0, facts) },
        ].compactMap(\.self)
    }

    private static let noSet = "the version has no training set"

    private func judgeReproducible(
        _ rule: String,
        _ facts: GateFacts
    ) -> GateVerdict.RuleVerdict {
        guard let set = facts.trainingSet else {
            return .init(rule: rule, outcome: .cannotTell, reason: Self.noSet)
        }
        let advice = "try it: alula reproduce \(facts.version.model) \(facts.version.number)"
        guard let fact = facts.reproduction else {
            return .init(
                rule: rule,
                outcome: .cannotTell,
                reason: "\(set.id) was never made again; \(advice)"
            )
        }
        let tried = "tried \(fact.time) at log entry \(fact.logEntry)"
        switch fact.state {
        case .incomplete, .damaged:
            return .init(
                rule: rule,
                outcome: .failed,
                reason: "\(set.id) is \(fact.state.rawValue), \(tried)"
            )
        case .complete: break
        }
        if let checkedWithin, fact.time < facts.now - checkedWithin {
            return .init(
                rule: rule,
                outcome: .cannotTell,
                reason: "\(set.id) was \(tried), which is too long ago; \(advice)"
            )
        }
        guard set.blankedRows == 0 else {
            return .init(
                rule: rule,
                outcome: .failed,
                reason: "\(set.blankedRows) rows of the spine of \(set.id) were blanked since"
            )
        }
        return .init(rule: rule, outcome: .passed, reason: "\(set.id), \(tried)")
    }

    private func judgeAge(_ rule: String, _ facts: GateFacts) -> GateVerdict.RuleVerdict {
        guard let youngerThan, let set = facts.trainingSet else {
            return .init(rule: rule, outcome: .cannotTell, reason: Self.noSet)
        }
        let age = TimeSpan(microseconds: max(0, facts.now.microseconds - set.made.microseconds))
        return .init(
            rule: rule,
            outcome: age < youngerThan ? .passed : .failed,
            reason: "\(set.id) was made \(age.short) ago"
        )
    }

    private func judgeRows(_ rule: String, _ facts: GateFacts) -> GateVerdict.RuleVerdict {
        guard let minRows, let set = facts.trainingSet else {
            return .init(rule: rule, outcome: .cannotTell, reason: Self.noSet)
        }
        let rows = set.rows - min(set.rows, set.blankedRows)
        return .init(
            rule: rule,
            outcome: rows >= minRows ? .passed : .failed,
            reason: "\(set.id) has \(rows) rows"
        )
    }
}
