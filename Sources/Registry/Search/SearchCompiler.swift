import Domain
import GRDB
import Search

/// Turns an expression into one SQL condition, in which every name and value is bound.
///
/// Runs are `r`; versions are `v` of model `m`, with their run as `r`. Each condition is true or
/// false, never null.
struct SearchCompiler {
    let project: ProjectName
    let isOfVersions: Bool
    /// The models whose versions may be looked at; nil is all.
    let models: Set<RegisteredModelName>?
    /// Whether what a version uses may be null for false, where an index can then be used.
    var mayBeNull = false
    let importFact: (String) throws -> ImportFact

    func condition(_ term: SearchTerm) throws -> SQL {
        switch term {
        case .all(let terms): try Self.joined(terms.map(condition), " AND ")
        case .any(let terms): try Self.joined(terms.map(condition), " OR ")
        case .not(let term): "NOT \(try condition(term))"
        case .compare(let field, let comparison, let value):
            try condition(field) { try $0.compare(comparison, value) }
        case .isIn(let field, let values):
            try condition(field) { column in
                try Self.joined(values.map { try column.compare(.equal, $0) }, " OR ")
            }
        case .has(let field): try condition(field) { $0.isThere }
        case .uses(let source): try uses(source)
        }
    }

    static func joined(_ parts: [SQL], _ separator: String) -> SQL {
        "(\(parts.joined(separator: separator)))"
    }

    /// True where the field has a value for which `body` is true.
    private func condition(
        _ field: SearchField,
        _ body: (SearchColumn) throws -> SQL
    ) throws -> SQL {
        switch field {
        case .param(let key): try keyed("param", key, body)
        case .tag(let key): try keyed("tag", key, body)
        case .metric(let metric): try self.metric(metric, body)
        case .property(let property):
            property.isOfVersion && !isOfVersions
                ? version(try self.property(property, body)) : try self.property(property, body)
        }
    }

    private func keyed(
        _ kind: String,
        _ key: String,
        _ body: (SearchColumn) throws -> SQL
    ) throws -> SQL {
        let condition = try body(SearchColumn("x.value", .free))
        return """
            EXISTS (SELECT 1 FROM \(sql: owner)_\(sql: kind) x
                WHERE \(sql: owned) AND x.key = \(key) AND \(condition))
            """
    }

    private func metric(
        _ metric: SearchMetric,
        _ body: (SearchColumn) throws -> SQL
    ) throws -> SQL {
        switch metric.point {
        case .last:
            let table = isOfVersions ? "version_metric" : "run_series"
            return try series(metric, table, owned, try body(SearchColumn("x.rank", .rank)))
        case .best:
            return try series(
                metric,
                "run_series",
                Self.ofRun,
                try body(SearchColumn("x.least", .best(greatest: "x.greatest")))
            )
        case .step(let step):
            let point: SQL = "SELECT p.rank FROM run_metric p WHERE \(Self.samePoint(step))"
            let last: SQL = "(\(point) ORDER BY p.time DESC, p.number DESC LIMIT 1)"
            let isThere: SQL = "EXISTS (\(point))"
            return try series(
                metric,
                "run_series",
                Self.ofRun,
                "\(isThere) AND \(try body(SearchColumn(last, .rank)))"
            )
        }
    }

    private func series(
        _ metric: SearchMetric,
        _ table: String,
        _ owned: String,
        _ condition: SQL
    ) throws -> SQL {
        var narrowed: SQL = ""
        if let dataSet = metric.dataSet { narrowed = " AND x.data_set = \(dataSet)" }
        return """
            EXISTS (SELECT 1 FROM \(sql: table) x
                WHERE \(sql: owned) AND x.name = \(metric.name)\(narrowed) AND \(condition))
            """
    }

    private func property(
        _ property: SearchProperty,
        _ body: (SearchColumn) throws -> SQL
    ) throws -> SQL {
        switch property {
        case .alias:
            let condition = try body(SearchColumn("a.name", .text))
            return """
                EXISTS (SELECT 1 FROM model_alias a
                    WHERE a.model = v.model AND a.version = v.number AND \(condition))
                """
        case .service where !isOfVersions:
            let condition = try body(SearchColumn(service: "t"))
            return ofTrainingSet("r", condition)
        default: return try body(column(of: property))
        }
    }

    /// The column of a property that has one.
    func column(of property: SearchProperty) -> SearchColumn {
        let own = isOfVersions ? "v" : "r"
        return switch property {
        case .run: SearchColumn("r.id", .text)
        case .experiment: SearchColumn("r.experiment", .text)
        case .name: SearchColumn("r.name", .optionalText)
        case .status: SearchColumn("r.status", .text)
        case .started: SearchColumn("r.started", .time)
        case .ended: SearchColumn("r.ended", .time)
        case .model: SearchColumn("m.name", .text)
        case .version: SearchColumn("v.number", .whole)
        case .stage: SearchColumn("v.stage", .text)
        case .alias: SearchColumn("a.name", .text)
        case .description: SearchColumn("v.description", .optionalText)
        case .registered: SearchColumn("v.registered", .time)
        case .actor: SearchColumn("\(sql: own).actor", .optionalText)
        case .code: SearchColumn("\(sql: own).code_revision", .optionalText)
        case .trainingSet: SearchColumn("\(sql: own).training_set", .optionalText)
        case .service: SearchColumn(service: isOfVersions ? "v" : "t")
        }
    }

    /// Some version of the run for which the condition holds.
    func version(_ condition: SQL) -> SQL {
        """
        EXISTS (SELECT 1 FROM model_version v JOIN model m ON m.id = v.model
            WHERE v.run = r.id AND v.deleted IS NULL AND m.project = \(project.text)\(visible)
                AND \(condition))
        """
    }

    /// The training set `t` of a run or a version is there, and the condition holds for it.
    func ofTrainingSet(_ owner: String, _ condition: SQL) -> SQL {
        """
        EXISTS (SELECT 1 FROM training_set t
            WHERE t.id = \(sql: owner).training_set AND \(condition))
        """
    }

    /// Of the models that the caller may know of.
    var visible: SQL {
        guard let models else { return "" }
        let names = models.map(\.text).sorted().map { "\($0)" as SQL }
        return " AND m.name IN (\(names.joined(separator: ", ")))"
    }

    var owner: String { isOfVersions ? "version" : "run" }

    var owned: String {
        isOfVersions ? "x.model = v.model AND x.version = v.number" : Self.ofRun
    }

    static let ofRun = "x.run = r.number"

    static func samePoint(_ step: Int64) -> SQL {
        "p.run = x.run AND p.name = x.name AND p.data_set = x.data_set AND p.step = \(step)"
    }
}
