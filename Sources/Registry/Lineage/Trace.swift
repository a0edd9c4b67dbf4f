package import Domain
import GRDB
package import Search

/// What was made of something: versions of models, and how they hang on it.
package struct Trace: Sendable {
    package struct Traced: Sendable, Hashable {
        package var model: RegisteredModelName
        package var number: UInt32
        package var stage: Stage
        /// The stages that it holds.
        package var holds: [String]
        /// The stages whose rollback returns to it.
        package var rollbackOf: [String]
        package var trainingSet: TrainingSetID?
        package var service: FeatureServiceReference?
        package var run: RunID
        package var registered: Timestamp

        package var title: String { "\(model) version \(number)" }
    }

    /// Who holds production first, then other holders, then those that a rollback returns to, then
    /// the rest; the newest first among equals.
    package var versions: [Traced]
    /// How many there are.
    package var total: Int
}

extension RegistryStore {
    /// The versions that something went into: at most `Limits.tracedVersions` of them.
    ///
    /// Throws where there is no such thing; `models` are those that the caller may know of.
    package func trace(
        _ source: SearchSource,
        models: Set<RegisteredModelName>?,
        project: ProjectName,
        importFact: @escaping (String) throws -> ImportFact
    ) throws(AlulaError) -> Trace {
        try read { tables in
            try tables.require(source, in: project)
            return try tables.trace(
                try Self.matches(source, models, project, importFact: importFact)
            )
        }
    }

    /// How SQLite would go about a trace: the lines of EXPLAIN QUERY PLAN.
    package func tracePlan(
        _ source: SearchSource,
        project: ProjectName
    ) throws(AlulaError) -> [String] {
        try read { tables in
            let matches = try Self.matches(source, nil, project) { _ in
                ImportFact(view: FeatureViewID(1), logEntry: 1, retracted: nil)
            }
            return try SQLRequest<Row>(
                literal: "EXPLAIN QUERY PLAN SELECT count(*) FROM \(matches)"
            ).fetchAll(tables.database).map { $0["detail"] }
        }
    }

    /// Versions `v` of models `m` that the source went into; looked up from the source, in this
    /// order of tables.
    private static func matches(
        _ source: SearchSource,
        _ models: Set<RegisteredModelName>?,
        _ project: ProjectName,
        importFact: @escaping (String) throws -> ImportFact
    ) throws -> SQL {
        let compiler = SearchCompiler(
            project: project,
            isOfVersions: true,
            models: models,
            mayBeNull: true,
            importFact: importFact
        )
        return """
            model_version v CROSS JOIN model m ON m.id = v.model LEFT JOIN run r ON r.id = v.run
            WHERE \(try compiler.uses(source)) AND v.deleted IS NULL
                AND m.project = \(project.text)\(compiler.visible)
            """
    }
}

extension RegistryTables {
    /// Throws where the project has no such thing.
    fileprivate func require(_ source: SearchSource, in project: ProjectName) throws {
        switch source {
        case .view(let view): _ = try requireView(view, in: project)
        case .feature(let view, let feature):
            let id = try requireView(view, in: project)
            let there = try row(
                "SELECT 1 FROM feature WHERE view = ? AND name = ?",
                [id, feature.text]
            )
            guard there != nil else {
                throw AlulaError.notFound("view \(view) has no feature \"\(feature)\"")
            }
        case .service(let service): _ = try requireService(service, in: project)
        case .trainingSet(let id): try requireTrainingSet(id, in: project)
        case .run(let id): _ = try requireRun(id, in: project)
        case .importID, .artifact: break
        }
    }

    private func requireView(_ view: FeatureViewName, in project: ProjectName) throws -> Int64 {
        let rows = try rows("SELECT id, name FROM view WHERE project = ?", [project.text])
        guard let found = rows.first(where: { $0["name"] == view.text }) else {
            throw AlulaError.notFound(
                "there is no view \"\(view)\" in project \(project)"
                    + hint(view.text, among: rows.map { $0["name"] })
            )
        }
        return found["id"]
    }

    fileprivate func trace(_ matches: SQL) throws -> Trace {
        let total = try SQLRequest<Int>(literal: "SELECT count(*) FROM \(matches)")
            .fetchOne(database)
        let rows = try SQLRequest<Row>(
            literal: """
                SELECT v.*, m.name AS model_name,
                    (SELECT group_concat(stage, ' ') FROM stage_tenure s WHERE s.model = v.model
                        AND s.version = v.number AND s.until IS NULL) AS holds,
                    (SELECT group_concat(stage, ' ') FROM stage_memory s, json_each(s.split) part
                        WHERE s.model = v.model
                        AND json_extract(part.value, '$[0]') = v.number) AS rollback_of
                FROM \(matches)
                ORDER BY CASE WHEN v.stage = 'production' THEN 0 WHEN holds IS NOT NULL THEN 1
                    WHEN rollback_of IS NOT NULL THEN 2 ELSE 3 END,
                    v.registered DESC, v.model DESC, v.number DESC
                LIMIT \(Limits.tracedVersions)
                """
        ).fetchAll(database)
        return Trace(versions: try rows.map(Self.traced), total: total ?? 0)
    }

    private static func traced(_ row: Row) throws -> Trace.Traced {
        let (set, service): (String?, String?) = (row["training_set"], row["service"])
        func stages(_ column: String) -> [String] {
            let text: String? = row[column]
            return (text ?? "").split(separator: " ").map(String.init).sorted()
        }
        return Trace.Traced(
            model: try RegisteredModelName(row["model_name"], as: "model"),
            number: row["number"],
            stage: try Stage(text: row["stage"]),
            holds: stages("holds"),
            rollbackOf: stages("rollback_of"),
            trainingSet: try set.map { try TrainingSetID($0, as: "training set") },
            service: try service.map {
                FeatureServiceReference(
                    name: try FeatureServiceName($0, as: "service"),
                    version: row["service_version"]
                )
            },
            run: try RunID(row["run"], as: "run"),
            registered: Timestamp(microseconds: row["registered"])
        )
    }
}

extension Trace {
    /// What was asked for first, then the versions and what leads from them to it.
    package func graph(from source: SearchSource) -> Lineage {
        let name = String(source.description.drop { $0 != ":" }.dropFirst())
        var graph = Lineage()
        let root = graph.add(source.kind, name, title: name)
        for version in versions {
            let node = graph.add(
                .version,
                "\(version.model)/\(version.number)",
                title: version.title,
                [
                    ("stage", version.stage.text),
                    ("rollback returns to it", version.rollbackOf.joined(separator: ", ")),
                ]
            )
            for stage in version.holds {
                let seat = graph.add(.stage, "\(version.model)/\(stage)", title: stage)
                graph.link(seat, node)
            }
            var path: [(Lineage.Kind, String)] = []
            switch source {
            case .artifact, .run, .trainingSet: break
            case .service, .view, .feature, .importID:
                if let set = version.trainingSet { path.append((.trainingSet, set.text)) }
                if let service = version.service, root != "service:\(service)" {
                    path.append((.service, service.description))
                }
            }
            var last = node
            for (kind, key) in path { last = graph.add(kind, key, title: key, from: last) }
            if last != root { graph.link(last, root) }
        }
        return graph
    }
}

extension SearchSource {
    fileprivate var kind: Lineage.Kind {
        switch self {
        case .view, .feature: .view
        case .service: .service
        case .trainingSet: .trainingSet
        case .importID: .imported
        case .run: .run
        case .artifact: .artifact
        }
    }
}
