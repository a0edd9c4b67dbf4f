import Domain
import Foundation
import GRDB

extension RegistryTables {
    func trainingSets(
        reading condition: String,
        _ id: UInt32
    ) throws -> [TrainingSetRecord] {
        try rows(
            """
            SELECT * FROM training_set AS made WHERE deleted IS NULL AND EXISTS (
                SELECT 1 FROM projection JOIN service ON service.id = projection.service
                WHERE service.project = made.project AND service.name = made.service
                    AND projection.version = made.service_version AND \(condition))
            ORDER BY number
            """,
            [id]
        ).map(Self.trainingSet)
    }

    func replaceSpine(
        of id: TrainingSetID,
        with artifact: ContentDigest,
        blankedRows: UInt64
    ) throws {
        try execute(
            """
            UPDATE training_set SET spine_artifact = ?, blanked_rows = blanked_rows + ?
            WHERE id = ?
            """,
            [Data(artifact.bytes), Int64(clamping: blankedRows), id.text]
        )
        try execute("DELETE FROM training_set_profile WHERE training_set = ?", [id.text])
    }

    func discard(_ artifact: ContentDigest) throws {
        try execute("INSERT OR IGNORE INTO discarded_artifact VALUES (?)", [Data(artifact.bytes)])
    }

    func strikeDiscarded(_ artifact: ContentDigest) throws {
        try execute("DELETE FROM discarded_artifact WHERE digest = ?", [Data(artifact.bytes)])
    }

    func discarded() throws -> [ContentDigest] {
        try rows(
            """
            SELECT digest FROM discarded_artifact AS old
            WHERE NOT EXISTS (SELECT 1 FROM training_set
                    WHERE spine_artifact = old.digest AND deleted IS NULL)
                AND NOT EXISTS (SELECT 1 FROM run_item WHERE run_item.digest = old.digest)
                AND NOT EXISTS (SELECT 1 FROM directory_file WHERE directory_file.digest = old.digest)
                AND NOT EXISTS (SELECT 1 FROM version_artifact AS kept WHERE kept.digest = old.digest)
            ORDER BY digest
            """,
            []
        ).map { try Self.digest($0["digest"]) }
    }
}
