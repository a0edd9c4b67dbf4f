package import Domain
import Foundation
import GRDB

/// How a plan of rollouts is kept.
private struct StoredRolloutPlan: Codable {
    struct Step: Codable {
        var share: UInt32
        var hold: Int64
    }

    struct Rule: Codable {
        var metric: String?
        var share: String?
        var delay: Int64?
        var atLeast: Double?
        var atMost: Double?
        var notWorseThanHolderBy: Double?
        var minSamples: UInt64?
        var monitor: String?
    }

    var name: String
    var model: String?
    var stage: String
    var steps: [Step]
    var rules: [Rule]

    init(_ plan: RolloutPlan) {
        name = plan.name.text
        model = plan.model?.text
        stage = plan.stage.text
        steps = plan.steps.map {
            Step(share: $0.share.hundredths, hold: $0.hold.microseconds)
        }
        rules = plan.rules.map(Rule.init)
    }

    func plan() throws(AlulaError) -> RolloutPlan {
        var plan = RolloutPlan(
            name: try RolloutPlanName(name, as: "rollout"),
            model: nil,
            stage: try Stage(text: stage),
            steps: [],
            rules: []
        )
        if let model { plan.model = try RegisteredModelName(model, as: "model") }
        for step in steps {
            guard let share = Share(hundredths: step.share) else {
                throw .corrupt("rollout \"\(name)\" has a share over 100%")
            }
            plan.steps.append(
                RolloutPlan.Step(share: share, hold: TimeSpan(microseconds: step.hold))
            )
        }
        for rule in rules { plan.rules.append(try rule.rule(of: name)) }
        return plan
    }
}

extension StoredRolloutPlan.Rule {
    init(_ rule: RolloutPlan.Rule) {
        switch rule {
        case .metric(let name, let bound, let samples):
            metric = name
            minSamples = samples
            set(bound)
        case .share(let share, let bound, let samples, let delay):
            self.share = share.rawValue
            self.delay = delay.microseconds
            minSamples = samples
            set(bound)
        case .monitor(let name): monitor = name.text
        }
    }

    private mutating func set(_ bound: RolloutPlan.Bound) {
        switch bound {
        case .atLeast(let number): atLeast = number
        case .atMost(let number): atMost = number
        case .notWorseThanHolderBy(let number): notWorseThanHolderBy = number
        }
    }

    func rule(of plan: String) throws(AlulaError) -> RolloutPlan.Rule {
        if let monitor { return .monitor(try MonitorName(monitor, as: "monitor")) }
        let bound: RolloutPlan.Bound? =
            atLeast.map { .atLeast($0) } ?? atMost.map { .atMost($0) }
            ?? notWorseThanHolderBy.map { .notWorseThanHolderBy($0) }
        if let share = share.flatMap(ServedShare.init(rawValue:)), let bound, let minSamples {
            let delay = TimeSpan(microseconds: delay ?? 0)
            return .share(share, bound, minSamples: minSamples, delay: delay)
        }
        guard let metric, let bound, let minSamples else {
            throw .corrupt("rollout \"\(plan)\" has a rule of nothing")
        }
        return .metric(name: metric, bound, minSamples: minSamples)
    }
}

extension RolloutPlan {
    /// As it is kept.
    package var json: String {
        get throws { try CatalogTables.json(StoredRolloutPlan(self)) }
    }

    package init(json: String) throws {
        self = try JSONDecoder().decode(StoredRolloutPlan.self, from: Data(json.utf8)).plan()
    }
}

extension VersionedRolloutPlan {
    private struct Stored: Encodable {
        var version: UInt32
        var retired: Bool
        var rollout: StoredRolloutPlan
    }

    /// JSON for the audit log.
    package var json: String {
        get throws {
            try CatalogTables.json(
                Stored(version: version, retired: isRetired, rollout: StoredRolloutPlan(plan))
            )
        }
    }
}

extension CatalogTables {
    func put(_ versioned: VersionedRolloutPlan, _ project: ProjectName) throws {
        try database.execute(
            sql: "INSERT INTO rollout_plan VALUES (?, ?, ?, ?, ?)",
            arguments: [
                project.text, versioned.plan.name.text, versioned.version,
                versioned.isRetired, try versioned.plan.json,
            ]
        )
    }

    /// The greatest version of every plan, retired ones too, by name.
    func loadRollouts() throws -> [ProjectName: [VersionedRolloutPlan]] {
        var plans: [ProjectName: [VersionedRolloutPlan]] = [:]
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT project, name, max(version) AS version, retired, definition
                FROM rollout_plan GROUP BY project, name ORDER BY project, name
                """
        )
        for row in rows {
            plans[try ProjectName(row["project"], as: "project"), default: []].append(
                VersionedRolloutPlan(
                    plan: try RolloutPlan(json: row["definition"]),
                    version: row["version"],
                    isRetired: row["retired"]
                )
            )
        }
        return plans
    }
}
