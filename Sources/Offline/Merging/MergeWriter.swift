import Codec
import Domain
import GRDB
import struct Foundation.Data

/// Writes the one segment of a merge in small transactions; no query sees it before it is put in
/// the place of what the merge has read.
struct MergeWriter {
    /// Bytes of one transaction, at most.
    static let mostBytes = 8 << 20
    /// What a transaction writes besides blocks: the inner pages of the tables.
    private static let overheadBytes = 512 << 10
    private static let pageBytes = 16_384

    let merge: Int64
    let segment: Int64
    private(set) var rows: UInt64 = 0
    private let store: OfflineStore
    private var waiting: [EncodedGroup] = []
    private var waitingCost = 0
    private var entries: (least: UInt64, greatest: UInt64) = (.max, .min)
    private var events: (least: Int64, greatest: Int64) = (.max, .min)

    init(_ store: OfflineStore, view: FeatureViewID, layout: RowLayout) throws(AlulaError) {
        self.store = store
        (merge, segment) = try store.write { db in
            try db.execute(
                sql: "INSERT INTO merge (view, state) VALUES (?, 'writing')",
                arguments: [Int64(view.number)]
            )
            let merge = db.lastInsertedRowID
            store.merges.began(merge)
            try db.execute(
                sql: """
                    INSERT INTO segment
                        (view, first_entry, last_entry, features, rows, oldest_event,
                            newest_event, merge)
                    VALUES (?, 0, 0, ?, 0, 0, 0, ?)
                    """,
                arguments: [Int64(view.number), FeatureSlots.encode(layout), merge]
            )
            return (merge, db.lastInsertedRowID)
        }
    }

    /// Takes the next groups, and writes them when there are enough.
    mutating func write(
        _ group: EncodedGroup,
        isCancelled: () -> Bool
    ) throws(AlulaError) {
        let cost = group.blocks.reduce(0) { $0 + MergeWriter.cost($1.count) }
        if waitingCost > 0, waitingCost + cost > Self.mostBytes - Self.overheadBytes {
            try flush(isCancelled: isCancelled)
        }
        waiting.append(group)
        waitingCost += cost
        rows += UInt64(group.rows)
        entries = (
            min(entries.least, group.entries.lowerBound),
            max(entries.greatest, group.entries.upperBound)
        )
        events = (
            min(events.least, group.events.lowerBound),
            max(events.greatest, group.events.upperBound)
        )
    }

    mutating func flush(isCancelled: () -> Bool) throws(AlulaError) {
        guard !waiting.isEmpty else { return }
        let groups = waiting
        let blocks = waiting.flatMap(\.blocks)
        waiting = []
        waitingCost = 0
        var first: Int64 = 0
        for part in MergeWriter.transactions(blocks.map(\.count)) {
            try checkCancelled(isCancelled)
            try store.write { db in
                if part.lowerBound == 0 { first = try reserve(groups, db) }
                let insert = try db.cachedStatement(
                    sql: "INSERT INTO block (id, bytes) VALUES (?, ?)"
                )
                for block in part {
                    try insert.execute(arguments: [first + Int64(block), Data(blocks[block])])
                }
            }
        }
    }

    /// Notes the groups and which blocks are theirs, so that nobody else takes them.
    private func reserve(_ groups: [EncodedGroup], _ db: Database) throws -> Int64 {
        let first = try SegmentWriter.nextBlock(db)
        var next = first
        for group in groups {
            try db.execute(
                literal: """
                    INSERT INTO row_group
                        (segment, first_block, blocks, rows, min_key, max_key, min_event,
                            max_event)
                    VALUES (\(segment), \(next), \(group.blocks.count), \(group.rows),
                        \(Data(group.keys.least)), \(Data(group.keys.greatest)),
                        \(group.events.lowerBound), \(group.events.upperBound))
                    """
            )
            next += Int64(group.blocks.count)
        }
        try db.execute(
            sql: "UPDATE merge SET last_block = ? WHERE id = ?",
            arguments: [next - 1, merge]
        )
        return first
    }

    /// Notes what the segment holds, when all of it is there.
    func finish(_ db: Database) throws {
        guard rows > 0 else { return }
        try db.execute(
            sql: """
                UPDATE segment SET first_entry = ?, last_entry = ?, rows = ?, oldest_event = ?,
                    newest_event = ?
                WHERE id = ?
                """,
            arguments: [
                Int64(bitPattern: entries.least), Int64(bitPattern: entries.greatest),
                Int64(rows), events.least, events.greatest, segment,
            ]
        )
    }

    /// Blocks of these sizes in transactions that keep the limit; a block that does not has one of
    /// its own.
    static func transactions(_ sizes: [Int]) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var (start, sum) = (0, 0)
        for (index, size) in sizes.enumerated() {
            if index > start, sum + cost(size) > mostBytes - overheadBytes {
                parts.append(start..<index)
                (start, sum) = (index, 0)
            }
            sum += cost(size)
        }
        if start < sizes.count { parts.append(start..<sizes.count) }
        return parts
    }

    /// Bytes that a block takes in pages.
    private static func cost(_ size: Int) -> Int {
        size < pageBytes / 4 ? size + 16 : (size / pageBytes + 2) * pageBytes
    }
}
