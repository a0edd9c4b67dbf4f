import Codec
import Domain
import struct Foundation.Data
import GRDB

/// What a query has to read: the row groups of one view, and what they have in common by segment.
///
/// It stays true after its snapshot has ended, because segments never change.
struct SegmentMap: Sendable {
    struct Segment: Sendable {
        var importID: String?
        /// One for each log entry that gave rows; for an import the one that published it.
        var pieces: [SegmentPiece]
        var features: FeatureSlots
    }

    struct Group: Sendable {
        var segment: Int
        var firstBlock: Int64
        var rows: Int
        /// Whether rows of it came after the position that the query looks from.
        var isPartlyHidden: Bool
    }

    /// What a block of a group holds.
    enum Content: Sendable {
        case key(Int)
        case event
        case created
        case number
        case piece
        case feature(FeatureID, ValueType)
    }

    struct Block {
        var id: Int64
        var type: ValueType
    }

    let keyTypes: [KeyType]
    private(set) var segments: [Segment] = []
    private(set) var groups: [Group] = []

    init(view: FeatureView) { keyTypes = view.entity.keys.map(\.type) }

    /// Where a column of a group stands; nil for a feature the segment does not have, and for the
    /// piece where there is only one.
    func block(_ content: Content, of group: Int) -> Block? {
        let segment = segments[groups[group].segment]
        let first = groups[group].firstBlock
        let keys = Int64(keyTypes.count)
        switch content {
        case .key(let part): return Block(id: first + Int64(part), type: keyTypes[part].valueType)
        case .event: return Block(id: first + keys, type: .timestamp)
        case .created: return Block(id: first + keys + 1, type: .timestamp)
        case .number: return Block(id: first + keys + 2, type: .int32)
        case .piece:
            return segment.pieces.count > 1 ? Block(id: first + keys + 3, type: .int32) : nil
        case .feature(let id, _):
            let pieces: Int64 = segment.pieces.count > 1 ? 1 : 0
            return segment.features.slots[id].map {
                Block(id: first + keys + 3 + pieces + Int64($0.index), type: $0.type)
            }
        }
    }
}

extension SegmentMap {
    /// Which groups may matter.
    struct Filter {
        var through: UInt64
        /// Nil where all keys matter.
        var keys: KeySpan?
        /// Rows of later events do not matter.
        var notAfter: Timestamp
    }

    /// The least and the greatest key in canonical bytes.
    struct KeySpan {
        var least: [UInt8]
        var greatest: [UInt8]
    }

    /// The published groups of the view that pass the filter, oldest segments first.
    init(_ db: Database, view: FeatureView, filter: Filter) throws {
        self.init(view: view)
        let through = Int64(clamping: filter.through)
        var arguments: StatementArguments = [
            Int64(view.id.number), through, through, filter.notAfter.microseconds,
        ]
        var keyCondition = ""
        if let keys = filter.keys {
            keyCondition = "AND g.max_key >= ? AND g.min_key <= ?"
            arguments += [Data(keys.least), Data(keys.greatest)]
        }
        let cursor = try Row.fetchCursor(
            db,
            sql: """
                SELECT s.id, g.first_block, g.rows, s.last_entry, s.pieces, s.features, i.id,
                    i.log_entry, i.recorded
                FROM segment s
                JOIN row_group g ON g.segment = s.id
                LEFT JOIN import i ON i.number = s.import
                WHERE s.view = ? AND (s.first_entry <= ? OR i.log_entry <= ?) AND g.min_event <= ?
                    \(keyCondition)
                ORDER BY s.id, g.id
                """,
            arguments: arguments
        )
        var known: [String: FeatureSlots] = [:]
        var last: Int64?
        while let row = try cursor.next() {
            let id: Int64 = row[0]
            if id != last { segments.append(try SegmentMap.segment(row, &known)) }
            last = id
            let lastEntry: Int64? = row[3]
            groups.append(
                Group(
                    segment: segments.count - 1,
                    firstBlock: row[1],
                    rows: row[2],
                    isPartlyHidden: lastEntry.map { $0 > through } ?? false
                )
            )
        }
    }

    private static func segment(_ row: Row, _ known: inout [String: FeatureSlots]) throws -> Segment
    {
        let text: String = row[5]
        let features: FeatureSlots
        if let seen = known[text] { features = seen } else { features = try FeatureSlots(text) }
        known[text] = features
        if let importID: String = row[6] {
            let piece = SegmentPiece(
                entry: UInt64(row[7] as Int64),
                recorded: Timestamp(microseconds: row[8])
            )
            return Segment(importID: importID, pieces: [piece], features: features)
        }
        let pieces: Data = row[4]
        return Segment(importID: nil, pieces: try PieceList.decode(pieces), features: features)
    }
}
