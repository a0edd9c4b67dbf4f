package import Domain
package import GRDB
import Synchronization

/// Runs, training sets, models, versions, stages and the audit log.
///
/// Every write is one transaction: the change, its audit entry, its events, and its answer under the
/// request id, so that a repeat within a day gets the first answer and changes nothing. All calls
/// block and may be made from any thread. Nothing dangles: what a record names is there, or the
/// write is refused.
package final class RegistryStore: Sendable {
    private let pool: DatabasePool
    private let groups: WriteGroups
    let auditKey: AuditKey
    let artifacts: ArtifactFacts
    /// Wakes who waits for events.
    package let events: EventSignal
    private let health: StorageHealth
    private let keepHead: @Sendable (AuditHead) -> Void
    private let keptHead: Mutex<AuditHead>
    private let models = Atomic<UInt64>(1)

    /// What is known of an artifact without reading it.
    package struct ArtifactFacts: Sendable {
        /// Bytes of an artifact; nil where it is not in the store.
        package var size: @Sendable (ContentDigest) throws -> UInt64?
        /// Its first bytes, some hundred; none where it is not in the store.
        package var firstBytes: @Sendable (ContentDigest) throws -> [UInt8]

        /// Its bytes as `size` gives them, and from now on it is as young as a new one for whoever
        /// collects garbage.
        package var hold: @Sendable (ContentDigest) throws -> UInt64?
        /// All of a small one; throws where it has more bytes than the limit.
        package var content: @Sendable (ContentDigest, _ limit: Int) throws -> [UInt8]

        /// `hold` is `size` and `content` the first bytes where they are not given.
        package init(
            size: @escaping @Sendable (ContentDigest) throws -> UInt64?,
            firstBytes: @escaping @Sendable (ContentDigest) throws -> [UInt8],
            hold: (@Sendable (ContentDigest) throws -> UInt64?)? = nil,
            content: (@Sendable (ContentDigest, Int) throws -> [UInt8])? = nil
        ) {
            self.size = size
            self.firstBytes = firstBytes
            self.hold = hold ?? size
            self.content = content ?? { digest, _ in try firstBytes(digest) }
        }
    }

    /// Works on a pool made by `openCatalogPool`.
    ///
    /// Throws where the audit log was made with another key. `keepHead` gets the end of the audit
    /// log after each commit that added to it, in order, for a place outside this file.
    package init(
        pool: DatabasePool,
        artifacts: ArtifactFacts,
        auditKey: AuditKey,
        health: StorageHealth = StorageHealth(),
        keepHead: @escaping @Sendable (AuditHead) -> Void = { _ in }
    ) throws(AlulaError) {
        self.pool = pool
        self.health = health
        groups = WriteGroups(pool: pool, health: health)
        self.artifacts = artifacts
        self.auditKey = auditKey
        self.keepHead = keepHead
        do {
            let (newest, head) = try pool.write { database in
                let tables = RegistryTables(database: database, marks: nil)
                try tables.requireAuditKey(auditKey)
                return (try tables.newestEvent(), try tables.auditHead())
            }
            events = EventSignal(newest: newest)
            keptHead = Mutex(head)
        } catch {
            throw storageFailure(error)
        }
    }

    /// Changes with every commit that changes models, versions, stages or aliases, before the
    /// caller is answered.
    package var modelsRevision: UInt64 { models.load(ordering: .acquiring) }

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
        return try transaction { tables in
            if let answer = try tables.answer(to: call, act: act) { return answer }
            let answer = try body(tables)
            try tables.keep(answer, to: call, act: act)
            return answer
        }
    }

    /// Runs `body` in the one write transaction, each time anew: for acts that may be repeated
    /// without harm.
    func act(_ body: (RegistryTables) throws -> Void) throws(AlulaError) {
        try transaction(body)
    }

    private func transaction<Value>(
        _ body: (RegistryTables) throws -> Value
    ) throws(AlulaError) -> Value {
        try health.check()
        var value: Value?
        // The body runs on another thread perhaps, while this one waits.
        let failure = withoutActuallyEscaping(body) { body -> (any Error)? in
            let member = WriteGroups.Member(marks: WriteMarks(auditKey: auditKey)) {
                value = try body($0)
            }
            groups.run(member) { tell($0.map(\.marks)) }
            return member.error
        }
        if let failure { throw storageFailure(failure) }
        guard let value else { throw AlulaError(.internal, "a write has neither value nor error") }
        return value
    }

    /// What is committed is told: to readers of models first, then to who waits.
    private func tell(_ marks: [WriteMarks]) {
        if marks.contains(where: \.modelsChanged) {
            models.add(1, ordering: .acquiringAndReleasing)
        }
        if let head = marks.last(where: { $0.auditHead != nil })?.auditHead {
            keptHead.withLock { kept in
                guard head.number > kept.number else { return }
                kept = head
                keepHead(head)
            }
        }
        if let revision = marks.last(where: { $0.newestEvent != nil })?.newestEvent {
            events.raise(to: revision)
        }
    }

    /// Leaves nothing in the log of writes of what was deleted or replaced before.
    package func emptyWriteLog() throws(AlulaError) {
        let isEmpty: Bool
        do {
            try health.check()
            isEmpty = try pool.barrierWriteWithoutTransaction { db in
                try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")?[0] == 0
            }
        } catch {
            throw storageFailure(error)
        }
        guard isEmpty else {
            throw AlulaError(
                .unavailable,
                "catalog.sqlite: the log of writes cannot be emptied: another process reads the file"
            )
        }
    }

    /// Runs `body` on one consistent picture.
    package func read<Value>(_ body: (RegistryTables) throws -> Value) throws(AlulaError) -> Value {
        do {
            return try pool.read { try body(RegistryTables(database: $0, marks: nil)) }
        } catch {
            throw storageFailure(error)
        }
    }

    /// Bytes of an artifact; nil where it is not in the store.
    package func artifactSize(_ digest: ContentDigest) throws -> UInt64? {
        try artifacts.size(digest)
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

    package static let recordTrainingSetAct = "make training set"
}

extension DatabaseError {
    /// Whether a write or a sync has failed, so that it is not certain what the disk has.
    var leavesDoubt: Bool {
        switch extendedResultCode {
        case .SQLITE_IOERR_WRITE, .SQLITE_IOERR_FSYNC, .SQLITE_IOERR_DIR_FSYNC,
            .SQLITE_IOERR_TRUNCATE:
            true
        default: false
        }
    }
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
