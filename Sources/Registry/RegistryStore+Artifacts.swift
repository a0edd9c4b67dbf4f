package import Domain
import Foundation
import GRDB

extension RegistryStore {
    /// Every artifact that a record names, with what names it, for people; in the order of the names.
    package func namedArtifacts() throws(AlulaError) -> [(digest: ContentDigest, name: String)] {
        try read { tables in
            try tables.rows(
                """
                SELECT spine_artifact AS digest, 'the spine of ' || id AS name FROM training_set
                UNION ALL
                SELECT digest, version_artifact.name || ' of ' || model.name || ' version ' || version
                FROM version_artifact JOIN model ON model.id = version_artifact.model
                ORDER BY name
                """,
                []
            ).map { (try RegistryTables.digest($0["digest"]), $0["name"]) }
        }
    }

    /// Whether any record names the artifact.
    package func isNamed(_ digest: ContentDigest) throws(AlulaError) -> Bool {
        try read { tables in
            try tables.row(
                """
                SELECT 1 WHERE EXISTS (SELECT 1 FROM training_set WHERE spine_artifact = :digest)
                    OR EXISTS (SELECT 1 FROM version_artifact WHERE digest = :digest)
                """,
                ["digest": Data(digest.bytes)]
            ) != nil
        }
    }

    /// Versions of models that were trained with any of these sets, such as `credit 2`.
    package func versions(
        trainedWith sets: [TrainingSetID]
    ) throws(AlulaError) -> [String] {
        try read { tables in
            var versions: [String] = []
            for set in sets {
                versions += try tables.rows(
                    """
                    SELECT model.name AS name, number FROM model_version
                    JOIN model ON model.id = model WHERE training_set = ? ORDER BY name, number
                    """,
                    [set.text]
                ).map { "\($0["name"] as String) \($0["number"] as Int64)" }
            }
            return versions
        }
    }
}
