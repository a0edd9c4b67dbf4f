import Domain
import Logging
import Registry
import RocksDB

/// Keeps the end of the audit log in the online directory too, so that a tail cut off in
/// catalog.sqlite is found.
struct AuditHeads: Sendable {
    let database: Database
    let logger: Logger

    private static let key = Array("audit-head".utf8)

    /// On disk with the next synced write; a head that is older than the log is usual after a crash.
    func keep(_ head: AuditHead) {
        let batch = WriteBatch(database)
        batch.put(.meta, Self.key, head.stored)
        do throws(AlulaError) {
            try database.write(batch, .buffered)
        } catch {
            logger.warning("the audit head was not kept", metadata: ["error": "\(error)"])
        }
    }

    /// Nil where none was kept.
    func kept() throws(AlulaError) -> AuditHead? {
        guard let bytes = try database.get(.meta, Self.key) else { return nil }
        guard let head = AuditHead(stored: bytes) else {
            throw .corrupt("the audit head in the online directory cannot be read")
        }
        return head
    }

    /// Compares what was kept with the log when the server starts; a log that has lost entries, or
    /// has others than it had, says so itself from then on.
    func compare(with registry: RegistryStore, now: Timestamp) throws(AlulaError) {
        guard let kept = try kept(), let problem = try registry.contradiction(of: kept) else {
            return
        }
        logger.error("the audit log is broken", metadata: ["found": "\(problem)"])
        try registry.noteBrokenAudit(
            problem,
            call: WriteCall(requestID: [], identity: .server, project: .unnamed, now: now)
        )
    }
}

extension Identity {
    /// What the server does by itself.
    static let server = Identity(name: "server", roles: [], isVerified: true)
}
