package import Foundation

/// What a write transaction has to tell once it is committed.
final class WriteMarks {
    let auditKey: AuditKey
    var modelsChanged = false
    /// Of the newest event it wrote.
    var newestEvent: UInt64?
    /// The end of the audit log after it, where it wrote to it.
    var auditHead: AuditHead?

    init(auditKey: AuditKey) { self.auditKey = auditKey }
}

/// Wakes who waits for registry events.
package final class EventSignal: @unchecked Sendable {
    // What changes is only touched while `condition` is locked: that makes it Sendable.
    private let condition = NSCondition()
    private var newest: UInt64
    private var isClosed = false
    private var isWoken = false

    init(newest: UInt64) { self.newest = newest }

    /// The revision of the newest committed event.
    package var revision: UInt64 {
        condition.withLock { newest }
    }

    func raise(to revision: UInt64) {
        condition.withLock {
            newest = max(newest, revision)
            condition.broadcast()
        }
    }

    /// Wakes who waits, though there is no new event.
    package func wake() {
        condition.withLock {
            isWoken = true
            condition.broadcast()
        }
    }

    /// Wakes everybody for good.
    package func close() {
        condition.withLock {
            isClosed = true
            condition.broadcast()
        }
    }

    /// Blocks until there is an event behind `revision` or somebody is woken, but not past `limit`;
    /// one thread waits at a time.
    ///
    /// - Returns: the newest event's revision; nil once closed.
    package func wait(after revision: UInt64, until limit: Date) -> UInt64? {
        condition.withLock {
            while newest <= revision, !isClosed, !isWoken {
                guard condition.wait(until: limit) else { break }
            }
            isWoken = false
            return isClosed ? nil : newest
        }
    }
}
