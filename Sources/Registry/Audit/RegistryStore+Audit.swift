package import Domain
import Foundation
import GRDB

extension RegistryStore {
    /// Audit entries with greater numbers than `after`, oldest first: at most 1000, and no more than
    /// fit an answer.
    package func audit(
        _ filter: AuditFilter = AuditFilter(),
        after: UInt64 = 0,
        limit: Int = 1_000
    ) throws(AlulaError) -> [AuditEntry] {
        try read {
            try $0.audit(
                filter,
                after: after,
                limit: min(max(limit, 0), 1_000),
                bytes: Limits.pageBytes
            )
        }
    }

    /// The end of the audit log.
    package func auditHead() throws(AlulaError) -> AuditHead { try read { try $0.auditHead() } }
}

extension RegistryTables {
    /// Notes the key with the first start; throws where the log was made with another one.
    func requireAuditKey(_ key: AuditKey) throws {
        let stored: Data? = try row("SELECT hash FROM audit_key", [])?["hash"]
        guard let stored else {
            try execute("INSERT INTO audit_key VALUES (1, ?)", [Data(key.fingerprint)])
            return
        }
        guard [UInt8](stored) == key.fingerprint else {
            throw AlulaError.refused(
                "the audit key is not the one that this directory's audit log was made with",
                help: "start the server with the key of the first start: --audit-key FILE"
            )
        }
    }
}
