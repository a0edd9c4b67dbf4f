import Codec
import Domain
import struct Foundation.Data
import GRDB

/// Rows of one view, at least one, that are to become a segment, in the order of their positions.
struct NewSegment {
    var rows: FeatureRows
    var layout: RowLayout
    /// For each row its log entry.
    var entries: [Int64]
    /// For each row its number in the log entry.
    var numbers: [UInt32]

    static func check(_ rows: FeatureRows, layout: RowLayout) throws(AlulaError) {
        guard rows.features.map(\.type) == layout.slots.map(\.type), !rows.keys.isEmpty else {
            throw .invalid(
                "rows of view \(rows.view) do not have the columns of layout \(layout.version)"
            )
        }
    }
}

/// Writes segments within one transaction.
struct SegmentWriter {
    private let db: Database
    private var nextBlock: Int64

    init(_ db: Database) throws {
        self.db = db
        nextBlock = try SegmentWriter.nextBlock(db)
    }

    /// The first block that nobody has, nor is to have.
    static func nextBlock(_ db: Database) throws -> Int64 {
        let last = try Int64.fetchOne(
            db,
            sql: """
                SELECT MAX(IFNULL((SELECT MAX(id) FROM block), 0),
                    IFNULL((SELECT MAX(last_block) FROM merge), 0))
                """
        )
        return (last ?? 0) + 1
    }

    mutating func write(_ segment: EncodedSegment) throws {
        try db.execute(
            sql: """
                INSERT INTO segment
                    (view, first_entry, last_entry, features, rows, oldest_event, newest_event)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                Int64(segment.view.number), segment.entries.lowerBound,
                segment.entries.upperBound, segment.features, segment.rows,
                segment.events.lowerBound, segment.events.upperBound,
            ]
        )
        let id = db.lastInsertedRowID
        for group in segment.groups { try write(group, segmentID: id) }
    }

    private mutating func write(_ group: EncodedSegment.Group, segmentID: Int64) throws {
        try db.execute(
            literal: """
                INSERT INTO row_group
                    (segment, first_block, blocks, rows, min_key, max_key, min_event, max_event)
                VALUES (\(segmentID), \(nextBlock), \(group.blocks.count), \(group.rows),
                    \(Data(group.keys.first)), \(Data(group.keys.last)),
                    \(group.events.lowerBound), \(group.events.upperBound))
                """
        )
        let insert = try db.cachedStatement(sql: "INSERT INTO block (id, bytes) VALUES (?, ?)")
        for bytes in group.blocks {
            try insert.execute(arguments: [nextBlock, Data(bytes)])
            nextBlock += 1
        }
    }
}

/// The order of the rows of a segment.
enum RowSorting {
    private struct Item {
        var prefix: UInt64
        var event: Int64
        var row: Int32
    }

    /// Row numbers by key, event time, created time with none first, and position, which ascends
    /// already.
    static func order(
        keys: SortableKeys,
        event: Domain.Column,
        created createdTimes: Domain.Column
    ) -> [Int32] {
        let events = event.int64s
        let created = createdTimes.int64s
        func isBefore(_ left: Int32, _ right: Int32) -> Bool {
            let (leftRow, rightRow) = (Int(left), Int(right))
            let (leftKnown, rightKnown) = (
                createdTimes.isValid(leftRow), createdTimes.isValid(rightRow)
            )
            if leftKnown != rightKnown { return rightKnown }
            if leftKnown, created[leftRow] != created[rightRow] {
                return created[leftRow] < created[rightRow]
            }
            return left < right
        }
        if keys.isExact, var order = KeyTimeOrder.rows(keys: keys.prefixes, times: events) {
            sortTies(&order, keys.prefixes, events, by: isBefore)
            return order
        }
        var items = (0..<event.count).map {
            Item(prefix: keys.prefixes[$0], event: events[$0], row: Int32($0))
        }
        items.sort { left, right in
            if left.prefix != right.prefix { return left.prefix < right.prefix }
            if !keys.isExact {
                let tail = keys.compareTails(Int(left.row), keys, Int(right.row))
                if tail != 0 { return tail < 0 }
            }
            if left.event != right.event { return left.event < right.event }
            return isBefore(left.row, right.row)
        }
        return items.map(\.row)
    }

    /// Puts rows of one key and event time in order.
    private static func sortTies(
        _ order: inout [Int32],
        _ keys: [UInt64],
        _ events: [Int64],
        by isBefore: (Int32, Int32) -> Bool
    ) {
        var start = 0
        while start < order.count {
            let first = Int(order[start])
            var end = start + 1
            while end < order.count, keys[Int(order[end])] == keys[first],
                events[Int(order[end])] == events[first]
            {
                end += 1
            }
            if end - start > 1 { order[start..<end].sort(by: isBefore) }
            start = end
        }
    }
}

extension Domain.Column {
    /// The type of a key column; nil for a type that no key has.
    var keyType: KeyType? { KeyType.allCases.first { $0.valueType == type } }
}
