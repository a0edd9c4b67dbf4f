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
        var found: [UInt32: VersionParts] = [:]
        func parts(_ sql: String, _ take: (Row, inout VersionParts) throws -> Void) throws {
            try forEach(sql, range) { try take($0, &found[$0[0], default: VersionParts()]) }
        }
        try parts(
            """
            SELECT version, name, digest, bytes, directory FROM version_artifact \(within)
            ORDER BY version, position
            """
        ) { try $1.artifacts.append(Self.artifact($0)) }
        try parts(
            """
            SELECT version, name, data_set, step, time, bits FROM version_metric \(within)
            ORDER BY version, name, data_set
            """
        ) { try $1.metrics.append(Self.metric($0, from: 1)) }
        try parts("SELECT version, key, value FROM version_param \(within)") {
            $1.params[$0[1]] = $0[2] as String
        }
        try parts("SELECT version, key, value FROM version_tag \(within)") {
            $1.tags[$0[1]] = $0[2] as String
        }
        return try rows.map { row in
            try version(row, of: model, found[row["number"]] ?? VersionParts())
        }
    }

    private struct VersionParts {
        var artifacts: [ModelVersion.Artifact] = []
        var params: [String: String] = [:]
        var metrics: [Metric] = []
        var tags: [String: String] = [:]
    }

    private static func artifact(_ row: Row) throws -> ModelVersion.Artifact {
        ModelVersion.Artifact(
            name: row[1],
            digest: try digest(row[2]),
            bytes: UInt64(row[3] as Int64),
            isDirectory: row[4]
        )
    }

    private func version(
        _ row: Row,
        of model: ModelRow,
        _ parts: VersionParts
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
            artifacts: parts.artifacts,
            params: parts.params,
            metrics: parts.metrics,
            codeRevision: row["code_revision"],
            description: row["description"],
            tags: parts.tags,
            registered: Timestamp(microseconds: row["registered"]),
            actor: row["actor"]
        )
    }
}
