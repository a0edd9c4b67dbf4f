package import Domain
import Foundation
import GRDB

/// What is kept of a training set beside the columns that are searched.
private struct StoredDetail: Codable {
    struct Field: Codable {
        var name: String
        var type: String
    }

    struct Report: Codable {
        var label: String
        var view: String
        var matched: UInt64
        var expired: UInt64
        var notFound: UInt64
        var nullKeys: UInt64
        var late: UInt64
        var unknown: UInt64
        var oldestEvent: Int64?
        var newestEvent: Int64?
    }

    var schema: [Field]
    var eventTimeColumn: String
    var label: String
    var asKnown: Bool
    var keepUnknown: Bool
    var reports: [Report]
    var featureColumns: [String]
    var spineName: String
    var servedModel: String?
}

extension RegistryTables {
    func insert(_ record: TrainingSetRecord) throws {
        let detail = StoredDetail(
            schema: record.schema.fields.map { .init(name: $0.name, type: $0.type.description) },
            eventTimeColumn: record.eventTimeColumn,
            label: record.label,
            asKnown: record.asKnown,
            keepUnknown: record.keepUnknown,
            reports: record.reports.map(Self.stored),
            featureColumns: record.featureColumns,
            spineName: record.spineName,
            servedModel: record.servedModel.isEmpty ? nil : record.servedModel
        )
        try execute(
            """
            INSERT INTO training_set (id, project, service, service_version, log_entry, digest,
                spine_digest, spine_artifact, row_count, made, actor, detail, blanked_rows)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                record.id.text, record.project.text, record.service.name.text,
                record.service.version ?? 0, Int64(clamping: record.logEntry),
                Data(record.digest.bytes), Data(record.spineDigest.bytes),
                Data(record.spineArtifact.bytes), Int64(clamping: record.rows),
                record.made.microseconds, record.actor, try Self.json(detail),
                Int64(clamping: record.blankedRows),
            ]
        )
    }

    func insert(_ profile: [UInt8], of id: TrainingSetID) throws {
        try execute("INSERT INTO training_set_profile VALUES (?, ?)", [id.text, Data(profile)])
    }

    func profile(of id: TrainingSetID) throws -> [UInt8]? {
        try row("SELECT profile FROM training_set_profile WHERE training_set = ?", [id.text])
            .map { Array($0["profile"] as Data) }
    }

    package func trainingSet(_ id: TrainingSetID) throws -> TrainingSetRecord? {
        try row("SELECT * FROM training_set WHERE id = ? AND deleted IS NULL", [id.text])
            .map(Self.trainingSet)
    }

    /// The newest first, from before this number on; a limit of -1 is none.
    func trainingSets(
        _ project: ProjectName,
        before number: Int64,
        limit: Int
    ) throws -> [(number: Int64, item: TrainingSetRecord)] {
        try rows(
            """
            SELECT * FROM training_set WHERE project = ? AND number < ? AND deleted IS NULL
            ORDER BY number DESC LIMIT ?
            """,
            [project.text, number, limit]
        ).map { ($0["number"], try Self.trainingSet($0)) }
    }

    @discardableResult
    func requireTrainingSet(
        _ id: TrainingSetID,
        in project: ProjectName
    ) throws -> TrainingSetRecord {
        guard let record = try trainingSet(id), record.project == project else {
            throw AlulaError.notFound(
                "there is no training set \(id) in project \(project)",
                help: "list them: alula training-set list"
            )
        }
        return record
    }

    /// The published version of this reference, always with its number: the newest where none is
    /// named; one that was dropped is none.
    func requireService(
        _ reference: FeatureServiceReference,
        in project: ProjectName
    ) throws -> FeatureServiceReference {
        let newest = try UInt32.fetchOne(
            database,
            sql: """
                SELECT max(version) FROM service_version JOIN service ON service.id = service
                WHERE project = ? AND name = ?
                """,
            arguments: [project.text, reference.name.text]
        )
        let dropped = try UInt32.fetchOne(
            database,
            sql: "SELECT dropped_through FROM service WHERE project = ? AND name = ?",
            arguments: [project.text, reference.name.text]
        )
        if let newest, let dropped, (reference.version ?? newest) <= dropped {
            throw AlulaError.refused("service \(reference) was dropped")
        }
        guard let newest else {
            throw AlulaError.notFound(
                "there is no service \"\(reference.name)\" in project \(project)",
                help: "list them: alula services"
            )
        }
        let version = reference.version ?? newest
        guard (1...newest).contains(version) else {
            throw AlulaError.notFound(
                "service \(reference.name) has no version \(version): the newest is \(newest)"
            )
        }
        return FeatureServiceReference(name: reference.name, version: version)
    }

    static func trainingSet(_ row: Row) throws -> TrainingSetRecord {
        let detail: StoredDetail
        do {
            detail = try JSONDecoder().decode(StoredDetail.self, from: row["detail"])
        } catch {
            throw AlulaError.corrupt("the record of training set \(row["id"] as String) is damaged")
        }
        return TrainingSetRecord(
            id: try TrainingSetID(row["id"], as: "training set"),
            project: try ProjectName(row["project"], as: "project"),
            service: FeatureServiceReference(
                name: try FeatureServiceName(row["service"], as: "service"),
                version: row["service_version"]
            ),
            logEntry: UInt64(row["log_entry"] as Int64),
            digest: try digest(row["digest"]),
            spineDigest: try digest(row["spine_digest"]),
            spineArtifact: try digest(row["spine_artifact"]),
            rows: UInt64(row["row_count"] as Int64),
            schema: Schema(fields: try detail.schema.map(field)),
            eventTimeColumn: detail.eventTimeColumn,
            label: detail.label,
            made: Timestamp(microseconds: row["made"]),
            asKnown: detail.asKnown,
            keepUnknown: detail.keepUnknown,
            reports: try detail.reports.map(report),
            featureColumns: detail.featureColumns,
            spineName: detail.spineName,
            actor: row["actor"],
            blankedRows: UInt64(row["blanked_rows"] as Int64),
            servedModel: detail.servedModel ?? ""
        )
    }

    static func digest(_ bytes: Data) throws(AlulaError) -> ContentDigest {
        guard let digest = ContentDigest(bytes: [UInt8](bytes)) else {
            throw .corrupt("a stored digest does not have 32 bytes")
        }
        return digest
    }

    private static func field(_ stored: StoredDetail.Field) throws(AlulaError) -> Schema.Field {
        guard let type = ValueType(text: stored.type) else {
            throw .corrupt("a stored column has the unknown type \"\(stored.type)\"")
        }
        return Schema.Field(name: stored.name, type: type)
    }

    private static func stored(_ report: ViewReport) -> StoredDetail.Report {
        StoredDetail.Report(
            label: report.label,
            view: report.view.text,
            matched: report.matched,
            expired: report.expired,
            notFound: report.notFound,
            nullKeys: report.nullKeys,
            late: report.late,
            unknown: report.unknown,
            oldestEvent: report.oldestEvent?.microseconds,
            newestEvent: report.newestEvent?.microseconds
        )
    }

    private static func report(_ stored: StoredDetail.Report) throws(AlulaError) -> ViewReport {
        var report = ViewReport(
            label: stored.label,
            view: try FeatureViewName(stored.view, as: "view")
        )
        report.matched = stored.matched
        report.expired = stored.expired
        report.notFound = stored.notFound
        report.nullKeys = stored.nullKeys
        report.late = stored.late
        report.unknown = stored.unknown
        report.oldestEvent = stored.oldestEvent.map(Timestamp.init(microseconds:))
        report.newestEvent = stored.newestEvent.map(Timestamp.init(microseconds:))
        return report
    }
}
