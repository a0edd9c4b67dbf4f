package import Domain
import FoundationEssentials
import GRDB
package import Registry

/// A model of a project.
package struct ProjectModel: Sendable, Hashable {
    package var project: ProjectName
    package var model: RegisteredModelName
}

extension RegistryStore {
    /// The models whose versions have this artifact, so that whoever may see one of them may have
    /// it.
    package func models(holding digest: ContentDigest) throws(AlulaError) -> Set<ProjectModel> {
        try read { tables in
            let rows = try Row.fetchAll(
                tables.database,
                sql: """
                    SELECT DISTINCT model.project, model.name FROM version_artifact
                    JOIN model ON model.id = version_artifact.model
                    WHERE version_artifact.digest = :digest OR version_artifact.digest IN (
                        SELECT directory FROM directory_file WHERE digest = :digest)
                    """,
                arguments: ["digest": Data(digest.bytes)]
            )
            return Set(
                try rows.map { row in
                    ProjectModel(
                        project: try ProjectName(row["project"], as: "project"),
                        model: try RegisteredModelName(row["name"], as: "model")
                    )
                }
            )
        }
    }
}
