package import Domain
import Artifacts
import Codec

extension TrainingSets {
    /// Writes the kept spine of a set anew, with every row blanked that is about this key of the
    /// entity, in whichever role: all columns of such a row become null, and the order stays.
    ///
    /// The memory it takes is that of a page. Nil where no row is about the key: also when done
    /// again with the spine that it wrote.
    package func blankSpine(
        of record: TrainingSetRecord,
        plan: FeaturePlan,
        entity: EntityID,
        key: EntityKey
    ) throws -> (artifact: ContentDigest, rows: UInt64)? {
        let finder = KeyFinder(plan, entity: entity, key: key)
        let found = try count(record.spineArtifact, finder)
        guard found > 0 else { return nil }
        return (try blank(record.spineArtifact, finder), found)
    }

    /// How many rows of the kept spine of a set are about this key of the entity, in whichever role.
    package func countSpineRows(
        of record: TrainingSetRecord,
        plan: FeaturePlan,
        entity: EntityID,
        key: EntityKey
    ) throws -> UInt64 {
        try count(record.spineArtifact, KeyFinder(plan, entity: entity, key: key))
    }

    private func count(_ spine: ContentDigest, _ finder: KeyFinder) throws -> UInt64 {
        guard !finder.mappings.isEmpty else { return 0 }
        var found: UInt64 = 0
        var start = 0
        try SpineFileReader.read(spine, in: artifacts) { page in
            found += UInt64(try finder.rows(of: page, firstRow: start).count)
            start += page.rowCount
        }
        return found
    }

    private func blank(_ spine: ContentDigest, _ finder: KeyFinder) throws -> ContentDigest {
        var writer: SpineFileWriter?
        var start = 0
        try SpineFileReader.read(spine, in: artifacts) { page in
            let file =
                try writer ?? SpineFileWriter(try artifacts.writer(), schema: page.schema)
            writer = file
            let rows = try finder.rows(of: page, firstRow: start)
            try file.append(rows.isEmpty ? page : page.blanking(Set(rows)))
            start += page.rowCount
        }
        guard let writer else { throw AlulaError.corrupt("a kept spine has no columns") }
        return try writer.finish(rows: start)
    }
}

/// Finds the rows of a spine that are about one key.
private struct KeyFinder {
    /// For each role the columns that hold the key's parts.
    let mappings: [[FeatureService.KeyColumn]]
    /// Canonical bytes.
    let key: [UInt8]

    init(_ plan: FeaturePlan, entity: EntityID, key: EntityKey) {
        var mappings: [[FeatureService.KeyColumn]] = []
        for part in plan.views
        where part.view.entity.id == entity && !mappings.contains(part.keyColumns) {
            mappings.append(part.keyColumns)
        }
        self.mappings = mappings
        self.key = KeyCodec.encode(key)
    }

    /// Ascending, each once.
    func rows(of page: RecordBatch, firstRow: Int) throws -> [Int] {
        var isFound = [Bool](repeating: false, count: page.rowCount)
        for mapping in mappings {
            let columns = try mapping.map { key in
                guard let index = page.schema.index(of: key.name.text) else {
                    throw AlulaError.corrupt("a kept spine has no column \"\(key.name)\"")
                }
                return try SpineKey.column(page.columns[index], as: key, firstRow: firstRow)
            }
            for row in 0..<page.rowCount
            where columns.allSatisfy({ $0.isValid(row) }) && !isFound[row] {
                isFound[row] = KeyCodec.encode(columns, row: row) == key
            }
        }
        return isFound.indices.filter { isFound[$0] }
    }
}

extension RecordBatch {
    /// The same with null in every column of these rows.
    fileprivate func blanking(_ rows: Set<Int>) -> RecordBatch {
        let columns = columns.map { column in
            var builder = ColumnBuilder(column.type, reservingRows: rowCount)
            for row in 0..<rowCount {
                if rows.contains(row) {
                    builder.appendNull()
                } else {
                    builder.append(row: row, of: column)
                }
            }
            return builder.finish()
        }
        return RecordBatch(schema: schema, columns: columns, rowCount: rowCount)
    }
}
