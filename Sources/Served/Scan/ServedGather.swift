import Codec
import Domain

/// Makes rows of segments of what was served.
enum ServedGather {
    /// One table for each group, by prediction id; `lost` are rows of answers that the server cannot
    /// read again: ones that no client could, either.
    static func tables(
        _ items: [ServedItem]
    ) -> (tables: [(group: ServedShape.Group, table: ServedTable)], lost: Int) {
        var shapes: [ObjectIdentifier: [ServedItem]] = [:]
        for item in items { shapes[ObjectIdentifier(item.shape), default: []].append(item) }
        var groups: [ServedShape.Group: [ServedTable]] = [:]
        var lost = 0
        for (_, ofShape) in shapes {
            let sorted = ofShape.sorted { $0.stamp < $1.stamp }
            let shape = sorted[0].shape
            if let picker = shape.picker {
                let answers = JoinedAnswers(
                    sorted.map(\.answer),
                    picker: picker,
                    types: shape.vector.fields.map(\.type)
                )
                groups[shape.group, default: []].append(table(sorted, shape, answers))
                continue
            }
            for item in sorted {
                do throws(AlulaError) {
                    groups[shape.group, default: []].append(try table(item, shape))
                } catch {
                    lost += item.picks.count
                }
            }
        }
        return (groups.map { ($0, ServedTable.joined($1).sorted()) }, lost)
    }

    /// Of items of a shape whose picked rows were taken out.
    private static func table(
        _ items: [ServedItem],
        _ shape: ServedShape,
        _ answers: JoinedAnswers
    ) -> ServedTable {
        let columns =
            heads(items, shape, rows: answers.rowCount) + answers.columns
            + answers.statuses.map { Column(uint32s: $0.map(UInt32.init)) }
            + answers.events.map(times)
        return ServedTable(layout: shape.layout, columns: columns, rows: answers.rowCount)
    }

    /// Of an item with its answer as a whole.
    private static func table(
        _ item: ServedItem,
        _ shape: ServedShape
    ) throws(AlulaError) -> ServedTable {
        let answer = try DecodedAnswer(item.answer, schema: shape.vector, parts: shape.parts)
        let picks = item.picks
        var columns = heads([item], shape, rows: picks.count)
        columns += answer.vector.columns.map { $0.taking(picks[...]) }
        columns += answer.statuses.map { statuses in
            Column(uint32s: picks.map { UInt32(statuses[Int($0)]) })
        }
        columns += answer.events.map { events in
            Column(int64s: picks.map { events[Int($0)] }, type: .timestamp)
        }
        return ServedTable(layout: shape.layout, columns: columns, rows: picks.count)
    }

    private static func times(_ events: [UInt8]) -> Column {
        Column(
            type: .timestamp,
            count: events.count / 8,
            validity: [],
            offsets: [],
            itemOffsets: [],
            values: events
        )
    }

    /// The columns before the vector: ids, stage, log entry, keys.
    private static func heads(
        _ items: [ServedItem],
        _ shape: ServedShape,
        rows: Int
    ) -> [Column] {
        var stamps: [Int64] = []
        var rests: [Int64] = []
        var entries: [Int64] = []
        stamps.reserveCapacity(rows)
        rests.reserveCapacity(rows)
        entries.reserveCapacity(rows)
        for item in items {
            let entry = Int64(clamping: item.logEntry)
            for pick in item.picks {
                let id = PredictionID(
                    stamp: item.stamp,
                    version: shape.version,
                    row: Int(pick),
                    isLogged: true
                )
                stamps.append(item.stamp)
                rests.append(id.rest)
                entries.append(entry)
            }
        }
        return [
            Column(int64s: stamps), Column(int64s: rests), text(shape.stage, rows: rows),
            Column(int64s: entries),
        ] + items[0].keys.indices.map { keys(items, $0, rows: rows) }
    }

    private static func text(_ text: String, rows: Int) -> Column {
        let bytes = Array(text.utf8)
        var values: [UInt8] = []
        values.reserveCapacity(bytes.count * rows)
        for _ in 0..<rows { values.append(contentsOf: bytes) }
        return Column(
            type: .string,
            count: rows,
            validity: [],
            offsets: (0...rows).map { Int32($0 * bytes.count) },
            itemOffsets: [],
            values: values
        )
    }

    private static func keys(_ items: [ServedItem], _ place: Int, rows: Int) -> Column {
        let type = items[0].keys[place].type
        guard type == .int64, items.allSatisfy({ $0.keys[place].validity.isEmpty }) else {
            var builder = ColumnBuilder(type, reservingRows: rows)
            for item in items {
                for pick in item.picks {
                    builder.append(row: item.firstKey + Int(pick), of: item.keys[place])
                }
            }
            return builder.finish()
        }
        var words: [Int64] = []
        words.reserveCapacity(rows)
        for item in items {
            let column = item.keys[place]
            for pick in item.picks {
                words.append(column.load(item.firstKey + Int(pick), as: Int64.self))
            }
        }
        return Column(int64s: words)
    }
}

/// When the upkeep of the log may take its time.
struct Calm {
    private static let fewBytes = 1 << 20
    private static let mostBusyTurns = 120

    private var busyTurns = 0

    /// Little was written this time, or much for so long that it can wait no more.
    mutating func isCalm(_ items: [ServedItem]) -> Bool {
        var bytes = 0
        for item in items where bytes <= Self.fewBytes { bytes += item.byteCount }
        busyTurns = bytes > Self.fewBytes ? busyTurns + 1 : 0
        if busyTurns > Self.mostBusyTurns { busyTurns = 0 }
        return busyTurns == 0
    }
}
