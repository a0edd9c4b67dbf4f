import Domain
import Offline
import Online
import RocksDB

/// Makes the bytes of forgotten keys disappear from everything that the directory holds.
struct Forgetting: Sendable {
    let parts: IngestParts
    private let turn = Turn()

    /// Up to so many keys the tables that may hold them are rewritten, else all.
    private static let fewKeys = 16

    init(_ parts: IngestParts) { self.parts = parts }

    /// Everything that was forgotten before the call is gone when it returns.
    ///
    /// History is last: until it is done the keys are known, and the next call does all of it again.
    func finish(
        blankSpines: (OfflineStore.PendingErasure) throws(AlulaError) -> Void,
        isCancelled: () -> Bool,
        progress: (_ step: String, _ done: UInt64, _ total: UInt64) -> Void
    ) throws(AlulaError) {
        try turn.with(isCancelled) { () throws(AlulaError) in
            let last = parts.follower.progress.read(\.last)
            progress("log", 0, 1)
            try parts.follower.waitUntilDropped(last, isCancelled: isCancelled)
            progress("log", 1, 1)
            let pending = try parts.offline.pendingErasures().filter { $0.logEntry <= last }
            guard !pending.isEmpty else { return }
            for (index, erasure) in pending.enumerated() {
                guard !isCancelled() else { throw .forgettingStopped }
                progress("training sets", UInt64(index), UInt64(pending.count))
                try blankSpines(erasure)
            }
            progress("training sets", UInt64(pending.count), UInt64(pending.count))
            try eraseOnline(pending, isCancelled, progress)
            try parts.offline.eraseForgotten(through: last, isCancelled: isCancelled) {
                progress("history", $0, $1)
            }
        }
    }

    /// The log and the notes of keys to restore are short, and rewritten as a whole.
    private func eraseOnline(
        _ pending: [OfflineStore.PendingErasure],
        _ isCancelled: () -> Bool,
        _ progress: (String, UInt64, UInt64) -> Void
    ) throws(AlulaError) {
        struct Key: Hashable {
            var entity: EntityID
            var key: [UInt8]
        }
        progress("online", 0, 1)
        let keys = Set(pending.map { Key(entity: $0.entity, key: $0.key) })
        var rows = [Database.KeyRange(.rows)]
        if keys.count <= Self.fewKeys {
            rows = keys.map { key in
                let range = OnlineStore.range(of: key.key, in: key.entity)
                return Database.KeyRange(.rows, first: range.first, last: range.last)
            }
        }
        try parts.database.eraseDeleted(
            in: rows + [Database.KeyRange(.log), WithdrawalRecords.restoreRange],
            isCancelled: isCancelled
        )
        progress("online", 1, 1)
    }
}

extension AlulaError {
    fileprivate static var forgettingStopped: AlulaError {
        AlulaError(.cancelled, "the erasure was stopped: it goes on when the server starts again")
    }
}
