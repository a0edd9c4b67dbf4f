import Domain
import GRDB
import struct Foundation.Data

/// Puts row groups without the rows of forgotten keys in the place of those with them.
///
/// What is cut out stands in a segment of a merge that is done from then on, and goes as such: when
/// nobody reads it.
struct EraseWriter {
    private let store: OfflineStore
    private let view: FeatureViewID
    private var waiting: [GroupErasure] = []
    private var waitingBytes = 0

    init(_ store: OfflineStore, view: FeatureViewID) {
        self.store = store
        self.view = view
    }

    /// Takes the next group, and writes when there are enough.
    mutating func add(_ erasure: GroupErasure) throws(AlulaError) {
        let bytes = erasure.rest?.blocks.reduce(0) { $0 + $1.count } ?? 0
        let isFull = waitingBytes + bytes > MergeWriter.mostBytes / 2
        if waiting.count >= StoredGroup.pageGroups || isFull { try flush() }
        waiting.append(erasure)
        waitingBytes += bytes
    }

    mutating func flush() throws(AlulaError) {
        guard !waiting.isEmpty else { return }
        let erasures = waiting
        waiting = []
        waitingBytes = 0
        var swap = Swap(erasures)
        do throws(AlulaError) {
            let sizes = swap.blocks.map(\.count)
            let parts = sizes.isEmpty ? [0..<0] : MergeWriter.transactions(sizes)
            for (number, part) in parts.enumerated() {
                try store.writeSecurely { db in
                    if number == 0 {
                        try swap.begin(view, db)
                        store.merges.began(swap.merge)
                    }
                    try swap.insert(part, db)
                    guard number == parts.count - 1 else { return }
                    let segments = try swap.finish(db)
                    store.pins.holdCuttings(swap.segment, of: segments)
                }
            }
            store.pins.replaced(swap.segment)
            store.merges.ended(swap.merge)
        } catch {
            store.merges.ended(swap.merge)
            store.pins.forget([swap.segment])
            throw error
        }
    }
}

/// The steps of one exchange of row groups.
private struct Swap {
    let erasures: [GroupErasure]
    let blocks: [[UInt8]]
    /// The merge that holds what is new before the exchange and what is old behind it.
    private(set) var merge: Int64 = 0
    private(set) var segment: Int64 = 0
    private var firstBlock: Int64 = 0
    /// For each group that has rows left, the row group that stands for what it is to be.
    private var standIns: [Int64: Int64] = [:]

    init(_ erasures: [GroupErasure]) {
        self.erasures = erasures
        blocks = erasures.flatMap { $0.rest?.blocks ?? [] }
    }

    mutating func begin(_ view: FeatureViewID, _ db: Database) throws {
        firstBlock = try SegmentWriter.nextBlock(db)
        try db.execute(
            sql: "INSERT INTO merge (view, state, last_block) VALUES (?, 'writing', ?)",
            arguments: [Int64(view.number), firstBlock + Int64(blocks.count) - 1]
        )
        merge = db.lastInsertedRowID
        try db.execute(
            sql: """
                INSERT INTO segment
                    (view, first_entry, last_entry, features, rows, oldest_event, newest_event,
                        merge)
                VALUES (?, 0, 0, '', 0, 0, 0, ?)
                """,
            arguments: [Int64(view.number), merge]
        )
        segment = db.lastInsertedRowID
        var next = firstBlock
        for erasure in erasures {
            guard let rest = erasure.rest else { continue }
            try db.execute(
                literal: """
                    INSERT INTO row_group
                        (segment, first_block, blocks, rows, min_key, max_key, min_event,
                            max_event)
                    VALUES (\(segment), \(next), \(rest.blocks.count), \(rest.rows), x'', x'', 0, 0)
                    """
            )
            standIns[erasure.group.id] = db.lastInsertedRowID
            next += Int64(rest.blocks.count)
        }
    }

    func insert(_ part: Range<Int>, _ db: Database) throws {
        let insert = try db.cachedStatement(sql: "INSERT INTO block (id, bytes) VALUES (?, ?)")
        for block in part {
            try insert.execute(arguments: [firstBlock + Int64(block), Data(blocks[block])])
        }
    }

    /// Answers the segments that rows were cut out of.
    func finish(_ db: Database) throws -> [Int64] {
        var segments: Set<Int64> = []
        var next = firstBlock
        for erasure in erasures {
            let (group, first) = (erasure.group, next)
            next += Int64(erasure.rest?.blocks.count ?? 0)
            let stands = try Int64.fetchOne(
                db,
                sql: "SELECT first_block FROM row_group WHERE id = ? AND segment = ?",
                arguments: [group.id, group.segment]
            )
            guard stands == group.firstBlock else { continue }
            segments.insert(group.segment)
            if let rest = erasure.rest, let standIn = standIns[group.id] {
                try exchange(group, for: rest, at: first, standIn, db)
            } else {
                try db.execute(
                    sql:
                        "UPDATE row_group SET segment = ?, min_key = x'', max_key = x'' WHERE id = ?",
                    arguments: [segment, group.id]
                )
            }
            guard group.isOfHistory else { continue }
            for (deletion, rows) in erasure.taken {
                try db.execute(
                    sql: "UPDATE removal SET rows = rows + ? WHERE log_entry = ?",
                    arguments: [Int64(rows), Int64(bitPattern: deletion)]
                )
            }
        }
        for segment in segments { try count(segment, db) }
        try db.execute(sql: "UPDATE merge SET state = 'done' WHERE id = ?", arguments: [merge])
        return segments.sorted()
    }

    private func exchange(
        _ group: StoredGroup,
        for rest: GroupErasure.Rest,
        at first: Int64,
        _ standIn: Int64,
        _ db: Database
    ) throws {
        try db.execute(
            literal: """
                UPDATE row_group SET first_block = \(first), blocks = \(rest.blocks.count),
                    rows = \(rest.rows), min_key = \(Data(rest.minKey)),
                    max_key = \(Data(rest.maxKey)), min_event = \(rest.minEvent),
                    max_event = \(rest.maxEvent)
                WHERE id = \(group.id)
                """
        )
        try db.execute(
            literal: """
                UPDATE row_group SET first_block = \(group.firstBlock), blocks = \(group.blocks),
                    rows = \(group.rows)
                WHERE id = \(standIn)
                """
        )
    }

    /// Brings the segment's figures up to date; without groups it goes.
    private func count(_ segment: Int64, _ db: Database) throws {
        let figures = try Row.fetchOne(
            db,
            sql: """
                SELECT SUM(rows), MIN(min_event), MAX(max_event) FROM row_group WHERE segment = ?
                """,
            arguments: [segment]
        )
        if let figures, let rows: Int64 = figures[0] {
            let (oldest, newest): (Int64, Int64) = (figures[1], figures[2])
            try db.execute(
                sql: """
                    UPDATE segment SET rows = ?, oldest_event = ?, newest_event = ? WHERE id = ?
                    """,
                arguments: [rows, oldest, newest, segment]
            )
        } else {
            try db.execute(
                sql: "DELETE FROM merge_input WHERE segment = ?",
                arguments: [segment]
            )
            try db.execute(sql: "DELETE FROM segment WHERE id = ?", arguments: [segment])
        }
    }
}
