package import Domain
import Foundation
import GRDB

/// Who refers to a record, and how it goes.
extension RegistryTables {
    /// So many holders are named.
    private static let named = 20

    func holders(of row: RunRow, _ run: Run) throws -> [String] {
        var holders: [String] = []
        if row.status == .running { holders.append("it is running: end it first") }
        return holders
            + (try versions(where: "v.run = ?", [run.id.text]).map {
                "\($0) was registered from it"
            })
    }

    func holders(of set: TrainingSetRecord) throws -> [String] {
        let id = set.id.text
        let versions = try versions(where: "v.training_set = ?", [id])
            .map { "\($0) was trained with it" }
        let runs = try rows(
            "SELECT id FROM run WHERE training_set = ? AND deleted IS NULL ORDER BY number LIMIT ?",
            [id, Self.named]
        ).map { "run \($0["id"] as String) used it" }
        let monitors = try rows(
            """
            SELECT name, max(version), retired FROM monitor
            WHERE json_extract(definition, '$.against') = ? AND project = ? GROUP BY name
            """,
            [id, set.project.text]
        ).filter { ($0["retired"] as Bool) == false }
            .map { "monitor \($0["name"] as String) compares with it" }
        return versions + runs + (try items(.trainingSet, id, in: set.project)) + monitors
    }

    func holders(of version: ModelVersion, in model: ModelRow) throws -> [String] {
        let key: StatementArguments = [model.id, version.number]
        let stages = try rows(
            "SELECT stage FROM stage_tenure WHERE model = ? AND version = ? AND until IS NULL",
            key
        ).map { "it is in \($0["stage"] as String)" }
        let shadows = try shadows(of: model).filter { $0.version == version.number }
            .map { "it is the shadow of \($0.stage)" }
        let memories = try remembering(version.number, of: model)
            .map { "a rollback of \($0) returns to it" }
        let aliases = try rows(
            "SELECT name FROM model_alias WHERE model = ? AND version = ? ORDER BY name",
            key
        ).map { "alias \($0["name"] as String) points to it" }
        let target = "\(model.name)@\(version.number)"
        let runs = try items(.version, target, in: model.project)
        return stages + shadows + memories + aliases + runs
    }

    /// Versions such as `credit version 3`.
    private func versions(
        where condition: String,
        _ arguments: StatementArguments
    ) throws -> [String] {
        try rows(
            """
            SELECT m.name AS name, v.number AS number FROM model_version v
            JOIN model m ON m.id = v.model WHERE \(condition) AND v.deleted IS NULL
            ORDER BY m.name, v.number LIMIT \(Self.named)
            """,
            arguments
        ).map { "\($0["name"] as String) version \($0["number"] as Int64)" }
    }

    private func items(
        _ kind: RunItem.Kind,
        _ target: String,
        in project: ProjectName
    ) throws -> [String] {
        try rows(
            """
            SELECT run.id AS id, direction FROM run_item JOIN run ON run.number = run_item.run
            WHERE kind = ? AND target = ? AND project = ? ORDER BY run.number LIMIT ?
            """,
            [kind.rawValue, target, project.text, Self.named]
        ).map { "it is an \($0["direction"] as String) of run \($0["id"] as String)" }
    }

    func isNamed(_ digest: ContentDigest) throws -> Bool {
        try row(
            "SELECT 1 FROM (\(RegistryStore.names)) WHERE digest = ? LIMIT 1",
            [Data(digest.bytes)]
        ) != nil
    }
}

/// What hangs on services that cannot be read any more.
extension RegistryTables {
    private static let listed = 1_000

    /// Their training sets, which cannot be made again, and versions, which cannot be served; for
    /// people, at most a thousand of either.
    package func dependents(
        on services: [FeatureServiceReference],
        in project: ProjectName
    ) throws -> [String] {
        var lines: [String] = []
        for service in services {
            let key: StatementArguments = [project.text, service.name.text, service.version]
            let sets = try rows(
                """
                SELECT id FROM training_set WHERE project = ? AND service = ?
                    AND service_version = ? AND deleted IS NULL ORDER BY number
                """,
                key
            ).map { "training set \($0["id"] as String) of \(service): cannot be made again" }
            let versions = try rows(
                """
                SELECT m.name AS name, v.number AS number FROM model_version v
                JOIN model m ON m.id = v.model WHERE m.project = ? AND v.service = ?
                    AND v.service_version = ? AND v.deleted IS NULL ORDER BY m.name, v.number
                """,
                key
            ).map {
                "\($0["name"] as String) version \($0["number"] as Int64) of \(service): cannot be "
                    + "served or reproduced"
            }
            lines += sets + versions
        }
        guard lines.count > Self.listed else { return lines }
        return lines.prefix(Self.listed) + ["and \(lines.count - Self.listed) more"]
    }

    /// What was found out of training sets that cannot be made again holds no longer.
    package func forgetReproductions(
        of services: [FeatureServiceReference],
        in project: ProjectName
    ) throws {
        for service in services {
            try execute(
                """
                DELETE FROM reproduction WHERE training_set IN (SELECT id FROM training_set
                    WHERE project = ? AND service = ? AND service_version = ?)
                """,
                [project.text, service.name.text, service.version]
            )
        }
    }
}

/// Each answers the artifacts that were named.
extension RegistryTables {
    func delete(_ run: RunRow, at time: Timestamp) throws -> [ContentDigest] {
        let digests = try rows(
            "SELECT digest FROM run_item WHERE run = ? AND digest IS NOT NULL",
            [run.number]
        ).map { try Self.digest($0["digest"]) }
        try execute(
            "DELETE FROM metric_point WHERE series IN (SELECT id FROM run_series WHERE run = ?)",
            [run.number]
        )
        for table in ["run_series", "run_param", "run_tag", "run_environment", "run_item"] {
            try execute("DELETE FROM \(table) WHERE run = ?", [run.number])
        }
        try execute(
            "UPDATE run SET deleted = ?, name = '' WHERE number = ?",
            [time.microseconds, run.number]
        )
        return try digests + forgetDirectories(digests)
    }

    /// Its spine goes as soon as nothing else names it.
    func delete(_ set: TrainingSetRecord, at time: Timestamp) throws -> [ContentDigest] {
        let id = set.id.text
        try execute("DELETE FROM reproduction WHERE training_set = ?", [id])
        try execute("DELETE FROM training_set_profile WHERE training_set = ?", [id])
        try execute(
            "UPDATE training_set SET deleted = ? WHERE id = ?",
            [time.microseconds, id]
        )
        try discard(set.spineArtifact)
        return [set.spineArtifact]
    }

    func delete(
        _ version: ModelVersion,
        of model: ModelRow,
        at time: Timestamp
    ) throws -> [ContentDigest] {
        for table in ["version_artifact", "version_param", "version_tag", "version_metric"] {
            try execute(
                "DELETE FROM \(table) WHERE model = ? AND version = ?",
                [model.id, version.number]
            )
        }
        try execute(
            "UPDATE model_version SET deleted = ? WHERE model = ? AND number = ?",
            [time.microseconds, model.id, version.number]
        )
        let digests = version.artifacts.map(\.digest)
        return try digests + forgetDirectories(digests)
    }

    /// The files of directories that no record names any more.
    private func forgetDirectories(_ digests: [ContentDigest]) throws -> [ContentDigest] {
        var files: [ContentDigest] = []
        for digest in Set(digests) where try !isNamed(digest) {
            files += try self.files(of: digest).map(\.digest)
            try execute(
                "DELETE FROM directory_file WHERE directory = ?",
                [Data(digest.bytes)]
            )
        }
        return files
    }
}
