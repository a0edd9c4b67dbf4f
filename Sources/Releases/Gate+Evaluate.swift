package import Domain

extension Gate {
    /// What this gate says of a version: every rule with its figures, in the order of the
    /// definition.
    ///
    /// A metric that is missing or not a number is "cannot tell". A comparison with the holder
    /// passes where there is none, and says so; it allows for rounding in the ninth digit, so that
    /// 0.71 is not more than 0.01 below 0.72.
    package func evaluate(_ version: ModelVersion, holder: ModelVersion?) -> GateVerdict {
        var verdicts: [GateVerdict.RuleVerdict] = []
        if !from.isEmpty {
            let names = from.map(\.rawValue).joined(separator: " or ")
            verdicts.append(
                .init(
                    rule: "comes from \(names)",
                    outcome: from.contains(version.stage) ? .passed : .failed,
                    reason: "it is in stage \(version.stage.rawValue)"
                )
            )
        }
        for rule in rules {
            switch rule {
            case .metric(let rule): verdicts += rule.evaluate(version, holder: holder)
            }
        }
        return GateVerdict(rules: verdicts)
    }
}

extension Gate.MetricRule {
    fileprivate func evaluate(
        _ version: ModelVersion,
        holder: ModelVersion?
    ) -> [GateVerdict.RuleVerdict] {
        let value = known(version)
        var verdicts: [GateVerdict.RuleVerdict] = []
        if let min, let text = minDescription {
            verdicts.append(
                judge(text, value) { value in
                    (value >= min, value >= min ? "\(value)" : "\(value) is below \(min)")
                }
            )
        }
        if let max, let text = maxDescription {
            verdicts.append(
                judge(text, value) { value in
                    (value <= max, value <= max ? "\(value)" : "\(value) is above \(max)")
                }
            )
        }
        if let margin = noWorseThanHolderBy, let text = marginDescription {
            verdicts.append(compare(text, value, margin, holder))
        }
        return verdicts
    }

    /// The metric where it is there and a number.
    private func known(_ version: ModelVersion) -> Double? {
        version.metrics.first { $0.name == metric }.map(\.value).flatMap { $0.isNaN ? nil : $0 }
    }

    private func judge(
        _ rule: String,
        _ value: Double?,
        _ test: (Double) -> (passed: Bool, reason: String)
    ) -> GateVerdict.RuleVerdict {
        guard let value else {
            return .init(
                rule: rule,
                outcome: .cannotTell,
                reason: "the version has no number for metric \(metric)"
            )
        }
        let (passed, reason) = test(value)
        return .init(rule: rule, outcome: passed ? .passed : .failed, reason: reason)
    }

    private func compare(
        _ rule: String,
        _ value: Double?,
        _ margin: Double,
        _ holder: ModelVersion?
    ) -> GateVerdict.RuleVerdict {
        guard let holder else {
            return .init(
                rule: rule,
                outcome: .passed,
                reason: "there is no holder to compare with"
            )
        }
        guard let held = known(holder) else {
            return .init(
                rule: rule,
                outcome: .cannotTell,
                reason: "version \(holder.number), the holder, has no number for metric \(metric)"
            )
        }
        return judge(rule, value) { value in
            let worse = better == .higher ? held - value : value - held
            let rounding = worse.isFinite ? 1e-9 * Swift.max(abs(held), abs(value)) : 0
            let passed = value == held || worse <= margin + rounding
            return (passed, "\(value), the holder (version \(holder.number)) has \(held)")
        }
    }
}
