extension Gate.Rule: CustomStringConvertible {
    /// `auc (higher is better): at least 0.7, at most 0.01 worse than the holder`
    public var description: String {
        switch self {
        case .metric(let rule):
            var bounds: [String] = []
            if let min = rule.min { bounds.append("at least \(min)") }
            if let max = rule.max { bounds.append("at most \(max)") }
            if let margin = rule.noWorseThanHolderBy {
                bounds.append("at most \(margin) worse than the holder")
            }
            return "\(rule.metric) (\(rule.better.rawValue) is better): "
                + (bounds.isEmpty ? "known" : bounds.joined(separator: ", "))
        }
    }
}
