package import Domain
package import GRDB

/// Runs, training sets, models, versions, stages and the audit table.
///
/// Every write is one transaction: the change, its audit entry, and its answer under the request
/// id, so that a repeat within a day gets the first answer and changes nothing. All calls block and
/// may be made from any thread. Nothing dangles: what a record names is there, or the write is
/// refused.
package final class RegistryStore: Sendable {
    private let pool: DatabasePool
    /// Bytes of an artifact; nil where it is not in the store.
    package let artifactSize: @Sendable (ContentDigest) throws -> UInt64?

    /// Works on a pool made by `openCatalogPool`.
    package init(
        pool: DatabasePool,
        artifactSize: @escaping @Sendable (ContentDigest) throws -> UInt64?
    ) throws(AlulaError) {
        self.pool = pool
        self.artifactSize = artifactSize
    }

    /// Runs `body` in the one write transaction, unless this request id was answered before: then
    /// the stored answer is returned.
    ///
    /// An error changes nothing and is not stored.
    package func write(
        _ act: String,
        call: WriteCall,
        _ body: (RegistryTables) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        guard call.requestID.isEmpty || call.requestID.count == 16 else {
            throw .invalid("a request id has 16 bytes, not \(call.requestID.count)")
        }
        do {
            return try pool.write { database in
                let tables = RegistryTables(database: database)
                if let answer = try tables.answer(to: call, act: act) { return answer }
                let answer = try body(tables)
                try tables.keep(answer, to: call, act: act)
                return answer
            }
        } catch {
            throw storageFailure(error)
        }
    }

    /// Runs `body` in the one write transaction, each time anew: for acts that may be repeated
    /// without harm.
    func act(_ body: (RegistryTables) throws -> Void) throws(AlulaError) {
        do {
            try pool.write { try body(RegistryTables(database: $0)) }
        } catch {
            throw storageFailure(error)
        }
    }

    /// Runs `body` on one consistent picture.
    package func read<Value>(_ body: (RegistryTables) throws -> Value) throws(AlulaError) -> Value {
        do {
            return try pool.read { try body(RegistryTables(database: $0)) }
        } catch {
            throw storageFailure(error)
        }
    }

    /// Grows with every write that changed something.
    package func revision() throws(AlulaError) -> UInt64 { try read { try $0.revision } }

    /// The answer that was given to this request id, for acts that must not be done twice to find
    /// out.
    package func storedAnswer(
        _ requestID: [UInt8],
        act: String = RegistryStore.recordTrainingSetAct
    ) throws(AlulaError) -> [UInt8]? {
        guard !requestID.isEmpty else { return nil }
        return try read { try $0.answer(requestID, act: act) }
    }

    /// Audit entries with greater numbers than `after`, oldest first; `object` filters where it is
    /// not empty.
    package func audit(
        after: UInt64 = 0,
        limit: Int = 1_000,
        object: String = ""
    ) throws(AlulaError) -> [AuditEntry] {
        try read { try $0.audit(after: after, limit: limit, object: object) }
    }

    package static let recordTrainingSetAct = "make training set"
}

/// An error of this area as it is, or one of SQLite in the house's words.
func storageFailure(_ error: any Error) -> AlulaError {
    switch error {
    case let error as AlulaError: error
    case let error as DatabaseError where error.resultCode == .SQLITE_FULL:
        AlulaError(
            .resourceExhausted,
            "the data disk is full: the registry was not changed",
            help: "free some space, then send the same request again"
        )
    case let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT:
        .corrupt("catalog.sqlite is damaged: \(error.message ?? "no details")")
    default: AlulaError(.internal, "the registry could not be read or written: \(error)")
    }
}
