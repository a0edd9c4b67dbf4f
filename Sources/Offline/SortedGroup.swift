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

    var count: Int { events.count }

    func entry(_ row: Int) -> UInt64 { entries[row] }

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

/// The log entries of some rows.
enum RowEntries: Sendable {
    /// Of all of them.
    case one(UInt64)
    case each([Int64])

    subscript(row: Int) -> UInt64 {
        switch self {
        case .one(let entry): entry
        case .each(let entries): UInt64(bitPattern: entries[row])
        }
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

    /// Gives the block; it is valid in the body only.
    func read<T>(
        _ block: SegmentMap.Block,
        rows: Int,
        _ body: (StoredBlock) throws -> T
    ) throws -> T {
        let cursor = try Row.fetchCursor(statement, arguments: [block.id])
        guard let row = try cursor.next() else {
            throw AlulaError.corrupt("block \(block.id) of history is missing")
        }
        return try row.withUnsafeData(atIndex: 0) { data in
            guard let data else {
                throw AlulaError.corrupt("block \(block.id) of history is empty")
            }
            return try unsafe data.withUnsafeBytes { raw in
                try body(
                    try unsafe StoredBlock(raw, type: block.type, rows: rows)
                )
            }
        }
    }

    func column(_ block: SegmentMap.Block, rows: Int) throws -> Domain.Column {
        try read(block, rows: rows) { try $0.column() }
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
        return SortedGroup(
            keys: try keys(of: group, in: map),
            events: event.int64s,
            created: created.int64s,
            createdValidity: created.validity,
            numbers: number.uint32s,
            entries: try entries(of: group, in: map),
            isPartlyHidden: stored.isPartlyHidden
        )
    }
    private func entries(of group: Int, in map: SegmentMap) throws -> RowEntries {
        if let entry = map.segments[map.groups[group].segment].importEntry { return .one(entry) }
        return .each(try column(.entry, of: group, in: map)?.int64s ?? [])
    }

    /// What a join needs of a group; with `details` also created times and positions.
    func joinGroup(_ group: Int, in map: SegmentMap, withDetails: Bool) throws -> JoinGroup {
        let keys = try map.keyTypes.indices.compactMap {
            try column(.key($0), of: group, in: map)
        }
        guard let event = try column(.event, of: group, in: map) else {
            throw AlulaError.corrupt("a row group lacks its times")
        }
        var details: JoinGroup.Details?
        if withDetails {
            guard let created = try column(.created, of: group, in: map),
                let number = try column(.number, of: group, in: map)
            else { throw AlulaError.corrupt("a row group lacks its times") }
            details = JoinGroup.Details(
                created: created.int64s,
                createdValidity: created.validity,
                numbers: number.uint32s,
                entries: try entries(of: group, in: map)
            )
        }
        return JoinGroup(
            runs: KeyRuns(map.keyTypes, columns: keys),
            events: event.int64s,
            details: details,
            isPartlyHidden: map.groups[group].isPartlyHidden
        )
    }
}
