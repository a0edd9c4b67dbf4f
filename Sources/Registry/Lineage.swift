package import Domain
import GRDB

/// What a version was made of, back to the views and the log, and what it became.
package struct Lineage: Sendable, Hashable {
    package struct Fact: Sendable, Hashable {
        package var key: String
        package var value: String
    }

    package struct Node: Sendable, Hashable {
        /// Unique in the lineage: `run:run-…`.
        package var id: String
        /// One of stage, version, run, training set, service, view, artifact, log.
        package var kind: String
        package var title: String
        package var facts: [Fact]
    }

    package struct Edge: Sendable, Hashable {
        package var from: String
        package var to: String
    }

    /// The version first.
    package private(set) var nodes: [Node] = []
    /// From what was made to what it was made of.
    package private(set) var edges: [Edge] = []

    /// Adds a node where it is not there, and an edge to it.
    mutating func add(
        _ kind: String,
        _ key: String,
        title: String,
        from: String?,
        _ facts: [(String, String)]
    ) -> String {
        let id = "\(kind):\(key)"
        if !nodes.contains(where: { $0.id == id }) {
            let told = facts.filter { !$0.1.isEmpty }.map { Fact(key: $0.0, value: $0.1) }
            nodes.append(Node(id: id, kind: kind, title: title, facts: told))
        }
        if let from { link(from, id) }
        return id
    }

    mutating func link(_ from: String, _ to: String) {
        let edge = Edge(from: from, to: to)
        if !edges.contains(edge) { edges.append(edge) }
    }
}

extension RegistryStore {
    package func lineage(
        of number: UInt32,
        model name: RegisteredModelName,
        project: ProjectName
    ) throws(AlulaError) -> Lineage {
        try read { tables in
            let model = try tables.requireModel(name, in: project)
            let version = try tables.requireVersion(number, of: model)
            return try tables.lineage(of: version, in: model, project)
        }
    }
}

extension RegistryTables {
    fileprivate func lineage(
        of version: ModelVersion,
        in model: ModelRow,
        _ project: ProjectName
    ) throws -> Lineage {
        var lineage = Lineage()
        let node = lineage.add(
            "version",
            "\(version.model)/\(version.number)",
            title: "\(version.model) version \(version.number)",
            from: nil,
            [
                ("stage", version.stage.text), ("registered", "\(version.registered)"),
                ("by", version.actor), ("code revision", version.codeRevision),
                ("description", version.description),
            ]
        )
        let seat = try self.seat(of: version.stage, in: model)
        if let held = seat.holders.first(where: { $0.version == version.number }) {
            let stage = lineage.add(
                "stage",
                version.stage.text,
                title: version.stage.text,
                from: nil,
                [
                    ("since", "\(held.since)"),
                    ("previous", seat.previous.map { "version \($0)" } ?? ""),
                ]
            )
            lineage.link(stage, node)
        }
        for artifact in version.artifacts {
            _ = lineage.add(
                "artifact",
                "\(artifact.digest)/\(artifact.name)",
                title: artifact.name,
                from: node,
                [("bytes", String(artifact.bytes)), ("sha256", artifact.digest.description)]
            )
        }
        let run = try self.run(try requireRun(version.run, in: project), history: false)
        let runNode = lineage.add(
            "run",
            run.id.text,
            title: run.name.isEmpty ? run.id.text : run.name,
            from: node,
            [
                ("experiment", run.experiment.text), ("status", run.status.rawValue),
                ("started", "\(run.started)"), ("by", run.actor),
                ("code revision", run.codeRevision),
            ]
        )
        try addData(of: version, run, to: &lineage, node, runNode, project)
        return lineage
    }

    /// The training set where there is one, else the service alone.
    private func addData(
        of version: ModelVersion,
        _ run: Run,
        to lineage: inout Lineage,
        _ versionNode: String,
        _ runNode: String,
        _ project: ProjectName
    ) throws {
        guard let id = version.trainingSet else {
            if let service = version.service {
                try add(service, to: &lineage, from: versionNode, project)
            }
            return
        }
        let set = try requireTrainingSet(id, in: project)
        let setNode = lineage.add(
            "training set",
            id.text,
            title: id.text,
            from: run.trainingSet == id ? runNode : versionNode,
            [
                ("rows", String(set.rows)), ("digest", set.digest.description),
                ("spine", set.spineName), ("spine digest", set.spineDigest.description),
                ("label", set.label), ("made", "\(set.made)"), ("by", set.actor),
            ]
        )
        _ = lineage.add(
            "log",
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
        to lineage: inout Lineage,
        from node: String,
        _ project: ProjectName
    ) throws {
        let serviceNode = lineage.add(
            "service",
            service.description,
            title: service.description,
            from: node,
            []
        )
        let views = try rows(
            """
            SELECT view_name, entity.name AS entity_name, lookback, max_age,
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
            _ = lineage.add(
                "view",
                row["view_name"],
                title: row["view_name"],
                from: serviceNode,
                [
                    ("entity", row["entity_name"]), ("features", String(row["features"] as Int)),
                    ("look-back", texts[0]), ("max age", texts[1]),
                ]
            )
        }
    }
}
