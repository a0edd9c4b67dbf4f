extension Gate.Rule {
    /// The rule for people, one line for each thing it asks.
    package var descriptions: [String] {
        switch self {
        case .metric(let rule): rule.descriptions
        case .trainingSet(let rule): rule.descriptions
        case .lineage: [Self.lineageDescription]
        case .tags(let tags): tags.map(\.description)
        case .signature: [Self.signatureDescription]
        case .artifacts(let kinds): [Self.artifactsDescription(kinds)]
        case .approvals(let rule): [rule.description]
        case .soak(let span): [Self.soakDescription(span)]
        }
    }

    package static let lineageDescription = "lineage is complete"

    package static let signatureDescription = "takes what callers send to the holder"

    package static func artifactsDescription(_ kinds: [ArtifactKind]) -> String {
        "artifacts are " + kinds.map(\.text).joined(separator: " or ")
    }

    package static func soakDescription(_ span: TimeSpan) -> String {
        "in the stage before for \(span) or longer"
    }
}

extension Gate.MetricRule {
    /// Such as `auc`, `auc on holdout`.
    package var subject: String { dataSet.isEmpty ? metric.text : "\(metric) on \(dataSet)" }

    /// Such as `auc at least 0.7`.
    package var minDescription: String? { min.map { "\(subject) at least \($0)" } }

    /// Such as `loss at most 0.2`.
    package var maxDescription: String? { max.map { "\(subject) at most \($0)" } }

    /// Such as `auc no worse than the holder's by more than 0.01 (higher is better)`.
    package var marginDescription: String? {
        noWorseThanHolderBy.map {
            "\(subject) no worse than the holder's by more than \($0) (\(better.rawValue) is better)"
        }
    }

    package var descriptions: [String] {
        [minDescription, maxDescription, marginDescription].compactMap { $0 }
    }
}

extension Gate.TrainingSetRule {
    package var reproducibleDescription: String? {
        guard isReproducible else { return nil }
        return "training set is reproducible"
            + (checkedWithin.map { ", tried within \($0)" } ?? "")
    }

    package var ageDescription: String? { youngerThan.map { "training set younger than \($0)" } }

    package var rowsDescription: String? { minRows.map { "training set of at least \($0) rows" } }

    package var descriptions: [String] {
        [reproducibleDescription, ageDescription, rowsDescription].compactMap { $0 }
    }
}

extension Gate.RequiredTag: CustomStringConvertible {
    package var description: String {
        value.map { "tag \(key) is \"\($0)\"" } ?? "tag \(key) is there"
    }
}

extension Gate.ApprovalsRule: CustomStringConvertible {
    package var description: String {
        let names = roles.map(\.rawValue).joined(separator: " or ")
        return "\(count) \(count == 1 ? "approval" : "approvals") by \(names), none the author's"
    }
}
