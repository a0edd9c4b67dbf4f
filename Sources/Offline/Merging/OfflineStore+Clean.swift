package import Domain
import Foundation
import GRDB

extension OfflineStore {
    private static let blocksOfStep = 256
    private static let pagesOfStep = 192
    /// Free pages that are kept for what comes: at least these, and this part of all.
    private static let fewestFreePages = 1_024
    private static let freePart = 128
    /// The write-ahead log may be so large when all is quiet.
    private static let quietLogBytes = 1 << 20

    /// Deletes the segments that merges have replaced and nobody reads, and what was written by
    /// merges that did not come to their end, in small transactions.
    ///
    /// With `isSecure`, or where keys wait to be erased, nothing is left of the bytes deleted, which
    /// writes them all once more. Answers whether there was anything to do.
    func clean(
        isSecure: Bool = false,
        isCancelled: () -> Bool = { false }
    ) throws(AlulaError) -> Bool {
        let found = try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT s.id, m.id, m.state = 'done'
                    FROM segment s JOIN merge m ON m.id = s.merge
                    WHERE s.merge IS NOT NULL AND m.state <> 'staged'
                    """
            ).filter { $0[2] || !merges.isWriting($0[1]) }.map { $0[0] as Int64 }
        }
        let free = pins.unread(of: found)
        var isSecure = isSecure
        if !free.isEmpty, !isSecure {
            isSecure = try read { db in
                try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM erasure)") ?? false
            }
        }
        for segment in free {
            while try deleteStep(segment, isSecure: isSecure) { try checkCancelled(isCancelled) }
            pins.forget([segment])
        }
        let ended = try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT id, state = 'done' FROM merge
                    WHERE state <> 'staged' AND id NOT IN
                        (SELECT merge FROM segment WHERE merge IS NOT NULL)
                    """
            ).filter { $0[1] || !merges.isWriting($0[0]) }.map { $0[0] as Int64 }
        }
        guard !ended.isEmpty else { return !free.isEmpty }
        try write { db in
            for merge in ended {
                try db.execute(
                    sql: """
                        DELETE FROM merge WHERE id = :merge AND state <> 'staged'
                            AND NOT EXISTS (SELECT 1 FROM segment WHERE merge = :merge)
                        """,
                    arguments: ["merge": merge]
                )
            }
        }
        return true
    }

    /// Deletes some row groups of a segment that a merge holds; false when it is gone.
    private func deleteStep(_ segment: Int64, isSecure: Bool) throws(AlulaError) -> Bool {
        func step(_ db: Database) throws -> Bool {
            let isHeld = try Bool.fetchOne(
                db,
                sql: "SELECT merge IS NOT NULL FROM segment WHERE id = ?",
                arguments: [segment]
            )
            guard isHeld == true else { return false }
            return try OfflineStore.deleteGroups(ofSegment: segment, db)
        }
        return isSecure ? try writeSecurely(step) : try write(step)
    }

    /// Deletes some row groups of a segment with their blocks, and the segment when it has no more;
    /// false then.
    static func deleteGroups(ofSegment segment: Int64, _ db: Database) throws -> Bool {
        let groups = try Row.fetchAll(
            db,
            sql: """
                SELECT id, first_block, blocks FROM row_group WHERE segment = ? ORDER BY id
                LIMIT \(blocksOfStep)
                """,
            arguments: [segment]
        )
        var blocks: Int64 = 0
        for group in groups where blocks < Int64(blocksOfStep) {
            let (id, first, count): (Int64, Int64, Int64) = (group[0], group[1], group[2])
            blocks += count
            try db.execute(
                sql: "DELETE FROM block WHERE id >= ? AND id < ?",
                arguments: [first, first + count]
            )
            try db.execute(sql: "DELETE FROM row_group WHERE id = ?", arguments: [id])
        }
        guard groups.isEmpty else { return true }
        try db.execute(sql: "DELETE FROM segment WHERE id = ?", arguments: [segment])
        return false
    }

    /// Gives free pages back to the file system, in small transactions, but for some that what
    /// comes will need.
    ///
    /// Answers whether there was anything to do.
    func giveBackPages(
        keepsSome: Bool,
        isCancelled: () -> Bool = { false }
    ) throws(AlulaError) -> Bool {
        var isFirst = true
        while true {
            let (free, all) = try read { db in
                (
                    try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0,
                    try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
                )
            }
            let kept = keepsSome ? max(Self.fewestFreePages, all / Self.freePart) : 0
            guard free > kept else { return !isFirst }
            guard !isCancelled() else { return true }
            let step = min(Self.pagesOfStep, free - kept)
            try changing {
                try pool.writeWithoutTransaction {
                    try $0.execute(sql: "PRAGMA incremental_vacuum(\(step))")
                }
            }
            isFirst = false
        }
    }

    /// Brings a large write-ahead log into the file and cuts it, where no reader is in the way.
    package func cutLog() throws(AlulaError) {
        let log = try? FileManager.default.attributesOfItem(atPath: pool.path + "-wal")
        guard log?[.size] as? Int ?? 0 > Self.quietLogBytes else { return }
        _ = try changing { try pool.writeWithoutTransaction(Self.emptiesLog) }
    }
}
