import Domain
import Foundation

/// How a rule is kept: the one field that is there says which it is.
struct StoredRule: Codable {
    struct Metric: Codable {
        var name: String
        var on: String
        var better: String
        var min: Double?
        var max: Double?
        var noWorseThanHolderBy: Double?
    }

    struct TrainingSet: Codable {
        var reproducible: Bool
        var checkedWithin: Int64?
        var youngerThan: Int64?
        var minRows: UInt64?
    }

    struct Tag: Codable {
        var key: String
        var value: String?
    }

    struct Approvals: Codable {
        var count: UInt32
        var by: [String]
    }

    var metric: Metric?
    var trainingSet: TrainingSet?
    var lineage: String?
    var tags: [Tag]?
    var signature: String?
    var artifacts: [String]?
    var approvals: Approvals?
    var soak: Int64?

    init(_ rule: Gate.Rule) {
        switch rule {
        case .metric(let rule):
            metric = Metric(
                name: rule.metric.text,
                on: rule.dataSet,
                better: rule.better.rawValue,
                min: rule.min,
                max: rule.max,
                noWorseThanHolderBy: rule.noWorseThanHolderBy
            )
        case .trainingSet(let rule):
            trainingSet = TrainingSet(
                reproducible: rule.isReproducible,
                checkedWithin: rule.checkedWithin?.microseconds,
                youngerThan: rule.youngerThan?.microseconds,
                minRows: rule.minRows
            )
        case .lineage: lineage = "complete"
        case .tags(let required): tags = required.map { Tag(key: $0.key, value: $0.value) }
        case .signature: signature = "compatible"
        case .artifacts(let kinds): artifacts = kinds.map(\.text)
        case .approvals(let rule):
            approvals = Approvals(count: rule.count, by: rule.roles.map(\.rawValue))
        case .soak(let span): soak = span.microseconds
        }
    }

    func rule() throws(AlulaError) -> Gate.Rule {
        if let metric { return .metric(try metric.rule()) }
        if let trainingSet { return .trainingSet(trainingSet.rule) }
        if lineage != nil { return .lineage }
        if let tags { return .tags(tags.map { .init(key: $0.key, value: $0.value) }) }
        if signature != nil { return .signature }
        if let artifacts { return .artifacts(artifacts.compactMap(ArtifactKind.init)) }
        if let approvals {
            var roles: [Role] = []
            for name in approvals.by { roles.append(try Role(text: name)) }
            return .approvals(.init(count: approvals.count, roles: roles))
        }
        if let soak { return .soak(TimeSpan(microseconds: soak)) }
        throw .corrupt("a gate has a rule of no known kind")
    }
}

extension StoredRule.Metric {
    fileprivate func rule() throws(AlulaError) -> Gate.MetricRule {
        guard let better = Gate.MetricRule.Direction(rawValue: better) else {
            throw .corrupt("gate direction \"\(better)\"")
        }
        return Gate.MetricRule(
            metric: try MetricName(name, as: "metric"),
            dataSet: on,
            better: better,
            min: min,
            max: max,
            noWorseThanHolderBy: noWorseThanHolderBy
        )
    }
}

extension StoredRule.TrainingSet {
    fileprivate var rule: Gate.TrainingSetRule {
        .init(
            isReproducible: reproducible,
            checkedWithin: checkedWithin.map(TimeSpan.init(microseconds:)),
            youngerThan: youngerThan.map(TimeSpan.init(microseconds:)),
            minRows: minRows
        )
    }
}

extension VersionedGate {
    private struct Stored: Encodable {
        var version: UInt32
        var from: [String]
        var require: [StoredRule]
        var rollback: [StoredRule]
        var removed: Bool?
    }

    /// JSON for the audit log.
    package var json: String {
        get throws {
            try CatalogTables.json(
                Stored(
                    version: version,
                    from: gate.from.map(\.text),
                    require: gate.rules.map(StoredRule.init),
                    rollback: gate.rollback.map(StoredRule.init),
                    removed: isRemoved ? true : nil
                )
            )
        }
    }
}
