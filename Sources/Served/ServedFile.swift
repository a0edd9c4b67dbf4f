import Codec
import Domain
import GRDB
import Profiles
import struct Foundation.Data

/// What a segment holds.
enum ServedKind: Int, Sendable {
    case vectors = 0
    case predictions = 1
    case outcomes = 2
    /// Predictions that could not be made.
    case failures = 3

    /// What is logged of vectors.
    static let values: [ServedKind] = [.predictions, .failures, .outcomes]
}

/// A segment of the log as its table tells of it.
struct ServedSegment: Sendable {
    var id: Int64
    var name: ServedModel.Name
    var kind: ServedKind
    var version: UInt32
    var service: String
    var level: Int
    var rows: Int
    /// Vectors that are stored; nil where that is one for each row.
    var distinctRows: Int?
    var bytes: Int
    var first: Int64
    var last: Int64
    var layout: ServedLayout
}

/// The tables of the prediction log in `offline.sqlite`.
struct ServedFile {
    let db: Database

    static let mostColumns: Int64 = 8_192

    init(_ db: Database) { self.db = db }

    /// Writes the rows as a segment; they are sorted.
    func insert(
        _ table: ServedTable,
        _ name: ServedModel.Name,
        _ kind: ServedKind,
        version: UInt32 = 0,
        service: String = "",
        level: Int = 0
    ) throws {
        guard table.rows > 0, Int64(table.columns.count) < Self.mostColumns else { return }
        let (blocks, distinct) = Self.blocks(table)
        let stamps = table.stamps
        try db.execute(
            sql: """
                INSERT INTO served_segment (project, model, kind, version, service, level, rows,
                    distinct_rows, bytes, first, last, layout)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                name.project.text, name.model.text, kind.rawValue, version, service, level,
                table.rows, distinct, blocks.reduce(0) { $0 + $1.count }, stamps[0],
                stamps[table.rows - 1], table.layout.text,
            ]
        )
        try insert(blocks, of: db.lastInsertedRowID)
        guard kind == .vectors, level == 0 else { return }
        try ProfileFile(db).arrived(name.profiles, at: Timestamp(microseconds: stamps[0]))
    }

    /// The blocks of a segment, and how many vectors they hold where many rows share one: then the
    /// last block says which row has which.
    private static func blocks(_ table: ServedTable) -> (blocks: [[UInt8]], distinct: Int?) {
        guard let repeats = RowRepeats(table) else {
            return (table.columns.map(BlockCodec.encode), nil)
        }
        let blocks = zip(table.layout.entries, table.columns).map { entry, column in
            BlockCodec.encode(
                entry.content.isOfVector ? column.taking(repeats.distinct[...]) : column
            )
        }
        return (
            blocks + [BlockCodec.encode(Column(int64s: repeats.places))], repeats.distinct.count
        )
    }

    private func insert(_ blocks: [[UInt8]], of segment: Int64) throws {
        let insert = try db.cachedStatement(
            sql: "INSERT INTO served_block (number, bytes) VALUES (?, ?)"
        )
        for (number, block) in blocks.enumerated() {
            let place = segment * Self.mostColumns + Int64(number)
            try insert.execute(arguments: [place, Data(block)])
        }
    }

    /// Puts fewer rows in the place of a segment's; without rows it goes.
    func replace(_ segment: Int64, by table: ServedTable) throws {
        guard table.rows > 0 else { return try delete(segment) }
        let (blocks, distinct) = Self.blocks(table)
        let stamps = table.stamps
        try deleteBlocks(segment)
        try insert(blocks, of: segment)
        try db.execute(
            sql: """
                UPDATE served_segment
                SET rows = ?, distinct_rows = ?, bytes = ?, first = ?, last = ? WHERE id = ?
                """,
            arguments: [
                table.rows, distinct, blocks.reduce(0) { $0 + $1.count }, stamps[0],
                stamps[table.rows - 1], segment,
            ]
        )
    }

    func delete(_ segment: Int64) throws {
        try deleteBlocks(segment)
        try db.execute(sql: "DELETE FROM served_segment WHERE id = ?", arguments: [segment])
    }

    private func deleteBlocks(_ segment: Int64) throws {
        try db.execute(
            sql: "DELETE FROM served_block WHERE number BETWEEN ? AND ?",
            arguments: [segment * Self.mostColumns, (segment + 1) * Self.mostColumns - 1]
        )
    }
}

extension ServedFile {
    /// By their first prediction.
    func segments(
        of name: ServedModel.Name,
        _ kind: ServedKind,
        from first: Int64 = .min,
        through last: Int64 = .max
    ) throws -> [ServedSegment] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT * FROM served_segment
                WHERE project = ? AND model = ? AND kind = ? AND first <= ? AND last >= ?
                ORDER BY first, id
                """,
            arguments: [name.project.text, name.model.text, kind.rawValue, last, first]
        ).map(Self.segment)
    }

    /// Nil where it has gone.
    func segment(_ id: Int64) throws -> ServedSegment? {
        try Row.fetchOne(
            db,
            sql: "SELECT * FROM served_segment WHERE id = ?",
            arguments: [id]
        ).map(Self.segment)
    }

    private static func segment(_ row: Row) throws -> ServedSegment {
        ServedSegment(
            id: row["id"],
            name: ServedModel.Name(
                try ProjectName(row["project"], as: "project"),
                try RegisteredModelName(row["model"], as: "model")
            ),
            kind: ServedKind(rawValue: row["kind"]) ?? .vectors,
            version: row["version"],
            service: row["service"],
            level: row["level"],
            rows: row["rows"],
            distinctRows: row["distinct_rows"],
            bytes: row["bytes"],
            first: row["first"],
            last: row["last"],
            layout: try ServedLayout(text: row["layout"])
        )
    }

    /// The columns at these places of the layout.
    func columns(_ places: [Int], of segment: ServedSegment) throws -> [Domain.Column] {
        let entries = segment.layout.entries
        var picks: [Int32]?
        if let distinct = segment.distinctRows,
            places.contains(where: { entries[$0].content.isOfVector })
        {
            picks = try self.picks(distinct, of: segment)
        }
        return try places.map { place in
            let entry = entries[place]
            guard let picks, entry.content.isOfVector else {
                return try block(place, entry.type, rows: segment.rows, of: segment)
            }
            let rows = segment.distinctRows ?? segment.rows
            return try block(place, entry.type, rows: rows, of: segment).taking(picks[...])
        }
    }

    /// For each row, which of the stored vectors it has.
    private func picks(_ distinct: Int, of segment: ServedSegment) throws -> [Int32] {
        let place = segment.layout.entries.count
        let picks = try block(place, .int64, rows: segment.rows, of: segment).int64s
        guard picks.allSatisfy({ $0 >= 0 && $0 < distinct }) else {
            throw AlulaError.corrupt(
                "segment \(segment.id) of the log has rows of a vector beyond its \(distinct)"
            )
        }
        return picks.map { Int32(truncatingIfNeeded: $0) }
    }

    private func block(
        _ place: Int,
        _ type: ValueType,
        rows: Int,
        of segment: ServedSegment
    ) throws -> Domain.Column {
        let row = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT bytes FROM served_block WHERE number = ?"),
            arguments: [segment.id * Self.mostColumns + Int64(place)]
        )
        guard let row else {
            throw AlulaError.corrupt("segment \(segment.id) of the log lacks column \(place)")
        }
        return try row.withUnsafeData(atIndex: 0) { data in
            guard let data else {
                throw AlulaError.corrupt("a column of segment \(segment.id) is empty")
            }
            return try unsafe data.withUnsafeBytes { raw in
                try unsafe BlockCodec.decode(raw, type: type, rows: rows)
            }
        }
    }

    func table(_ segment: ServedSegment) throws -> ServedTable {
        ServedTable(
            layout: segment.layout,
            columns: try columns(Array(segment.layout.entries.indices), of: segment),
            rows: segment.rows
        )
    }
}
