package import Domain
import Foundation
import GRDB

/// The row of a model.
package struct ModelRow: Sendable {
    let id: Int64
    package let project: ProjectName
    package let name: RegisteredModelName
    package let revision: UInt64

    /// Throws `aborted` where another revision is expected than the model has.
    package func require(_ expected: UInt64?) throws(AlulaError) {
        guard let expected, expected != revision else { return }
        throw AlulaError(
            .aborted,
            "model \(name) is at revision \(revision), not \(expected): it has changed since it was "
                + "read"
        )
    }
}

extension RegistryTables {
    func model(_ name: RegisteredModelName, in project: ProjectName) throws -> ModelRow? {
        try row(
            "SELECT id, revision FROM model WHERE project = ? AND name = ?",
            [project.text, name.text]
        ).map {
            ModelRow(
                id: $0["id"],
                project: project,
                name: name,
                revision: UInt64($0["revision"] as Int64)
            )
        }
    }

    package func requireModel(
        _ name: RegisteredModelName,
        in project: ProjectName
    ) throws -> ModelRow {
        guard let model = try model(name, in: project) else {
            let known = try String.fetchAll(
                database,
                sql: "SELECT name FROM model WHERE project = ?",
                arguments: [project.text]
            )
            throw AlulaError.notFound(
                "there is no model \"\(name)\" in project \(project)"
                    + hint(name.text, among: known)
            )
        }
        return model
    }

    func makeModel(_ name: RegisteredModelName, in project: ProjectName) throws -> ModelRow {
        try execute(
            "INSERT OR IGNORE INTO model (project, name, revision) VALUES (?, ?, 0)",
            [project.text, name.text]
        )
        return try requireModel(name, in: project)
    }

    func raiseRevision(of model: ModelRow) throws {
        modelsChanged()
        try execute("UPDATE model SET revision = revision + 1 WHERE id = ?", [model.id])
    }

    func newestVersion(of model: ModelRow) throws -> UInt32 {
        try UInt32.fetchOne(
            database,
            sql: "SELECT ifnull(max(number), 0) FROM model_version WHERE model = ?",
            arguments: [model.id]
        ) ?? 0
    }

    func models(_ project: ProjectName) throws -> [RegisteredModel] {
        try rows(
            "SELECT name FROM model WHERE project = ? ORDER BY name",
            [project.text]
        ).map { row in
            let model = try requireModel(
                try RegisteredModelName(row["name"], as: "model"),
                in: project
            )
            return RegisteredModel(
                name: model.name,
                revision: model.revision,
                newestVersion: try newestVersion(of: model),
                holders: try holders(of: model),
                aliases: try aliases(of: model),
                stages: try definedStages(of: model),
                shadows: try shadows(of: model)
            )
        }
    }
}

/// Versions.
extension RegistryTables {
    func insert(_ version: ModelVersion, of model: ModelRow) throws {
        try execute(
            "INSERT INTO model_version VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            [
                model.id, version.number, version.stage.text, version.run.text,
                version.trainingSet?.text, version.service?.name.text, version.service?.version,
                version.codeRevision, version.description, version.registered.microseconds,
                version.actor,
            ]
        )
        for (position, artifact) in version.artifacts.enumerated() {
            try execute(
                "INSERT INTO version_artifact VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    model.id, version.number, position, artifact.name, Data(artifact.digest.bytes),
                    Int64(clamping: artifact.bytes), artifact.isDirectory,
                ]
            )
        }
        for (key, value) in version.params {
            try execute(
                "INSERT INTO version_param VALUES (?, ?, ?, ?)",
                [model.id, version.number, key, value]
            )
        }
        for (key, value) in version.tags {
            try execute(
                "INSERT INTO version_tag VALUES (?, ?, ?, ?)",
                [model.id, version.number, key, value]
            )
        }
        for metric in version.metrics {
            try execute(
                "INSERT INTO version_metric VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    model.id, version.number, metric.name.text, metric.step,
                    metric.time.microseconds, Int64(bitPattern: metric.value.bitPattern),
                    metric.dataSet,
                ]
            )
        }
    }

    package func requireVersion(_ number: UInt32, of model: ModelRow) throws -> ModelVersion {
        let row = try row(
            "SELECT * FROM model_version WHERE model = ? AND number = ?",
            [model.id, number]
        )
        guard let row, row["deleted"] == nil else { throw try noVersion(number, of: model) }
        return try versions([row], of: model)[0]
    }

    func noVersion(_ number: UInt32, of model: ModelRow) throws -> AlulaError {
        let row = try row(
            "SELECT deleted FROM model_version WHERE model = ? AND number = ?",
            [model.id, number]
        )
        if let deleted: Int64 = row?["deleted"] {
            return .notFound(
                "version \(number) of \(model.name) was deleted at "
                    + "\(Timestamp(microseconds: deleted))"
            )
        }
        let newest = try newestVersion(of: model)
        return .notFound(
            "model \(model.name) has no version \(number): "
                + (newest == 0 ? "none is registered" : "the newest is \(newest)")
        )
    }

    func versionExists(_ number: UInt32, of model: ModelRow) throws -> Bool {
        try row(
            "SELECT 1 FROM model_version WHERE model = ? AND number = ? AND deleted IS NULL",
            [model.id, number]
        ) != nil
    }

    func service(of number: UInt32, in model: ModelRow) throws -> FeatureServiceReference? {
        let row = try row(
            "SELECT service, service_version FROM model_version WHERE model = ? AND number = ?",
            [model.id, number]
        )
        guard let row, let name: String = row["service"] else { return nil }
        return FeatureServiceReference(
            name: try FeatureServiceName(name, as: "service"),
            version: row["service_version"]
        )
    }
}
