import Domain
import Foundation
package import GRDB

/// The tables of the registry in one transaction, for whoever decides in it.
package struct RegistryTables {
    package let database: Database

    var revision: UInt64 {
        get throws {
            UInt64(try Int64.fetchOne(database, sql: "SELECT revision FROM registry_state") ?? 0)
        }
    }

    func touch() throws {
        try database.execute(sql: "UPDATE registry_state SET revision = revision + 1")
    }

    func execute(_ sql: String, _ arguments: StatementArguments) throws {
        try database.execute(sql: sql, arguments: arguments)
    }

    func rows(_ sql: String, _ arguments: StatementArguments) throws -> [Row] {
        try Row.fetchAll(database, sql: sql, arguments: arguments)
    }

    func row(_ sql: String, _ arguments: StatementArguments) throws -> Row? {
        try Row.fetchOne(database, sql: sql, arguments: arguments)
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

/// Audit entries and kept answers.
extension RegistryTables {
    /// Adds an entry to the audit table, in the transaction of its act, and raises the registry's
    /// revision.
    package func audit(
        _ act: String,
        _ object: String,
        _ detail: some Encodable,
        _ call: WriteCall
    ) throws {
        try execute(
            """
            INSERT INTO audit (time, actor, verified, act, object, detail, request_id)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                call.now.microseconds, call.actor, call.isVerified, act, object,
                try Self.json(detail), Data(call.requestID),
            ]
        )
        try touch()
    }

    /// Whether this call has its entry; a call without a request id never has.
    func hasAudited(_ act: String, _ object: String, _ call: WriteCall) throws -> Bool {
        guard !call.requestID.isEmpty else { return false }
        return try row(
            "SELECT 1 FROM audit WHERE object = ? AND act = ? AND actor = ? AND request_id = ?",
            [object, act, call.actor, Data(call.requestID)]
        ) != nil
    }

    func audit(after: UInt64, limit: Int, object: String) throws -> [AuditEntry] {
        let filter = object.isEmpty ? "" : " AND object = :object"
        var arguments: StatementArguments = [
            "after": Int64(clamping: after), "limit": min(max(limit, 0), 1_000),
        ]
        if !object.isEmpty { arguments += ["object": object] }
        return try rows(
            "SELECT * FROM audit WHERE number > :after\(filter) ORDER BY number LIMIT :limit",
            arguments
        ).map { row in
            AuditEntry(
                number: UInt64(row["number"] as Int64),
                time: Timestamp(microseconds: row["time"]),
                actor: row["actor"],
                isVerified: row["verified"],
                act: row["act"],
                object: row["object"],
                detail: row["detail"],
                requestID: [UInt8](row["request_id"] as Data)
            )
        }
    }

    /// The answer this call got before; throws where its id was used for another call.
    func answer(to call: WriteCall, act: String) throws -> [UInt8]? {
        guard !call.requestID.isEmpty else { return nil }
        try execute(
            "DELETE FROM request_answer WHERE time < ?",
            [(call.now - Limits.requestIdLife).microseconds]
        )
        let row = try row(
            "SELECT act, actor, answer FROM request_answer WHERE request_id = ?",
            [Data(call.requestID)]
        )
        guard let row else { return nil }
        guard row["act"] == act, row["actor"] == call.actor else {
            throw AlulaError.invalid(
                "this request id was used for another call",
                help: "draw 16 random bytes for each"
            )
        }
        return [UInt8](row["answer"] as Data)
    }

    func answer(_ requestID: [UInt8], act: String) throws -> [UInt8]? {
        try row(
            "SELECT answer FROM request_answer WHERE request_id = ? AND act = ?",
            [Data(requestID), act]
        ).map { [UInt8]($0["answer"] as Data) }
    }

    func keep(_ answer: [UInt8], to call: WriteCall, act: String) throws {
        guard !call.requestID.isEmpty else { return }
        try execute(
            "INSERT INTO request_answer VALUES (?, ?, ?, ?, ?)",
            [Data(call.requestID), act, call.actor, call.now.microseconds, Data(answer)]
        )
    }
}
