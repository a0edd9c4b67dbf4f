import Domain
import GRDB

/// When and how the rows of a log entry came.
struct RowOrigin: Sendable {
    var recorded: Timestamp
    /// The import they came with; nil where they were pushed.
    var importID: String?
}

/// Finds the origins of log entries in one snapshot; each is looked up once.
final class RowOrigins {
    private let recorded: Statement
    private let importID: Statement
    private var known: [UInt64: RowOrigin] = [:]

    init(_ db: Database) throws {
        recorded = try db.cachedStatement(
            sql: "SELECT MIN(recorded) FROM log_time WHERE entry >= ?"
        )
        importID = try db.cachedStatement(sql: "SELECT id FROM import WHERE log_entry = ?")
    }

    func of(_ entries: [UInt64]) throws -> [RowOrigin] { try entries.map(origin) }

    private func origin(_ entry: UInt64) throws -> RowOrigin {
        if let origin = known[entry] { return origin }
        let arguments: StatementArguments = [Int64(clamping: entry)]
        guard let time = try Int64.fetchOne(recorded, arguments: arguments) else {
            throw AlulaError.corrupt(
                "history has rows of log entry \(entry), which was not applied"
            )
        }
        let origin = RowOrigin(
            recorded: Timestamp(microseconds: time),
            importID: try String.fetchOne(importID, arguments: arguments)
        )
        known[entry] = origin
        return origin
    }
}
