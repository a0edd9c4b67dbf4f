import Codec
package import Domain
import struct Foundation.Data
import GRDB

extension OfflineStore {
    /// What makes an import the same import: view, options and the digest of its source.
    package struct ImportDescriptor: Sendable, Hashable {
        package var view: FeatureViewID
        package var project: ProjectName
        /// For people.
        package var sourceName: String
        package var sourceDigest: ContentDigest
        /// Canonical text of all options that change what is imported.
        package var options: String
        package var begun: Timestamp

        package init(
            view: FeatureViewID,
            project: ProjectName,
            sourceName: String,
            sourceDigest: ContentDigest,
            options: String,
            begun: Timestamp
        ) {
            self.view = view
            self.project = project
            self.sourceName = sourceName
            self.sourceDigest = sourceDigest
            self.options = options
            self.begun = begun
        }
    }

    package enum ImportState: String, Sendable, Hashable {
        case staging
        case published
    }

    package struct ImportRecord: Sendable, Hashable {
        /// In the order in which they began.
        package var number: Int64
        package var id: String
        package var descriptor: ImportDescriptor
        package var rows: UInt64
        /// The chunk to go on from.
        package var nextChunk: UInt64
        /// The entry from which on the rows are in history; nil while they are staged.
        package var logEntry: UInt64?

        package var state: ImportState { logEntry == nil ? .staging : .published }
    }

    /// Begins an import.
    ///
    /// The same view, options and source answer the import that is already there, to be gone on
    /// with or published; with `again` only one that is not yet published.
    package func beginImport(
        _ descriptor: ImportDescriptor,
        again: Bool
    ) throws(AlulaError) -> ImportRecord {
        try write { db in
            let last = try OfflineStore.imports(
                db,
                where: "view = ? AND source_digest = ? AND options = ?",
                [
                    Int64(descriptor.view.number), Data(descriptor.sourceDigest.bytes),
                    descriptor.options,
                ]
            ).last
            if let last, !again || last.state == .staging { return last }
            let id = RecordID<ImportDescriptor>.random(prefix: "import").text
            try db.execute(
                sql: """
                    INSERT INTO import
                        (id, project, view, source_name, source_digest, options, begun)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    id, descriptor.project.text, Int64(descriptor.view.number),
                    descriptor.sourceName,
                    Data(descriptor.sourceDigest.bytes), descriptor.options,
                    descriptor.begun.microseconds,
                ]
            )
            return ImportRecord(
                number: db.lastInsertedRowID,
                id: id,
                descriptor: descriptor,
                rows: 0,
                nextChunk: 0,
                logEntry: nil
            )
        }
    }

    /// Stages the rows of one chunk, durably; no query sees them until the import is published.
    ///
    /// A chunk that is already there is skipped. Chunks come in their order; rows are numbered on
    /// from chunk to chunk.
    package func stage(
        importID: String,
        chunk: UInt64,
        rows: FeatureRows,
        layout: RowLayout
    ) throws(AlulaError) -> ImportRecord {
        let stager = try stager(importID: importID, layout: layout)
        try stager.add(chunk: chunk, rows: rows)
        try stager.flush()
        return stager.record
    }

    package func importRecord(id: String) throws(AlulaError) -> ImportRecord {
        try read { try OfflineStore.importRecord(id, $0) }
    }

    /// All imports of the project in the order in which they began.
    package func imports(project: ProjectName) throws(AlulaError) -> [ImportRecord] {
        try read { try OfflineStore.imports($0, where: "project = ?", [project.text]) }
    }

    static func importRecord(_ id: String, _ db: Database) throws -> ImportRecord {
        guard let record = try imports(db, where: "id = ?", [id]).last else {
            throw AlulaError.notFound(
                "there is no import \"\(String(id.prefix(64)))\"",
                help: "alula imports lists them"
            )
        }
        return record
    }

    static func imports(
        _ db: Database,
        where condition: String,
        _ arguments: StatementArguments
    ) throws -> [ImportRecord] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT number, id, project, view, source_name, source_digest, options, begun, rows,
                    next_chunk, log_entry
                FROM import WHERE \(condition) ORDER BY number
                """,
            arguments: arguments
        )
        return try rows.map { row in
            let view: Int64 = row["view"]
            let digest: Data = row["source_digest"]
            guard let digest = ContentDigest(bytes: Array(digest)), let view = UInt32(exactly: view)
            else {
                throw AlulaError.corrupt("an import's record cannot be read")
            }
            return ImportRecord(
                number: row["number"],
                id: row["id"],
                descriptor: ImportDescriptor(
                    view: FeatureViewID(view),
                    project: try ProjectName(row["project"], as: "project"),
                    sourceName: row["source_name"],
                    sourceDigest: digest,
                    options: row["options"],
                    begun: Timestamp(microseconds: row["begun"])
                ),
                rows: UInt64(row["rows"] as Int64),
                nextChunk: UInt64(row["next_chunk"] as Int64),
                logEntry: (row["log_entry"] as Int64?).map { UInt64($0) }
            )
        }
    }
}
