import Domain

extension Gate.MetricRule {
    /// A metric that is missing, not a number or infinite is "cannot tell".
    ///
    /// The comparison with the holder allows for rounding in the ninth digit, so that 0.71 is not
    /// more than 0.01 below 0.72; it is of the same data set on both sides.
    func evaluate(_ version: ModelVersion, holder: ModelVersion?) -> [GateVerdict.RuleVerdict] {
        var verdicts: [GateVerdict.RuleVerdict] = []
        if let min, let text = minDescription {
            verdicts.append(
                judge(text, version) { value in
                    (value >= min, value >= min ? "\(value)" : "\(value) is below \(min)")
                }
            )
        }
        if let max, let text = maxDescription {
            verdicts.append(
                judge(text, version) { value in
                    (value <= max, value <= max ? "\(value)" : "\(value) is above \(max)")
                }
            )
        }
        if let margin = noWorseThanHolderBy, let text = marginDescription {
            verdicts.append(compare(text, version, margin, holder))
        }
        return verdicts
    }

    /// The metric where it is there and a finite number.
    private func known(_ version: ModelVersion) -> Double? {
        version.metrics.first { $0.name == metric && $0.dataSet == dataSet }.map(\.value)
            .flatMap { $0.isFinite ? $0 : nil }
    }

    private func judge(
        _ rule: String,
        _ version: ModelVersion,
        _ test: (Double) -> (passed: Bool, reason: String)
    ) -> GateVerdict.RuleVerdict {
        guard let value = known(version) else {
            return .init(
                rule: rule,
                outcome: .cannotTell,
                reason: "the version has no finite number for metric \(subject)" + measured(version)
            )
        }
        let (passed, reason) = test(value)
        return .init(rule: rule, outcome: passed ? .passed : .failed, reason: reason)
    }

    /// On what else the metric was measured.
    private func measured(_ version: ModelVersion) -> String {
        let others = version.metrics.filter { $0.name == metric && $0.dataSet != dataSet }
            .map { $0.dataSet.isEmpty ? "without a data set" : "on " + $0.dataSet }
        return others.isEmpty ? "" : ", only " + others.joined(separator: ", ")
    }

    private func compare(
        _ rule: String,
        _ version: ModelVersion,
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
                reason:
                    "version \(holder.number), the holder, has no finite number for metric \(subject)"
                    + measured(holder)
            )
        }
        return judge(rule, version) { value in
            let worse = better == .higher ? held - value : value - held
            let rounding = 1e-9 * Swift.max(abs(held), abs(value))
            let passed = worse <= margin + rounding
            return (passed, "\(value), the holder (version \(holder.number)) has \(held)")
        }
    }
}
