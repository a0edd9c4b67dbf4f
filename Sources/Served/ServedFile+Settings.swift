package import Domain
import Foundation
import GRDB

/// What is set for a model's log.
package struct ServedSettings: Sendable, Hashable {
    package var name: ServedModel.Name
    /// Nil is all.
    package var rate: Double?
    /// How long its rows are kept; nil is for ever.
    package var keep: TimeSpan?
    package var predictionType: ValueType?
    package var outcomeType: ValueType?
}

extension ServedFile {
    func settings() throws -> [ServedSettings] {
        try Row.fetchAll(db, sql: "SELECT * FROM served_model ORDER BY project, model").map { row in
            ServedSettings(
                name: ServedModel.Name(
                    try ProjectName(row["project"], as: "project"),
                    try RegisteredModelName(row["model"], as: "model")
                ),
                rate: row["rate"],
                keep: (row["keep"] as Int64?).map(TimeSpan.init(microseconds:)),
                predictionType: (row["prediction_type"] as String?).flatMap(ValueType.init(text:)),
                outcomeType: (row["outcome_type"] as String?).flatMap(ValueType.init(text:))
            )
        }
    }

    func set(rate: Double?, keep: TimeSpan?, of name: ServedModel.Name) throws {
        try db.execute(
            sql: """
                INSERT INTO served_model (project, model, rate, keep) VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET rate = excluded.rate, keep = excluded.keep
                """,
            arguments: [name.project.text, name.model.text, rate, keep?.microseconds]
        )
    }

    /// What the predictions or outcomes of a model are, as the first of those that are there said;
    /// nil where there are none.
    func fixedType(of name: ServedModel.Name, _ isOutcome: Bool) throws -> ValueType? {
        let kind: ServedKind = isOutcome ? .outcomes : .predictions
        let isThere = try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (SELECT 1 FROM served_segment
                    WHERE project = ? AND model = ? AND kind = ?)
                """,
            arguments: [name.project.text, name.model.text, kind.rawValue]
        )
        return isThere == true ? try type(of: name, isOutcome) : nil
    }

    func type(of name: ServedModel.Name, _ isOutcome: Bool) throws -> ValueType? {
        let column = isOutcome ? "outcome_type" : "prediction_type"
        return try String.fetchOne(
            db,
            sql: "SELECT \(column) FROM served_model WHERE project = ? AND model = ?",
            arguments: [name.project.text, name.model.text]
        ).flatMap(ValueType.init(text:))
    }

    func fix(_ type: ValueType, of name: ServedModel.Name, _ isOutcome: Bool) throws {
        let column = isOutcome ? "outcome_type" : "prediction_type"
        try db.execute(
            sql: """
                INSERT INTO served_model (project, model, \(column)) VALUES (?, ?, ?)
                ON CONFLICT DO UPDATE SET \(column) = excluded.\(column)
                """,
            arguments: [name.project.text, name.model.text, type.description]
        )
    }

    func lastStamp() throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT MAX(last) FROM served_segment WHERE kind = 0") ?? 0
    }

    func answer(to requestID: [UInt8]) throws -> [UInt8]? {
        try Data.fetchOne(
            db,
            sql: "SELECT answer FROM served_request WHERE id = ?",
            arguments: [Data(requestID)]
        ).map { [UInt8]($0) }
    }

    func keep(_ answer: [UInt8], for requestID: [UInt8], _ now: Timestamp) throws {
        guard !requestID.isEmpty else { return }
        try db.execute(
            sql: "INSERT INTO served_request (id, answer, made) VALUES (?, ?, ?)",
            arguments: [Data(requestID), Data(answer), now.microseconds]
        )
    }

    func dropAnswers(before time: Timestamp) throws {
        try db.execute(
            sql: "DELETE FROM served_request WHERE made < ?",
            arguments: [time.microseconds]
        )
    }
}
