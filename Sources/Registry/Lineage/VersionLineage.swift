package import Domain
import GRDB

/// What a version was made of, as far as the registry knows: down to the views.
package struct VersionLineage: Sendable {
    /// The version first.
    package var graph = Lineage()
    /// The views that its service reads, and their nodes.
    package var views: [(node: String, view: FeatureViewID)] = []
    /// What its training set saw of the log; nil where it has none.
    package var logEntry: UInt64?
}

extension RegistryStore {
    package func lineage(
        of number: UInt32,
        model name: RegisteredModelName,
        project: ProjectName
    ) throws(AlulaError) -> VersionLineage {
        try read { tables in
            let model = try tables.requireModel(name, in: project)
            let version = try tables.requireVersion(number, of: model)
            return try tables.lineage(of: version, in: model, project)
        }
    }
}

extension RegistryTables {
    package func lineage(
        of version: ModelVersion,
        in model: ModelRow,
        _ project: ProjectName
    ) throws -> VersionLineage {
        var lineage = VersionLineage()
        let node = lineage.graph.add(
            .version,
            "\(version.model)/\(version.number)",
            title: "\(version.model) version \(version.number)",
            [
                ("stage", version.stage.text), ("registered", "\(version.registered)"),
                ("by", version.actor), ("code revision", version.codeRevision),
                ("description", version.description),
                ("held before", try pastTenures(of: version, in: model)),
                (
                    "rollback returns to it",
                    try remembering(version.number, of: model).joined(separator: ", ")
                ),
            ]
        )
        let aliases = try self.aliases(of: model).filter { $0.version == version.number }
        for alias in aliases {
            let pointer = lineage.graph.add(.alias, alias.name.text, title: alias.name.text)
            lineage.graph.link(pointer, node)
        }
        let seat = try self.seat(of: version.stage, in: model)
        if let held = seat.holders.first(where: { $0.version == version.number }) {
            let stage = lineage.graph.add(
                .stage,
                version.stage.text,
                title: version.stage.text,
                [
                    ("since", "\(held.since)"),
                    ("previous", seat.previous.map { "version \($0)" } ?? ""),
                ]
            )
            lineage.graph.link(stage, node)
        }
        for artifact in version.artifacts {
            lineage.graph.add(
                .artifact,
                "\(artifact.digest)/\(artifact.name)",
                title: artifact.name,
                from: node,
                [("bytes", String(artifact.bytes)), ("sha256", artifact.digest.description)]
            )
        }
        let found = try requireRun(version.run, in: project)
        let run = try self.run(found, history: false)
        let runNode = add(run, to: &lineage.graph, from: node)
        try addData(of: version, run, to: &lineage, node, runNode, project)
        return lineage
    }

    /// The stages that the version held and holds no longer.
    private func pastTenures(of version: ModelVersion, in model: ModelRow) throws -> String {
        try rows(
            """
            SELECT stage, until FROM stage_tenure
            WHERE model = ? AND version = ? AND until IS NOT NULL ORDER BY number
            """,
            [model.id, version.number]
        ).map { "\($0["stage"] as String) until \(Timestamp(microseconds: $0["until"]))" }
            .joined(separator: ", ")
    }

    /// The stages whose rollback returns to the version.
    func remembering(_ version: UInt32, of model: ModelRow) throws -> [String] {
        try rows(
            """
            SELECT DISTINCT stage FROM stage_memory, json_each(split) AS part
            WHERE model = ? AND json_extract(part.value, '$[0]') = ? ORDER BY stage
            """,
            [model.id, version]
        ).map { $0["stage"] }
    }

    /// The training set where there is one, else the service alone.
    private func addData(
        of version: ModelVersion,
        _ run: Run,
        to lineage: inout VersionLineage,
        _ versionNode: String,
        _ runNode: String,
        _ project: ProjectName
    ) throws {
        if let id = version.trainingSet {
            let node = run.trainingSet == id ? runNode : versionNode
            try add(id, to: &lineage, from: node, project)
        } else if let service = version.service {
            try add(service, to: &lineage, from: versionNode, project)
        }
    }

    /// The training set, and what it was made of.
    func add(
        _ id: TrainingSetID,
        to lineage: inout VersionLineage,
        from node: String,
        _ project: ProjectName
    ) throws {
        let set = try requireTrainingSet(id, in: project)
        lineage.logEntry = set.logEntry
        let setNode = lineage.graph.add(
            .trainingSet,
            id.text,
            title: id.text,
            from: node,
            [
                ("rows", String(set.rows)), ("digest", set.digest.description),
                ("spine", set.spineName), ("spine digest", set.spineDigest.description),
                ("label", set.label), ("made", "\(set.made)"), ("by", set.actor),
                ("rows blanked by deletion", set.blankedRows == 0 ? "" : "\(set.blankedRows)"),
                ("made again", try reproduction(of: id)?.state.rawValue ?? ""),
            ]
        )
        lineage.graph.add(
            .log,
            String(set.logEntry),
            title: "entry \(set.logEntry)",
            from: setNode,
            [("meaning", "every row up to it was seen, and none after it")]
        )
        try add(set.service, to: &lineage, from: setNode, project)
    }

    /// The service version and the views it reads, as published.
    private func add(
        _ service: FeatureServiceReference,
        to lineage: inout VersionLineage,
        from node: String,
        _ project: ProjectName
    ) throws {
        let serviceNode = lineage.graph.add(
            .service,
            service.description,
            title: service.description,
            from: node,
            []
        )
        let views = try rows(
            """
            SELECT view, view_name, entity.name AS entity_name, lookback, max_age,
                (SELECT count(*) FROM selection WHERE selection.service = projection.service
                    AND selection.version = projection.version
                    AND selection.projection = projection.position) AS features
            FROM projection JOIN service ON service.id = projection.service
            JOIN entity ON entity.id = projection.entity
            WHERE service.project = ? AND service.name = ? AND projection.version = ?
            ORDER BY projection.position
            """,
            [project.text, service.name.text, service.version]
        )
        for row in views {
            let spans: [Int64?] = [row["lookback"], row["max_age"]]
            let texts = spans.map { $0.map { "\(TimeSpan(microseconds: $0))" } ?? "" }
            let node = lineage.graph.add(
                .view,
                row["view_name"],
                title: row["view_name"],
                from: serviceNode,
                [
                    ("entity", row["entity_name"]), ("features", String(row["features"] as Int)),
                    ("look-back", texts[0]), ("max age", texts[1]),
                ]
            )
            let view: Int64 = row["view"]
            lineage.views.append((node, FeatureViewID(UInt32(clamping: view))))
        }
    }
}
