package import Domain
import GRDB

extension RegistryStore {
    /// What a run read and made, and the versions that were registered from it, of these models or
    /// of all.
    package func lineage(
        ofRun id: RunID,
        models: Set<RegisteredModelName>?,
        project: ProjectName
    ) throws(AlulaError) -> VersionLineage {
        try read { tables in
            let run = try tables.run(id, in: project)
            var lineage = VersionLineage()
            let node = tables.add(run, to: &lineage.graph, from: nil)
            if let set = run.trainingSet {
                try tables.add(set, to: &lineage, from: node, project)
            }
            try tables.addVersions(of: run, to: &lineage.graph, node, models)
            return lineage
        }
    }
}

extension RegistryTables {
    /// The run with what it read below it, and what it made above.
    ///
    /// - Returns: its node.
    func add(_ run: Run, to graph: inout Lineage, from version: String?) -> String {
        let node = graph.add(
            .run,
            run.id.text,
            title: run.name.isEmpty ? run.id.text : run.name,
            from: version,
            [
                ("experiment", run.experiment.text), ("status", run.status.rawValue),
                ("started", "\(run.started)"), ("by", run.actor),
                ("code revision", run.codeRevision),
            ]
        )
        for item in run.inputs { graph.link(node, add(item, to: &graph)) }
        for item in run.outputs { graph.link(add(item, to: &graph), node) }
        return node
    }

    private func add(_ item: RunItem, to graph: inout Lineage) -> String {
        let (kind, key, title): (Lineage.Kind, String, String) =
            switch item.kind {
            case .artifact:
                (
                    .artifact, "\(item.target)/\(item.name)",
                    item.name.isEmpty ? item.target : item.name
                )
            case .trainingSet: (.trainingSet, item.target, item.target)
            case .version:
                (
                    .version, item.target.split(separator: "@").joined(separator: "/"),
                    item.target.split(separator: "@").joined(separator: " version ")
                )
            case .view: (.view, item.target, item.target)
            case .uri: (.uri, item.target, item.target)
            }
        return graph.add(
            kind,
            key,
            title: title,
            [
                ("bytes", item.bytes == 0 ? "" : String(item.bytes)),
                ("sha256", item.kind == .artifact ? item.target : ""),
                ("as", item.kind == .artifact ? "" : item.name),
            ]
        )
    }

    /// The versions that were registered from the run, and the stages that they are in.
    fileprivate func addVersions(
        of run: Run,
        to graph: inout Lineage,
        _ node: String,
        _ models: Set<RegisteredModelName>?
    ) throws {
        let rows = try rows(
            """
            SELECT m.name AS name, v.number AS number, v.stage AS stage FROM model_version v
            JOIN model m ON m.id = v.model WHERE v.run = ? AND v.deleted IS NULL
            ORDER BY m.name, v.number
            """,
            [run.id.text]
        )
        for row in rows {
            let name = try RegisteredModelName(row["name"], as: "model")
            guard models?.contains(name) ?? true else { continue }
            let number: UInt32 = row["number"]
            let stage = try Stage(text: row["stage"])
            let version = graph.add(
                .version,
                "\(name)/\(number)",
                title: "\(name) version \(number)",
                [("stage", stage.text)]
            )
            graph.link(version, node)
            guard stage.hasHolder else { continue }
            graph.link(graph.add(.stage, "\(name)/\(stage)", title: stage.text), version)
        }
    }
}
