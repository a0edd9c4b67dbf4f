package import Domain
import GRDB
import Search

extension RegistryStore {
    /// The runs for which the expression is true, newest first or as ordered.
    ///
    /// `importFact` finds an import, or throws that there is none. Takes time with the rows that it
    /// must look at; the first page in default order does not.
    package func search(
        runsOf experiment: ExperimentName?,
        _ request: SearchRequest,
        project: ProjectName,
        importFact: @escaping (String) throws -> ImportFact
    ) throws(AlulaError) -> Page<Run> {
        try read { tables in
            let statement = SearchStatement(
                request,
                .runs(experiment),
                project,
                importFact: importFact
            )
            return try tables.search(statement) { rows in
                try tables.runs(try rows.map(RegistryTables.runRow))
            }
        }
    }

    /// Likewise, versions of one model or of all.
    package func search(
        versionsOf model: RegisteredModelName?,
        _ request: SearchRequest,
        project: ProjectName,
        importFact: @escaping (String) throws -> ImportFact
    ) throws(AlulaError) -> Page<ModelVersion> {
        try read { tables in
            let statement = SearchStatement(
                request,
                .versions(model),
                project,
                importFact: importFact
            )
            func owner(_ row: Row) throws -> ModelRow {
                ModelRow(
                    id: row["model"],
                    project: project,
                    name: try RegisteredModelName(row["model_name"], as: "model"),
                    revision: UInt64(row["revision"] as Int64)
                )
            }
            return try tables.search(statement) { rows in
                guard model != nil, let first = rows.first else {
                    return try rows.map { try tables.version($0, of: try owner($0)) }
                }
                return try tables.versions(rows, of: try owner(first))
            }
        }
    }

    /// How SQLite would go about a search: the lines of EXPLAIN QUERY PLAN.
    package func searchPlan(
        _ request: SearchRequest,
        _ subject: SearchSubject,
        project: ProjectName
    ) throws(AlulaError) -> [String] {
        try read { tables in
            let statement = SearchStatement(request, subject, project) { _ in
                ImportFact(view: FeatureViewID(1), logEntry: 1, retracted: nil)
            }
            let sql: SQL = "EXPLAIN QUERY PLAN \(try statement.sql(in: tables))"
            return try SQLRequest<Row>(literal: sql).fetchAll(tables.database).map { $0["detail"] }
        }
    }
}
