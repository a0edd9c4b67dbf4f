import Domain
import GRDB

/// Versions from their tables, as many at once as are asked for.
extension RegistryTables {
    /// The newest first, from before this number on.
    func versions(of model: ModelRow, before number: Int64, limit: Int) throws -> [ModelVersion] {
        try versions(
            try rows(
                """
                SELECT * FROM model_version
                WHERE model = ? AND number < ? AND deleted IS NULL
                ORDER BY number DESC LIMIT ?
                """,
                [model.id, number, limit]
            ),
            of: model
        )
    }

    func version(_ row: Row, of model: ModelRow) throws -> ModelVersion {
        try versions([row], of: model)[0]
    }

    /// The versions of these rows, in their order.
    func versions(_ rows: [Row], of model: ModelRow) throws -> [ModelVersion] {
        let numbers = rows.map { $0["number"] as UInt32 }
        guard let least = numbers.min(), let greatest = numbers.max() else { return [] }
        // What is between them and not asked for is read in vain, which pays where they lie close.
        if rows.count > 1, Int(greatest - least) > 4 * rows.count {
            return try rows.map { try version($0, of: model) }
        }
        let range: StatementArguments = [model.id, least, greatest]
        let within = "WHERE model = ? AND version BETWEEN ? AND ?"
        let artifacts = try group(
            "SELECT * FROM version_artifact \(within) ORDER BY version, position",
            range
        )
        let metrics = try group(
            "SELECT * FROM version_metric \(within) ORDER BY version, name, data_set",
            range
        )
        let params = try group("SELECT version, key, value FROM version_param \(within)", range)
        let tags = try group("SELECT version, key, value FROM version_tag \(within)", range)
        return try rows.map { row in
            let number: UInt32 = row["number"]
            return try version(
                row,
                of: model,
                artifacts: (artifacts[number] ?? []).map(Self.artifact),
                params: Self.pairs(params[number] ?? []),
                metrics: (metrics[number] ?? []).map(Self.metric),
                tags: Self.pairs(tags[number] ?? [])
            )
        }
    }

    private func group(
        _ sql: String,
        _ range: StatementArguments
    ) throws -> [UInt32: [Row]] {
        Dictionary(grouping: try rows(sql, range)) { $0["version"] as UInt32 }
    }

    private static func pairs(_ rows: [Row]) -> [String: String] {
        Dictionary(
            rows.map { ($0["key"] as String, $0["value"] as String) },
            uniquingKeysWith: { _, last in last }
        )
    }

    private static func artifact(_ row: Row) throws -> ModelVersion.Artifact {
        ModelVersion.Artifact(
            name: row["name"],
            digest: try digest(row["digest"]),
            bytes: UInt64(row["bytes"] as Int64),
            isDirectory: row["directory"]
        )
    }

    private func version(
        _ row: Row,
        of model: ModelRow,
        artifacts: [ModelVersion.Artifact],
        params: [String: String],
        metrics: [Metric],
        tags: [String: String]
    ) throws -> ModelVersion {
        let (set, service): (String?, String?) = (row["training_set"], row["service"])
        return ModelVersion(
            model: model.name,
            number: row["number"],
            stage: try Stage(text: row["stage"]),
            run: try RunID(row["run"], as: "run"),
            trainingSet: try set.map { try TrainingSetID($0, as: "training set") },
            service: try service.map {
                FeatureServiceReference(
                    name: try FeatureServiceName($0, as: "service"),
                    version: row["service_version"]
                )
            },
            artifacts: artifacts,
            params: params,
            metrics: metrics,
            codeRevision: row["code_revision"],
            description: row["description"],
            tags: tags,
            registered: Timestamp(microseconds: row["registered"]),
            actor: row["actor"]
        )
    }
}
