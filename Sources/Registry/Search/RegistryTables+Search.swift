import Domain
import GRDB
import Search

/// One search as SQL: what is asked, in which order, from where on.
struct SearchStatement {
    let compiler: SearchCompiler
    let subject: SearchSubject
    let request: SearchRequest

    init(
        _ request: SearchRequest,
        _ subject: SearchSubject,
        _ project: ProjectName,
        importFact: @escaping (String) throws -> ImportFact
    ) {
        self.request = request
        self.subject = subject
        compiler = SearchCompiler(
            project: project,
            isOfVersions: subject.isOfVersions,
            models: request.models,
            importFact: importFact
        )
    }

    /// One item more than a page is asked for, so that it is known whether there are more.
    func sql(in tables: RegistryTables) throws -> SQL {
        let cursor =
            try request.token.isEmpty
            ? nil : SearchCursor(token: request.token, for: question, ties: ties.count)
        let filter = try filter(in: tables)
        guard let order = request.order else {
            let behind: SQL = cursor.map { " AND \(behindTies($0.ties))" } ?? ""
            return """
                SELECT \(sql: columns) FROM \(sql: source) WHERE \(filter)\(behind)
                ORDER BY \(sql: newest) LIMIT \(request.limit + 1)
                """
        }
        let direction = order.isDescending ? "DESC" : "ASC"
        let behind: SQL = cursor.map { " WHERE \(self.behind($0, order))" } ?? ""
        return """
            SELECT * FROM (SELECT \(sql: columns), \(compiler.sortKey(order)) AS sort_key
                FROM \(sql: source) WHERE \(filter))\(behind)
            ORDER BY sort_key IS NULL, sort_key \(sql: direction), \(sql: newest)
            LIMIT \(request.limit + 1)
            """
    }

    func token(of row: Row) -> String {
        SearchCursor(
            key: request.order == nil ? nil : (row["sort_key"] as DatabaseValue),
            ties: ties.map { row[$0] }
        ).token(for: question)
    }

    private func filter(in tables: RegistryTables) throws -> SQL {
        let project = compiler.project
        var filter: SQL
        switch subject {
        case .runs(nil): filter = "r.project = \(project.text)"
        case .runs(let experiment?):
            filter = "r.project = \(project.text) AND r.experiment = \(experiment.text)"
        case .versions(nil): filter = "m.project = \(project.text)\(compiler.visible)"
        case .versions(let model?):
            filter = "v.model = \(try tables.requireModel(model, in: project).id)"
        }
        filter += " AND \(sql: subject.isOfVersions ? "v" : "r").deleted IS NULL"
        if let expression = request.expression {
            filter += " AND \(try compiler.condition(expression.root))"
        }
        return filter
    }

    /// What comes behind the cursor; what lacks the key comes last.
    private func behind(_ cursor: SearchCursor, _ order: SearchOrder) -> SQL {
        let ties = behindTies(cursor.ties)
        guard let key = cursor.key else { return "sort_key IS NULL AND \(ties)" }
        let beyond = order.isDescending ? "<" : ">"
        return """
            (sort_key \(sql: beyond) \(key) OR sort_key IS NULL OR (sort_key = \(key) AND \(ties)))
            """
    }

    private func behindTies(_ values: [Int64]) -> SQL {
        guard ties.count > 1 else { return "\(sql: qualified(ties[0])) < \(values[0])" }
        let columns = ties.map(qualified).joined(separator: ", ")
        return "(\(sql: columns)) < (\(values.map { "\($0)" as SQL }.joined(separator: ", ")))"
    }

    // Names

    private var columns: String {
        subject.isOfVersions ? "v.*, m.name AS model_name, m.revision AS revision" : "r.*"
    }

    private var source: String {
        switch subject {
        case .runs: "run r"
        // In this order, so that versions come from their index as they are wanted.
        case .versions(nil):
            "model_version v CROSS JOIN model m ON m.id = v.model LEFT JOIN run r ON r.id = v.run"
        case .versions(.some):
            "model_version v JOIN model m ON m.id = v.model LEFT JOIN run r ON r.id = v.run"
        }
    }

    /// What tells items apart, newest first.
    private var ties: [String] {
        switch subject {
        case .runs, .versions(.some): ["number"]
        case .versions(nil): ["registered", "model", "number"]
        }
    }

    private var newest: String {
        ties.map { qualified($0) + " DESC" }.joined(separator: ", ")
    }

    /// Behind a sort key, columns are those of the inner SELECT.
    private func qualified(_ column: String) -> String {
        request.order == nil ? (subject.isOfVersions ? "v." : "r.") + column : column
    }

    private var question: String {
        let filter = request.expression?.description ?? ""
        let order = request.order?.description ?? ""
        return "\(subject)\n\(compiler.project)\n\(filter)\n\(order)"
    }
}

extension SearchSubject {
    var isOfVersions: Bool {
        switch self {
        case .runs: false
        case .versions: true
        }
    }
}

extension RegistryTables {
    func search<Item>(
        _ statement: SearchStatement,
        _ items: ([Row]) throws -> [Item]
    ) throws -> Page<Item> {
        let rows = try SQLRequest<Row>(literal: try statement.sql(in: self)).fetchAll(database)
        return Page(
            zip(rows, try items(rows)).map { (statement.token(of: $0), $1) },
            limit: statement.request.limit
        )
    }
}
