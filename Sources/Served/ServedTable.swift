import Codec
import Domain

/// What the columns of a segment hold.
struct ServedLayout: Sendable, Hashable {
    enum Content: String, Sendable {
        /// The time of the prediction id, and the rest of it.
        case stamp, rest
        case stage
        case logEntry = "log_entry"
        case key
        /// A feature of a part, a field of the request.
        case feature, request
        /// Of the row of a part: its status and its event time.
        case status, event
        /// A prediction or an outcome; of a failure why.
        case value
        /// When the outcome came true, and when it was logged.
        case time, recorded
    }

    struct Entry: Sendable, Hashable {
        var content: Content
        var name: String
        var type: ValueType
        /// The part of a feature.
        var part = ""
    }

    /// An entity, and the key columns that hold one of its keys.
    struct EntityKeys: Sendable, Hashable {
        var entity: UInt32
        var columns: [String]
    }

    private(set) var entries: [Entry]
    private(set) var entities: [EntityKeys] = []

    init(_ plan: FeaturePlan) {
        entries = [
            Entry(content: .stamp, name: "", type: .int64),
            Entry(content: .rest, name: "", type: .int64),
            Entry(content: .stage, name: "", type: .string),
            Entry(content: .logEntry, name: "", type: .int64),
        ]
        for key in plan.keyColumns {
            entries.append(Entry(content: .key, name: key.name.text, type: key.type.valueType))
        }
        for part in plan.views {
            for feature in part.features {
                entries.append(
                    Entry(
                        content: .feature,
                        name: feature.column.text,
                        type: feature.type,
                        part: part.label
                    )
                )
            }
            let keys = EntityKeys(
                entity: part.view.entity.id.number,
                columns: part.keyColumns.map(\.name.text)
            )
            if !entities.contains(keys) { entities.append(keys) }
        }
        for field in plan.requestFields {
            entries.append(Entry(content: .request, name: field.name.text, type: field.type))
        }
        for part in plan.views {
            entries.append(Entry(content: .status, name: part.label, type: .int32))
        }
        for part in plan.views {
            entries.append(Entry(content: .event, name: part.label, type: .timestamp))
        }
    }

    /// Of predictions, failures, or with `isOutcome` of outcomes.
    init(values type: ValueType, isOutcome: Bool) {
        entries = [
            Entry(content: .stamp, name: "", type: .int64),
            Entry(content: .rest, name: "", type: .int64),
            Entry(content: .value, name: "", type: type),
        ]
        if isOutcome { entries.append(Entry(content: .time, name: "", type: .timestamp)) }
        entries.append(Entry(content: .recorded, name: "", type: .timestamp))
    }

    func index(_ content: Content, _ name: String = "") -> Int? {
        entries.firstIndex { $0.content == content && $0.name == name }
    }
}

extension ServedLayout {
    var text: String {
        let lines =
            entries.map { "\($0.content.rawValue)\t\($0.name)\t\($0.type)\t\($0.part)" }
            + entities.map { "entity\t\($0.entity)\t\($0.columns.joined(separator: ","))\t" }
        return lines.joined(separator: "\n")
    }

    init(text: String) throws(AlulaError) {
        entries = []
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(
                String.init
            )
            guard fields.count == 4 else { throw Self.damaged }
            if fields[0] == "entity" {
                guard let entity = UInt32(fields[1]) else { throw Self.damaged }
                let columns = fields[2].split(separator: ",").map(String.init)
                entities.append(EntityKeys(entity: entity, columns: columns))
                continue
            }
            guard let content = Content(rawValue: fields[0]), let type = ValueType(text: fields[2])
            else { throw Self.damaged }
            entries.append(Entry(content: content, name: fields[1], type: type, part: fields[3]))
        }
        guard entries.count > 2, entries[0].content == .stamp, entries[1].content == .rest else {
            throw Self.damaged
        }
    }

    private static var damaged: AlulaError {
        .corrupt("a segment of the prediction log does not say what its columns are")
    }
}

/// Rows of a segment, in memory.
struct ServedTable: Sendable {
    var layout: ServedLayout
    /// One for each entry of the layout.
    var columns: [Column]
    var rows: Int

    var stamps: [Int64] { columns[0].int64s }
    var rests: [Int64] { columns[1].int64s }

    /// Tables of one layout end to end.
    static func joined(_ tables: [ServedTable]) -> ServedTable {
        var joined = tables[0]
        guard tables.count > 1 else { return joined }
        for index in joined.columns.indices {
            joined.columns[index] = Column.joined(
                tables.map { $0.columns[index] },
                type: joined.columns[index].type
            )
        }
        joined.rows = tables.reduce(0) { $0 + $1.rows }
        return joined
    }

    func taking(_ picks: [Int32]) -> ServedTable {
        guard picks.count != rows || !picks.elementsEqual(0..<Int32(rows)) else { return self }
        return ServedTable(
            layout: layout,
            columns: columns.map { $0.taking(picks[...]) },
            rows: picks.count
        )
    }

    /// By prediction id; rows of one id stay in their order.
    func sorted() -> ServedTable {
        let (stamps, rests) = (stamps, rests)
        func key(_ row: Int32) -> (Int64, Int64, Int32) { (stamps[Int(row)], rests[Int(row)], row) }
        var isSorted = true
        for row in 0..<max(0, rows - 1) where isSorted {
            isSorted = (stamps[row], rests[row]) <= (stamps[row + 1], rests[row + 1])
        }
        if isSorted { return self }
        return taking((0..<Int32(rows)).sorted { key($0) < key($1) })
    }
}

extension Column {
    /// Whether both rows hold the same value, or both are null; the types are the same.
    func isSame(_ row: Int, as other: Column, _ otherRow: Int) -> Bool {
        let isValid = isValid(row)
        guard isValid == other.isValid(otherRow) else { return false }
        guard isValid else { return true }
        if let width = type.fixedRowBytes {
            if width == 8 {
                return load(row, as: UInt64.self) == other.load(otherRow, as: UInt64.self)
            }
            return values[row * width..<(row + 1) * width]
                == other.values[otherRow * width..<(otherRow + 1) * width]
        }
        switch type {
        case .scalar(.bool): return bit(row) == other.bit(otherRow)
        case .scalar: return slice(row) == other.slice(otherRow)
        case .list, .fixedList: return self[row] == other[otherRow]
        }
    }
}
