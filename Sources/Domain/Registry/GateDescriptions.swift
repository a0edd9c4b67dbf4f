extension Gate.Rule {
    /// The rule for people, one line for each thing it asks.
    public var descriptions: [String] {
        switch self {
        case .metric(let rule): rule.descriptions
        }
    }
}

extension Gate.MetricRule {
    /// Such as `auc at least 0.7`.
    public var minDescription: String? { min.map { "\(metric) at least \($0)" } }

    /// Such as `loss at most 0.2`.
    public var maxDescription: String? { max.map { "\(metric) at most \($0)" } }

    /// Such as `auc no worse than the holder's by more than 0.01 (higher is better)`.
    public var marginDescription: String? {
        noWorseThanHolderBy.map {
            "\(metric) no worse than the holder's by more than \($0) (\(better.rawValue) is better)"
        }
    }

    public var descriptions: [String] {
        [minDescription, maxDescription, marginDescription].compactMap { $0 }
    }
}
