package import Domain
import Artifacts
import Codec

extension TrainingSets {
    /// Hands the keys of an entity in the kept spine of a set to the body, in canonical bytes, in whichever
    /// role; a key may come more than once.
    package func forEachSpineKey(
        of record: TrainingSetRecord,
        plan: FeaturePlan,
        entity: EntityID,
        _ body: ([UInt8]) -> Void
    ) throws {
        let mappings = Set(plan.views.filter { $0.view.entity.id == entity }.map(\.keyColumns))
        var start = 0
        try SpineFileReader.read(record.spineArtifact, in: artifacts) { page in
            for mapping in mappings {
                let columns = try mapping.map { key in
                    guard let index = page.schema.index(of: key.name.text) else {
                        throw AlulaError.corrupt("a kept spine has no column \"\(key.name)\"")
                    }
                    return try SpineKey.column(page.columns[index], as: key, firstRow: start)
                }
                for row in 0..<page.rowCount where columns.allSatisfy({ $0.isValid(row) }) {
                    body(KeyCodec.encode(columns, row: row))
                }
            }
            start += page.rowCount
        }
    }
}
