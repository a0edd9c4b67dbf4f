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
        guard table.rows > 0, Int64(table.columns.count) <= Self.mostColumns else { return }
        let blocks = table.columns.map(BlockCodec.encode)
        let stamps = table.stamps
        try db.execute(
            sql: """
                INSERT INTO served_segment (project, model, kind, version, service, level, rows,
                    bytes, first, last, layout)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                name.project.text, name.model.text, kind.rawValue, version, service, level,
                table.rows, blocks.reduce(0) { $0 + $1.count }, stamps[0], stamps[table.rows - 1],
                table.layout.text,
            ]
        )
        try insert(blocks, of: db.lastInsertedRowID)
        guard kind == .vectors, level == 0 else { return }
        try ProfileFile(db).arrived(name.profiles, at: Timestamp(microseconds: stamps[0]))
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
        let blocks = table.columns.map(BlockCodec.encode)
        let stamps = table.stamps
        try deleteBlocks(segment)
        try insert(blocks, of: segment)
        try db.execute(
            sql: "UPDATE served_segment SET rows = ?, bytes = ?, first = ?, last = ? WHERE id = ?",
            arguments: [
                table.rows, blocks.reduce(0) { $0 + $1.count }, stamps[0], stamps[table.rows - 1],
                segment,
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
            bytes: row["bytes"],
            first: row["first"],
            last: row["last"],
            layout: try ServedLayout(text: row["layout"])
        )
    }

    /// The columns at these places of the layout.
    func columns(_ places: [Int], of segment: ServedSegment) throws -> [Domain.Column] {
        try places.map { place in
            let row = try Row.fetchOne(
                db.cachedStatement(sql: "SELECT bytes FROM served_block WHERE number = ?"),
                arguments: [segment.id * Self.mostColumns + Int64(place)]
            )
            guard let row else {
                throw AlulaError.corrupt("segment \(segment.id) of the log lacks column \(place)")
            }
            let type = segment.layout.entries[place].type
            return try row.withUnsafeData(atIndex: 0) { data in
                guard let data else {
                    throw AlulaError.corrupt("a column of segment \(segment.id) is empty")
                }
                return try unsafe data.withUnsafeBytes { raw in
                    try unsafe BlockCodec.decode(raw, type: type, rows: segment.rows)
                }
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
