import Domain
import Foundation
import GRDB

extension CatalogTables {
    /// How a rule is kept; a kind that is added later gets a field of its own.
    private struct StoredRule: Codable {
        var metric: String
        var better: String
        var min: Double?
        var max: Double?
        var noWorseThanHolderBy: Double?
    }

    func put(_ versioned: VersionedGate, _ project: ProjectName) throws {
        let gate = versioned.gate
        let rules = gate.rules.map { rule in
            switch rule {
            case .metric(let rule):
                StoredRule(
                    metric: rule.metric.text,
                    better: rule.better.rawValue,
                    min: rule.min,
                    max: rule.max,
                    noWorseThanHolderBy: rule.noWorseThanHolderBy
                )
            }
        }
        try database.execute(
            sql: "INSERT INTO gate VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                project.text, gate.model.text, gate.to.rawValue, versioned.version,
                try Self.json(gate.from.map(\.rawValue)), try Self.json(rules),
            ]
        )
    }

    /// The greatest version of every gate.
    func loadGates() throws -> [ProjectName: [VersionedGate]] {
        var gates: [ProjectName: [VersionedGate]] = [:]
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT project, model, stage, max(version) AS version, sources, rules FROM gate
                GROUP BY project, model, stage ORDER BY project, model, stage
                """
        )
        for row in rows {
            let sources = try JSONDecoder().decode([String].self, from: row["sources"])
            let rules = try JSONDecoder().decode([StoredRule].self, from: row["rules"])
            let gate = Gate(
                model: try RegisteredModelName(row["model"], as: "model"),
                to: try Stage(text: row["stage"]),
                from: try sources.map { try Stage(text: $0) },
                rules: try rules.map(Self.rule)
            )
            gates[try ProjectName(row["project"], as: "project"), default: []].append(
                VersionedGate(gate: gate, version: row["version"])
            )
        }
        return gates
    }

    private static func rule(_ stored: StoredRule) throws(AlulaError) -> Gate.Rule {
        guard let better = Gate.MetricRule.Direction(rawValue: stored.better) else {
            throw .corrupt("gate direction \"\(stored.better)\"")
        }
        return .metric(
            Gate.MetricRule(
                metric: try MetricName(stored.metric, as: "metric"),
                better: better,
                min: stored.min,
                max: stored.max,
                noWorseThanHolderBy: stored.noWorseThanHolderBy
            )
        )
    }

    private static func json(_ value: some Encodable) throws -> String {
        String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }
}
