package import Domain
import GRDB

/// What was found when every entry of the audit log was looked at.
package struct AuditCheck: Sendable, Hashable {
    package var entries: UInt64 = 0
    /// The newest entry.
    package var head = AuditHead.empty
    /// The first hundred.
    package var problems: [String] = []
    package var problemCount: UInt64 = 0

    package var isIntact: Bool { problemCount == 0 }

    mutating func add(_ problem: String) {
        problemCount += 1
        if problems.count < 100 { problems.append(problem) }
    }
}

/// An end of the audit log that was kept outside it, and where.
package struct KeptHead: Sendable, Hashable {
    package var head: AuditHead
    /// Such as `the online directory`.
    package var place: String

    package init(head: AuditHead, place: String) {
        self.head = head
        self.place = place
    }
}

/// Takes the entries one after the other, in the order of their numbers.
struct ChainCheck {
    let key: AuditKey
    let kept: [KeptHead]
    private(set) var found = AuditCheck()

    init(key: AuditKey, kept: [KeptHead]) {
        self.key = key
        self.kept = kept
    }

    mutating func take(_ entry: AuditEntry) {
        found.entries += 1
        let before = found.head
        if entry.number == before.number + 1 {
            let hash = AuditChain.hash(of: entry, after: before.hash, key: key)
            if hash != entry.hash {
                found.add(
                    "entry \(entry.number) is not as it was written, or stands behind another entry "
                        + "than it did"
                )
            }
        } else {
            let missing =
                before.number + 1 == entry.number - 1
                ? "entry \(before.number + 1) is missing"
                : "entries \(before.number + 1) to \(entry.number - 1) are missing"
            found.add(missing)
        }
        for kept in kept where kept.head.number == entry.number && kept.head.hash != entry.hash {
            found.add(
                "entry \(entry.number) is another than the one whose hash is kept in \(kept.place)"
            )
        }
        if entry.act == RegistryStore.brokenAuditAct {
            found.add(
                "entry \(entry.number) notes what a start of the server found: \(entry.detail)"
            )
        }
        found.head = AuditHead(number: entry.number, hash: entry.hash)
    }

    mutating func end() {
        for kept in kept where kept.head.number > found.head.number {
            found.add(
                "the log ends at entry \(found.head.number), and \(kept.place) has the hash of entry "
                    + "\(kept.head.number): the entries behind are cut off"
            )
        }
    }

    mutating func note(_ problem: String) { found.add(problem) }
}

extension RegistryStore {
    static let brokenAuditAct = "audit broken"

    /// Looks at every entry there is when it begins: each must be as it was written and where it was.
    ///
    /// Throws what `checkpoint` throws; it is called every thousand entries.
    package func verifyAudit(
        kept: [KeptHead],
        checkpoint: () throws -> Void = {}
    ) throws -> AuditCheck {
        let last = try auditHead().number
        var check = ChainCheck(key: auditKey, kept: kept)
        while check.found.head.number < last {
            try checkpoint()
            let from = check.found.head.number
            let entries = try read { try $0.auditChain(after: from, limit: 1_000) }
            for entry in entries where entry.number <= last { check.take(entry) }
            if entries.isEmpty { break }
        }
        let strangers = try read { tables in
            try Int.fetchOne(
                tables.database,
                sql: "SELECT count(*) FROM audit WHERE number < 1 OR verified NOT IN (0, 1)"
            ) ?? 0
        }
        if strangers > 0 {
            check.note(
                "\(strangers) entries have a number or a mark that no entry was written with"
            )
        }
        check.end()
        return check.found
    }

    /// How the log differs from an end of it that was kept; nil where it does not.
    package func contradiction(of kept: AuditHead) throws(AlulaError) -> String? {
        try read { tables in
            let head = try tables.auditHead()
            guard kept.number <= head.number else {
                return "the log ends at entry \(head.number), and \(kept) was kept"
            }
            guard kept.number > 0 else { return nil }
            let entry = try tables.auditChain(after: kept.number - 1, limit: 1).first
            guard let entry, entry.number == kept.number else {
                return "entry \(kept.number) is missing, and \(kept) was kept"
            }
            return entry.hash == kept.hash
                ? nil : "entry \(kept.number) is another one: \(kept) was kept"
        }
    }

    /// Notes in the log itself that it was found broken.
    package func noteBrokenAudit(_ problem: String, call: WriteCall) throws(AlulaError) {
        try act { try $0.audit(Self.brokenAuditAct, "audit", ["found": problem], call) }
    }
}
