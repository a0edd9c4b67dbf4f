package import Domain
import Foundation
import GRDB

extension RegistryTables {
    /// Adds an entry to the audit log, in the transaction of its act, and raises the registry's
    /// revision.
    package func audit(
        _ act: String,
        _ object: String,
        _ detail: some Encodable,
        _ call: WriteCall,
        project: ProjectName? = nil,
        change: AuditChange = .none
    ) throws {
        guard let marks else {
            throw AlulaError(.internal, "the audit log is written in a write transaction only")
        }
        let head = try auditHead()
        var entry = AuditEntry(
            number: head.number + 1,
            time: call.now,
            actor: call.actor,
            isVerified: call.isVerified,
            project: (project ?? call.project).text,
            act: act,
            object: object,
            detail: try Self.json(detail),
            before: change.before,
            after: change.after,
            verdict: change.verdict,
            requestID: call.requestID,
            hash: []
        )
        entry.hash = AuditChain.hash(of: entry, after: head.hash, key: marks.auditKey)
        try execute(
            "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                Int64(entry.number), entry.time.microseconds, entry.actor, entry.isVerified,
                entry.project, act, object, entry.detail, entry.before, entry.after, entry.verdict,
                Data(entry.requestID), Data(entry.hash),
            ]
        )
        marks.auditHead = AuditHead(number: entry.number, hash: entry.hash)
        try touch()
    }

    func auditHead() throws -> AuditHead {
        try row("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1", []).map {
            AuditHead(
                number: UInt64(clamping: $0["number"] as Int64),
                hash: [UInt8]($0["hash"] as Data)
            )
        } ?? .empty
    }

    /// Whether this call has its entry; a call without a request id never has.
    func hasAudited(_ act: String, _ object: String, _ call: WriteCall) throws -> Bool {
        guard !call.requestID.isEmpty else { return false }
        return try row(
            "SELECT 1 FROM audit WHERE object = ? AND act = ? AND actor = ? AND request_id = ?",
            [object, act, call.actor, Data(call.requestID)]
        ) != nil
    }

    /// Entries behind a number, oldest first: at most `limit`, and few enough for `bytes`.
    func audit(
        _ filter: AuditFilter,
        after: UInt64,
        limit: Int,
        bytes: Int
    ) throws -> [AuditEntry] {
        var conditions = ["number > :after"]
        var arguments: StatementArguments = ["after": Int64(clamping: after)]
        func add(_ condition: String, _ name: String, _ value: (any DatabaseValueConvertible)?) {
            guard let value else { return }
            conditions.append(condition)
            arguments += [name: value]
        }
        add("project = :project", "project", filter.project?.text)
        add("object = :object", "object", filter.object)
        add("actor = :actor", "actor", filter.actor)
        add("act = :act", "act", filter.act)
        add("time >= :since", "since", filter.since?.microseconds)
        add("time < :until", "until", filter.until?.microseconds)
        arguments += ["limit": limit]
        let cursor = try Row.fetchCursor(
            database,
            sql: "SELECT * FROM audit WHERE \(conditions.joined(separator: " AND ")) "
                + "ORDER BY number LIMIT :limit",
            arguments: arguments
        )
        var entries: [AuditEntry] = []
        var size = 0
        while let row = try cursor.next() {
            let entry = Self.auditEntry(row)
            size += entry.bytes
            guard entries.isEmpty || size <= bytes else { break }
            entries.append(entry)
        }
        return entries
    }

    /// Every entry from a number on, in their order, at most `limit`.
    func auditChain(after: UInt64, limit: Int) throws -> [AuditEntry] {
        try rows(
            "SELECT * FROM audit WHERE number > ? ORDER BY number LIMIT ?",
            [Int64(clamping: after), limit]
        ).map(Self.auditEntry)
    }

    static func auditEntry(_ row: Row) -> AuditEntry {
        AuditEntry(
            number: UInt64(clamping: row["number"] as Int64),
            time: Timestamp(microseconds: row["time"]),
            actor: row["actor"],
            isVerified: row["verified"],
            project: row["project"],
            act: row["act"],
            object: row["object"],
            detail: row["detail"],
            before: row["before"],
            after: row["after"],
            verdict: row["verdict"],
            requestID: [UInt8](row["request_id"] as Data),
            hash: [UInt8](row["hash"] as Data)
        )
    }
}

extension AuditEntry {
    /// About what it takes in an answer.
    fileprivate var bytes: Int {
        let texts = [actor, project, act, object, detail, before, after, verdict]
        return texts.reduce(200) { $0 + $1.utf8.count }
    }
}
