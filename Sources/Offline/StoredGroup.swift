import Codec
import Domain
import GRDB
import struct Foundation.Data

/// A row group as its record has it, of whatever segment: published, staged, or not yet merged in.
struct StoredGroup: Sendable, Hashable {
    var id: Int64
    var segment: Int64
    var firstBlock: Int64
    var blocks: Int64
    var rows: Int
    var minKey: [UInt8]
    var maxKey: [UInt8]
    var minEvent: Int64
    var maxEvent: Int64
    /// The import that all rows came with.
    var importNumber: Int64?
    /// Its log entry, where it is published.
    var importEntry: UInt64?
    var features: String
    /// Whether answers may show its rows, now or when its import is published.
    var isOfHistory: Bool

    private static let columns = """
        g.id, g.segment, g.first_block, g.blocks, g.rows, g.min_key, g.max_key, g.min_event,
        g.max_event, s.import, i.log_entry, s.features, s.merge IS NULL
        """
    /// Groups at a time.
    static let pageGroups = 256

    /// The next groups of a view, in the order of their ids, but those that wait to be deleted.
    static func page(
        _ db: Database,
        of view: FeatureViewID,
        after id: Int64
    ) throws -> [StoredGroup] {
        try fetch(
            db,
            where: "s.view = ? AND g.id > ? AND (m.id IS NULL OR m.state = 'staged')",
            [Int64(view.number), id],
            order: "g.id LIMIT \(pageGroups)"
        )
    }

    /// The groups of a view, published or of a staged import, that may hold the key.
    static func ofHistory(
        _ db: Database,
        of view: FeatureViewID,
        key: [UInt8]
    ) throws -> [StoredGroup] {
        try fetch(
            db,
            where: "s.view = ? AND s.merge IS NULL AND g.max_key >= ? AND g.min_key <= ?",
            [Int64(view.number), Data(key), Data(key)],
            order: "g.id"
        )
    }

    static func ofSegment(_ db: Database, _ segment: Int64) throws -> [StoredGroup] {
        try fetch(db, where: "g.segment = ?", [segment], order: "g.id")
    }

    private static func fetch(
        _ db: Database,
        where condition: String,
        _ arguments: StatementArguments,
        order: String
    ) throws -> [StoredGroup] {
        let cursor = try Row.fetchCursor(
            db,
            sql: """
                SELECT \(columns)
                FROM row_group g
                JOIN segment s ON s.id = g.segment
                LEFT JOIN import i ON i.number = s.import
                LEFT JOIN merge m ON m.id = s.merge
                WHERE \(condition) ORDER BY \(order)
                """,
            arguments: arguments
        )
        var groups: [StoredGroup] = []
        while let row = try cursor.next() { groups.append(StoredGroup(row)) }
        return groups
    }

    private init(_ row: Row) {
        id = row[0]
        segment = row[1]
        firstBlock = row[2]
        blocks = row[3]
        rows = row[4]
        minKey = Array(row[5] as Data)
        maxKey = Array(row[6] as Data)
        minEvent = row[7]
        maxEvent = row[8]
        importNumber = row[9]
        importEntry = (row[10] as Int64?).map { UInt64(bitPattern: $0) }
        features = row[11]
        isOfHistory = row[12]
    }

    /// The types of its blocks, in their order.
    func types(_ keyTypes: [KeyType]) throws(AlulaError) -> [ValueType] {
        let slots = try FeatureSlots(features).slots.values.sorted { $0.index < $1.index }
        let entry: [ValueType] = importNumber == nil ? [.int64] : []
        return keyTypes.map(\.valueType) + [.timestamp, .timestamp, .int32] + entry
            + slots.map(\.type)
    }

    /// The column of one of its blocks.
    func column(_ index: Int, _ type: ValueType, _ reading: BlockReading) throws -> Domain.Column {
        try reading.column(
            SegmentMap.Block(id: firstBlock + Int64(index), type: type),
            rows: rows
        )
    }

    func keys(_ types: [KeyType], _ reading: BlockReading) throws -> SortableKeys {
        let columns = try types.enumerated().map { try column($0, $1.valueType, reading) }
        return SortableKeys(types, columns: columns)
    }

    /// What the rows are called in the log or in their import.
    func positions(_ keyTypes: [KeyType], _ reading: BlockReading) throws -> RowPositions {
        let number = try column(keyTypes.count + 2, .int32, reading).uint32s
        let entries =
            importNumber == nil
            ? try column(keyTypes.count + 3, .int64, reading).int64s : []
        return RowPositions(
            numbers: number,
            entries: entries,
            importNumber: importNumber,
            importEntry: importEntry
        )
    }
}

/// Where the rows of one group stand in the log.
struct RowPositions: Sendable {
    var numbers: [UInt32]
    /// Empty where all came with one import.
    var entries: [Int64]
    var importNumber: Int64?
    var importEntry: UInt64?

    /// The log entry of the deletion that takes this row of a forgotten key; nil where it lives.
    func deletion(_ row: Int, _ rule: ForgottenKeys.Rule) -> UInt64? {
        guard let importNumber else {
            return rule.deletion(entry: UInt64(bitPattern: entries[row]), number: numbers[row])
        }
        if let staged = rule.deletion(staged: importNumber, number: numbers[row]) { return staged }
        return importEntry.flatMap { rule.deletion(entry: $0, number: numbers[row]) }
    }
}
