import Codec
import Domain
import struct Foundation.Data
import GRDB

/// What a query has to read: the row groups of one view, and what they have in common by segment.
///
/// It stays true after its snapshot has ended, because blocks never change; where it was made with
/// pins, those that it names stay as long as it lives.
struct SegmentMap: Sendable {
    struct Segment: Sendable {
        var id: Int64
        /// The log entry of all its rows, where they came with one import; else each row has its own.
        var importEntry: UInt64?
        /// The log entries of its rows lie in this range.
        var entries: ClosedRange<UInt64>
        var features: FeatureSlots
    }

    struct Group: Sendable {
        var id: Int64
        var segment: Int
        var firstBlock: Int64
        var rows: Int
        /// Its least and its greatest key in canonical bytes.
        var keys: KeySpan
        /// Whether some of its rows may be hidden by their log entries.
        var isPartlyHidden: Bool
    }

    /// What a block of a group holds.
    enum Content: Sendable {
        case key(Int)
        case event
        case created
        case number
        case entry
        case feature(FeatureID, ValueType)
    }

    struct Block {
        var id: Int64
        var type: ValueType
    }

    let keyTypes: [KeyType]
    let hidden: HiddenRows
    private(set) var segments: [Segment] = []
    private(set) var groups: [Group] = []
    private var pin: SegmentPin?

    /// Nothing to read.
    init(view: FeatureView, through: UInt64) {
        keyTypes = view.entity.keys.map(\.type)
        hidden = HiddenRows(through: through, keyTypes: keyTypes)
    }

    /// Where a column of a group stands; nil for a feature the segment does not have, and for the
    /// log entry where all rows of the segment have the same.
    func block(_ content: Content, of group: Int) -> Block? {
        let segment = segments[groups[group].segment]
        let first = groups[group].firstBlock
        let keys = Int64(keyTypes.count)
        switch content {
        case .key(let part): return Block(id: first + Int64(part), type: keyTypes[part].valueType)
        case .event: return Block(id: first + keys, type: .timestamp)
        case .created: return Block(id: first + keys + 1, type: .timestamp)
        case .number: return Block(id: first + keys + 2, type: .int32)
        case .entry:
            return segment.importEntry == nil ? Block(id: first + keys + 3, type: .int64) : nil
        case .feature(let id, _):
            let features = first + keys + (segment.importEntry == nil ? 4 : 3)
            return segment.features.slots[id].map {
                Block(id: features + Int64($0.index), type: $0.type)
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
        /// Rows of earlier log entries do not matter, nor do those that were ever retracted; nil where
        /// all do.
        var arrivedFrom: UInt64?
    }

    /// The least and the greatest key in canonical bytes.
    struct KeySpan: Sendable, Hashable {
        var least: [UInt8]
        var greatest: [UInt8]
    }

    /// The published groups of the view that pass the filter, oldest segments first.
    ///
    /// A map that is read from in a later snapshot needs the store's pins.
    init(
        _ db: Database,
        view: FeatureView,
        filter: Filter,
        pins: SegmentPins? = nil
    ) throws {
        let hidden =
            try filter.arrivedFrom.map { first in
                try HiddenRows(db, view: view, butFor: first, through: filter.through)
            } ?? HiddenRows(db, view: view, through: filter.through)
        var arguments: StatementArguments = [
            Int64(view.id.number), filter.notAfter.microseconds,
        ]
        var keyCondition = ""
        if let keys = filter.keys {
            keyCondition = "AND g.max_key >= ? AND g.min_key <= ?"
            arguments += [Data(keys.least), Data(keys.greatest)]
        }
        try self.init(
            db,
            view: view,
            hidden: hidden,
            where: """
                s.view = ? AND s.merge IS NULL AND (s.import IS NULL OR i.log_entry IS NOT NULL)
                    AND g.min_event <= ? \(keyCondition)
                """,
            arguments: arguments,
            leavesOutHidden: true
        )
        pin = pins?.pin(segments.map(\.id))
    }

    /// All groups of these published segments of the view, in the order of their ids.
    init(
        _ db: Database,
        view: FeatureView,
        segments: [Int64],
        through: UInt64,
        pins: SegmentPins? = nil
    ) throws {
        let list = segments.map(String.init).joined(separator: ",")
        try self.init(
            db,
            view: view,
            hidden: HiddenRows(db, view: view, through: through),
            where: "s.view = ? AND s.id IN (\(list))",
            arguments: [Int64(view.id.number)],
            leavesOutHidden: false
        )
        pin = pins?.pin(segments)
    }

    private init(
        _ db: Database,
        view: FeatureView,
        hidden: HiddenRows,
        where condition: String,
        arguments: StatementArguments,
        leavesOutHidden: Bool
    ) throws {
        keyTypes = view.entity.keys.map(\.type)
        self.hidden = hidden
        let cursor = try Row.fetchCursor(
            db,
            sql: """
                SELECT s.id, g.first_block, g.rows, s.first_entry, s.last_entry, s.features,
                    i.log_entry, g.id, g.min_key, g.max_key
                FROM segment s
                JOIN row_group g ON g.segment = s.id
                LEFT JOIN import i ON i.number = s.import
                WHERE \(condition)
                ORDER BY s.id, g.id
                """,
            arguments: arguments
        )
        var known: [String: FeatureSlots] = [:]
        var last: Int64?
        var isLeftOut = false
        while let row = try cursor.next() {
            let id: Int64 = row[0]
            if id != last {
                let segment = try SegmentMap.segment(row, &known)
                isLeftOut = leavesOutHidden && hidden.hidesAll(segment.entries)
                if !isLeftOut { segments.append(segment) }
            }
            last = id
            guard !isLeftOut else { continue }
            groups.append(
                Group(
                    id: row[7],
                    segment: segments.count - 1,
                    firstBlock: row[1],
                    rows: row[2],
                    keys: KeySpan(least: Array(row[8] as Data), greatest: Array(row[9] as Data)),
                    isPartlyHidden: hidden.mayHide(segments[segments.count - 1].entries)
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
        if let entry: Int64 = row[6] {
            let entry = UInt64(entry)
            return Segment(
                id: row[0],
                importEntry: entry,
                entries: entry...entry,
                features: features
            )
        }
        guard let first: Int64 = row[3], let last: Int64 = row[4], first <= last else {
            throw AlulaError.corrupt("a segment does not say which log entries it holds")
        }
        return Segment(
            id: row[0],
            importEntry: nil,
            entries: UInt64(first)...UInt64(last),
            features: features
        )
    }
}
