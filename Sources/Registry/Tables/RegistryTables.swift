import Domain
import Foundation
package import GRDB
import Synchronization

/// The tables of the registry in one transaction, for whoever decides in it.
package struct RegistryTables {
    package let database: Database
    /// Nil in a read.
    let marks: WriteMarks?

    var revision: UInt64 {
        get throws {
            UInt64(try Int64.fetchOne(database, sql: "SELECT revision FROM registry_state") ?? 0)
        }
    }

    func touch() throws {
        try execute("UPDATE registry_state SET revision = revision + 1", [])
    }

    func execute(_ sql: String, _ arguments: StatementArguments) throws {
        try statement(sql).execute(arguments: arguments)
    }

    func rows(_ sql: String, _ arguments: StatementArguments) throws -> [Row] {
        try Row.fetchAll(try statement(sql), arguments: arguments)
    }

    func row(_ sql: String, _ arguments: StatementArguments) throws -> Row? {
        try Row.fetchOne(try statement(sql), arguments: arguments)
    }

    /// Hands over row by row, which costs less than all at once by the names of their columns: the
    /// body takes them by their places.
    func forEach(
        _ sql: String,
        _ arguments: StatementArguments,
        _ body: (Row) throws -> Void
    ) throws {
        let cursor = try Row.fetchCursor(try statement(sql), arguments: arguments)
        while let row = try cursor.next() { try body(row) }
    }

    /// Prepared once for each connection, as long as there are not too many texts.
    private func statement(_ sql: String) throws -> Statement {
        PreparedTexts.mayKeep(sql)
            ? try database.cachedStatement(sql: sql) : try database.makeStatement(sql: sql)
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

/// Which statements connections keep prepared; they keep them for good, so their number is bounded.
private enum PreparedTexts {
    private static let known = Mutex<Set<String>>([])
    private static let most = 500

    static func mayKeep(_ sql: String) -> Bool {
        known.withLock { known in
            if known.contains(sql) { return true }
            guard known.count < most else { return false }
            known.insert(sql)
            return true
        }
    }
}

/// Kept answers.
extension RegistryTables {
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
