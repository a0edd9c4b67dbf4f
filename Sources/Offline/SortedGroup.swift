import Codec
import Domain
import FoundationEssentials
import GRDB

/// What orders the rows of one row group, in memory: keys, times and positions, without features.
struct SortedGroup: Sendable {
    var keys: SortableKeys
    var events: [Int64]
    /// Created times; zero where there is none.
    var created: [Int64]
    /// Which rows have a created time; empty where all have.
    var createdValidity: [UInt8]
    var numbers: [UInt32]
    /// The log entry of all rows, or of each.
    var entries: RowEntries
    /// Whether some rows may be hidden by their log entries.
    var isPartlyHidden: Bool

    enum RowEntries: Sendable {
        case one(UInt64)
        case each([Int64])
    }

    var count: Int { events.count }

    func entry(_ row: Int) -> UInt64 {
        switch entries {
        case .one(let entry): entry
        case .each(let entries): UInt64(bitPattern: entries[row])
        }
    }

    func isCreatedKnown(_ row: Int) -> Bool {
        createdValidity.isEmpty || createdValidity[row >> 3] & (1 << UInt8(row & 7)) != 0
    }

    func order(_ row: Int) -> RowOrder {
        RowOrder(
            event: Timestamp(microseconds: events[row]),
            created: isCreatedKnown(row) ? Timestamp(microseconds: created[row]) : nil,
            position: LogPosition(entry: entry(row), row: numbers[row])
        )
    }
}

/// Reads blocks in one snapshot.
struct BlockReading {
    let db: Database
    private let statement: Statement

    init(_ db: Database) throws {
        self.db = db
        statement = try db.cachedStatement(sql: "SELECT bytes FROM block WHERE id = ?")
    }

    func column(_ block: SegmentMap.Block, rows: Int) throws -> Domain.Column {
        let cursor = try Row.fetchCursor(statement, arguments: [block.id])
        guard let row = try cursor.next() else {
            throw AlulaError.corrupt("block \(block.id) of history is missing")
        }
        return try row.withUnsafeData(atIndex: 0) { data in
            guard let data else {
                throw AlulaError.corrupt("block \(block.id) of history is empty")
            }
            return try unsafe data.withUnsafeBytes { raw in
                try unsafe BlockCodec.decode(raw, type: block.type, rows: rows)
            }
        }
    }

    /// A column of a group in the type asked for; nil where the segment does not have it.
    func column(
        _ content: SegmentMap.Content,
        of group: Int,
        in map: SegmentMap
    ) throws -> Domain.Column? {
        guard let block = map.block(content, of: group) else { return nil }
        let column = try column(block, rows: map.groups[group].rows)
        guard case .feature(let id, let type) = content else { return column }
        guard let widened = column.widened(to: type) else {
            throw AlulaError.refused(
                "feature \(id) is kept as \(column.type), asked for as \(type): that is narrower",
                help: "use a service version published after the feature was widened"
            )
        }
        return widened
    }

    func keys(of group: Int, in map: SegmentMap) throws -> SortableKeys {
        let columns = try map.keyTypes.indices.compactMap {
            try column(.key($0), of: group, in: map)
        }
        return SortableKeys(map.keyTypes, columns: columns)
    }

    func sortedGroup(_ group: Int, in map: SegmentMap) throws -> SortedGroup {
        func numbers(_ content: SegmentMap.Content) throws -> Domain.Column? {
            try column(content, of: group, in: map)
        }
        let stored = map.groups[group]
        guard let event = try numbers(.event), let created = try numbers(.created),
            let number = try numbers(.number)
        else { throw AlulaError.corrupt("a row group lacks its times") }
        let entries: SortedGroup.RowEntries
        if let entry = map.segments[stored.segment].importEntry {
            entries = .one(entry)
        } else {
            entries = .each(try numbers(.entry)?.int64s ?? [])
        }
        return SortedGroup(
            keys: try keys(of: group, in: map),
            events: event.int64s,
            created: created.int64s,
            createdValidity: created.validity,
            numbers: number.uint32s,
            entries: entries,
            isPartlyHidden: stored.isPartlyHidden
        )
    }
}
