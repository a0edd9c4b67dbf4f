package import Domain

extension Gate {
    /// What this gate says of a version: every rule with its figures, in the order of the
    /// definition.
    ///
    /// What is not known is "cannot tell", and that is not passed. A comparison with the holder
    /// passes where there is none, and says so. A gate before production refuses pickles unless it
    /// says itself what artifacts may be.
    package func evaluate(_ facts: GateFacts) -> GateVerdict {
        var verdicts: [GateVerdict.RuleVerdict] = []
        if !from.isEmpty {
            let names = from.map(\.text).joined(separator: " or ")
            verdicts.append(
                .init(
                    rule: "comes from \(names)",
                    outcome: from.contains(facts.version.stage) ? .passed : .failed,
                    reason: "it is in stage \(facts.version.stage)"
                )
            )
        }
        verdicts += rules.flatMap { $0.evaluate(facts) }
        if to == .production, !saysWhatArtifactsMayBe { verdicts.append(facts.judgePickles()) }
        return GateVerdict(rules: verdicts)
    }

    /// What a rollback to the version must show beside being complete.
    package func evaluateRollback(_ facts: GateFacts) -> GateVerdict {
        GateVerdict(rules: rollback.flatMap { $0.evaluate(facts) })
    }

    private var saysWhatArtifactsMayBe: Bool {
        rules.contains { rule in
            guard case .artifacts = rule else { return false }
            return true
        }
    }
}

extension Gate.Rule {
    func evaluate(_ facts: GateFacts) -> [GateVerdict.RuleVerdict] {
        switch self {
        case .metric(let rule): rule.evaluate(facts.version, holder: facts.holder)
        case .trainingSet(let rule): rule.evaluate(facts)
        case .lineage: [facts.judgeLineage()]
        case .tags(let tags): tags.map { $0.evaluate(facts.version) }
        case .signature: [facts.judgeSignature()]
        case .artifacts(let kinds): [facts.judge(kinds)]
        case .approvals(let rule): [rule.evaluate(facts)]
        case .soak(let span): [facts.judgeSoak(span)]
        }
    }
}

extension Gate.RequiredTag {
    fileprivate func evaluate(_ version: ModelVersion) -> GateVerdict.RuleVerdict {
        let found = version.tags[key]
        let reason: String
        let passed: Bool
        switch (found, value) {
        case (nil, _): (passed, reason) = (false, "the version has no tag \(key)")
        case (.some(let found), nil): (passed, reason) = (true, "\"\(found)\"")
        case (.some(let found), .some(let value)):
            (passed, reason) = (found == value, "it is \"\(found)\"")
        }
        return .init(rule: description, outcome: passed ? .passed : .failed, reason: reason)
    }
}

extension Gate.ApprovalsRule {
    fileprivate func evaluate(_ facts: GateFacts) -> GateVerdict.RuleVerdict {
        let wanted = Set(roles)
        var counted: [String] = []
        var others: [String] = []
        for approval in facts.approvals.sorted(by: { $0.actor < $1.actor }) {
            if facts.authors.contains(approval.actor) {
                others.append("\(approval.actor) is an author")
            } else if approval.roles.isDisjoint(with: wanted) {
                others.append("\(approval.actor) has none of these roles")
            } else {
                counted.append(approval.actor)
            }
        }
        let who = counted.isEmpty ? "" : ": " + counted.joined(separator: ", ")
        let not = others.isEmpty ? "" : " (not counted: \(others.joined(separator: ", ")))"
        return .init(
            rule: description,
            outcome: counted.count >= Int(count) ? .passed : .failed,
            reason: "\(counted.count) of \(count)\(who)\(not)"
        )
    }
}

extension GateFacts {
    fileprivate func judgeLineage() -> GateVerdict.RuleVerdict {
        .init(
            rule: Gate.Rule.lineageDescription,
            outcome: lineageGaps.isEmpty ? .passed : .failed,
            reason: lineageGaps.isEmpty
                ? "training set, run, service, code revision and artifacts are there"
                : lineageGaps.joined(separator: "; ")
        )
    }

    fileprivate func judgeSoak(_ span: TimeSpan) -> GateVerdict.RuleVerdict {
        let rule = Gate.Rule.soakDescription(span)
        guard let since = inStageSince else {
            return .init(
                rule: rule,
                outcome: .failed,
                reason: "it is in stage \(version.stage), which is none to wait in"
            )
        }
        let soaked = max(0, now.microseconds - since.microseconds)
        return .init(
            rule: rule,
            outcome: soaked >= span.microseconds ? .passed : .failed,
            reason:
                "in \(version.stage) for \(TimeSpan(microseconds: soaked).short), since \(since)"
        )
    }
}
