import Codec
package import Domain
import Foundation
import GRDB

extension OfflineStore {
    private static let pause = 0.02
    /// Checkpoints that are tried before reads are kept out for one.
    private static let politeCheckpoints = 100

    /// Takes the rows of all keys forgotten up to a log entry out of the file, in small transactions,
    /// and returns when neither the file nor its log of writes holds their bytes.
    ///
    /// Answers are without those rows before it begins. It waits for reads that may still need
    /// them. Where it was cut short it goes on from there when it runs again.
    package func eraseForgotten(
        through entry: UInt64 = .max,
        isCancelled: () -> Bool,
        progress: (_ done: UInt64, _ total: UInt64) -> Void
    ) throws(AlulaError) {
        while true {
            let (ids, views) = try erasures(through: entry)
            guard !ids.isEmpty else { return }
            let total = try groupCount(of: views)
            var done: UInt64 = 0
            for view in views {
                let noted = done
                done += try erase(view, isCancelled: isCancelled) {
                    progress(min(noted + $0, total), total)
                }
            }
            try awaitCleaning(of: views, isCancelled: isCancelled)
            _ = try giveBackPages(keepsSome: false, isCancelled: isCancelled)
            try checkCancelled(isCancelled)
            try truncateWriteLog(isCancelled: isCancelled)
            try writeSecurely { db in
                for id in ids {
                    try db.execute(sql: "DELETE FROM erasure WHERE id = ?", arguments: [id])
                }
            }
            try truncateWriteLog(isCancelled: { false })
            progress(total, total)
        }
    }

    private func erasures(
        through entry: UInt64
    ) throws(AlulaError) -> (ids: [Int64], views: [FeatureViewID]) {
        try read { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT id, view FROM erasure WHERE log_entry <= ? ORDER BY id",
                arguments: [Int64(clamping: entry)]
            )
            let views = Set(rows.map { FeatureViewID(UInt32(clamping: $0[1] as Int64)) })
            return (rows.map { $0[0] }, views.sorted { $0.number < $1.number })
        }
    }

    private func groupCount(of views: [FeatureViewID]) throws(AlulaError) -> UInt64 {
        let list = views.map { "\($0.number)" }.joined(separator: ",")
        return try read { db in
            let count = try Int64.fetchOne(
                db,
                sql: """
                    SELECT COUNT(*) FROM row_group g JOIN segment s ON s.id = g.segment
                    WHERE s.view IN (\(list))
                    """
            )
            return UInt64(count ?? 0)
        }
    }

    /// Rewrites the groups of a view that hold forgotten keys; answers how many there are of all.
    private func erase(
        _ view: FeatureViewID,
        isCancelled: () -> Bool,
        progress: (_ done: UInt64) -> Void
    ) throws(AlulaError) -> UInt64 {
        try merges.enter(view, isCancelled: isCancelled, isFree: { true })
        defer { merges.leave(view) }
        guard let (forgotten, keyTypes) = try read({ try ForgottenKeys.all($0, of: view) }) else {
            return 0
        }
        var writer = EraseWriter(self, view: view)
        var (last, done) = (Int64(0), UInt64(0))
        while true {
            let groups = try read { try StoredGroup.page($0, of: view, after: last) }
            for group in groups {
                try checkCancelled(isCancelled)
                if !forgotten.places(from: group.minKey, through: group.maxKey).isEmpty {
                    let erasure = try read { db in
                        try GroupErasure(
                            group,
                            forgotten: forgotten,
                            keyTypes: keyTypes,
                            BlockReading(db)
                        )
                    }
                    if let erasure { try writer.add(erasure) }
                }
                done += 1
                progress(done)
            }
            guard groups.count == StoredGroup.pageGroups, let end = groups.last else { break }
            last = end.id
        }
        try writer.flush()
        return done
    }

    /// Waits until what merges and erasures have replaced by now is deleted.
    private func awaitCleaning(
        of views: [FeatureViewID],
        isCancelled: () -> Bool
    ) throws(AlulaError) {
        let list = views.map { "\($0.number)" }.joined(separator: ",")
        let last = try read { try Int64.fetchOne($0, sql: "SELECT IFNULL(MAX(id), 0) FROM merge") }
        while true {
            try checkCancelled(isCancelled)
            _ = try clean(isSecure: true, isCancelled: isCancelled)
            let left = try read { db in
                try Int64.fetchAll(
                    db,
                    sql: """
                        SELECT id FROM merge
                        WHERE state <> 'staged' AND id <= ? AND view IN (\(list))
                        """,
                    arguments: [last ?? 0]
                )
            }
            if left.isEmpty { return }
            Thread.sleep(forTimeInterval: Self.pause)
        }
    }

    /// Moves all of the log of writes into the file, and empties it.
    func truncateWriteLog(isCancelled: () -> Bool) throws(AlulaError) {
        for _ in 0..<Self.politeCheckpoints {
            try checkCancelled(isCancelled)
            if try changing({ try pool.writeWithoutTransaction(Self.emptiesLog) }) { return }
            Thread.sleep(forTimeInterval: Self.pause)
        }
        guard try changing({ try pool.barrierWriteWithoutTransaction(Self.emptiesLog) }) else {
            throw AlulaError(
                .unavailable,
                "offline.sqlite: the log of writes cannot be emptied: another process reads the file"
            )
        }
    }

    /// Moves all of the log of writes into the file, and empties it; false where a reader is in the
    /// way.
    static func emptiesLog(_ db: Database) throws -> Bool {
        let row = try Row.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        return row?[0] == 0
    }

    /// Writes in one transaction that leaves nothing of what it deletes.
    func writeSecurely<T>(_ body: (Database) throws -> T) throws(AlulaError) -> T {
        try changing {
            try pool.writeWithoutTransaction { db in
                _ = try Int.fetchOne(db, sql: "PRAGMA secure_delete = ON")
                defer {
                    // Cannot fail on an open connection; the next erasure sets it again.
                    _ = try? Int.fetchOne(db, sql: "PRAGMA secure_delete = FAST")
                }
                var result: T?
                try db.inTransaction {
                    result = try body(db)
                    return .commit
                }
                guard let result else { throw AlulaError(.internal, "a transaction ended early") }
                return result
            }
        }
    }
}

extension ForgottenKeys {
    /// The forgotten keys of a view with their types; nil where there are none.
    static func all(
        _ db: Database,
        of view: FeatureViewID
    ) throws -> (ForgottenKeys, [KeyType])? {
        let key = try Data.fetchOne(
            db,
            sql: "SELECT key FROM erasure WHERE view = ? LIMIT 1",
            arguments: [Int64(view.number)]
        )
        guard let key else { return nil }
        let types = try KeyCodec.decode(key).parts.map(\.type)
        return (try ForgottenKeys(db, view: view, keyTypes: types), types)
    }
}
