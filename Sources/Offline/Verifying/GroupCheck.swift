import Codec
import Domain
import GRDB

/// Looks at the blocks of one row group after another of a segment.
struct GroupCheck {
    private let keyTypes: [KeyType]
    /// The log entries that the rows may have; nil with an import.
    private let entries: ClosedRange<UInt64>?
    /// The numbers that rows of the import have.
    private let numbers: Int64
    /// How the segment is called in problems.
    private let name: String
    /// The last row of the group before.
    private var last: (key: SortableKeys, order: RowOrder)?
    private(set) var check = HistoryCheck()

    init(
        _ name: String,
        keyTypes: [KeyType],
        entries: ClosedRange<UInt64>?,
        importRows: Int64
    ) {
        self.name = name
        self.keyTypes = keyTypes
        self.entries = entries
        numbers = importRows
    }

    /// Groups come in the order of their ids.
    mutating func add(_ group: StoredGroup, _ types: [ValueType], _ reading: BlockReading) {
        let name = "\(name), group \(group.id)"
        guard group.blocks == Int64(types.count) else {
            check.add("\(name): it has \(group.blocks) blocks where its columns are \(types.count)")
            return
        }
        guard group.rows > 0 else {
            check.add("\(name): it has no rows")
            return
        }
        var columns: [Domain.Column] = []
        for (index, type) in types.enumerated() {
            check.blocks += 1
            do {
                let column = try group.column(index, type, reading)
                // Features are decoded for the looks of them alone.
                if index < keyTypes.count + 4 { columns.append(column) }
            } catch let error as AlulaError {
                let block = group.firstBlock + Int64(index)
                check.add("\(name), block \(block) (\(what(index, group))): \(error.message)")
            } catch {
                check.add("\(name): \(error)")
            }
        }
        check.rows += UInt64(group.rows)
        let order = keyTypes.count + (group.importNumber == nil ? 4 : 3)
        guard columns.count >= order else { return }
        guard
            (columns[..<(keyTypes.count + 1)] + columns[(keyTypes.count + 2)..<order])
                .allSatisfy({ $0.validity.isEmpty })
        else {
            check.add("\(name): a key, an event time or a position is null")
            return
        }
        compare(group, name, columns)
    }

    private func what(_ index: Int, _ group: StoredGroup) -> String {
        let times = ["event times", "created times", "row numbers"]
        if index < keyTypes.count { return "key part \(index + 1)" }
        if index < keyTypes.count + 3 { return times[index - keyTypes.count] }
        if group.importNumber == nil, index == keyTypes.count + 3 { return "log entries" }
        let first = keyTypes.count + (group.importNumber == nil ? 4 : 3)
        let slot = try? FeatureSlots(group.features).slots.first { $0.value.index == index - first }
        return slot.map { "feature \($0.key)" } ?? "a feature"
    }

    /// The order of the rows, and what the group's record says of them.
    private mutating func compare(_ group: StoredGroup, _ name: String, _ columns: [Domain.Column])
    {
        let keys = SortableKeys(keyTypes, columns: Array(columns[..<keyTypes.count]))
        let event = columns[keyTypes.count].int64s
        let created = columns[keyTypes.count + 1]
        let number = columns[keyTypes.count + 2].uint32s
        let entry = group.importNumber == nil ? columns[keyTypes.count + 3].int64s : []
        let createdTimes = created.int64s
        func order(_ row: Int) -> RowOrder {
            RowOrder(
                event: Timestamp(microseconds: event[row]),
                created: created.isValid(row) ? Timestamp(microseconds: createdTimes[row]) : nil,
                position: LogPosition(
                    entry: entry.isEmpty ? 0 : UInt64(bitPattern: entry[row]),
                    row: number[row]
                )
            )
        }
        var unordered = 0
        if let last, !isBehind(keys, 0, order(0), last.key, 0, last.order) { unordered += 1 }
        var before = order(0)
        for row in 1..<max(1, group.rows) {
            let present = order(row)
            if !isBehind(keys, row, present, keys, row - 1, before) { unordered += 1 }
            before = present
        }
        var lastKey = SortableKeys(keyTypes)
        lastKey.append(group.rows - 1, of: keys)
        last = (lastKey, before)
        if unordered > 0 {
            check.add("\(name): \(unordered) of its rows are not behind the row before them")
        }
        if keys.canonicalBytes(0) != group.minKey
            || keys.canonicalBytes(group.rows - 1) != group.maxKey
        {
            check.add("\(name): its least and greatest key are not those of its record")
        }
        if event.min() != group.minEvent || event.max() != group.maxEvent {
            check.add("\(name): its event times are not those of its record")
        }
        if let entries, !entry.allSatisfy({ entries.contains(UInt64(bitPattern: $0)) }) {
            check.add("\(name): it has rows of log entries that its segment does not have")
        }
        if group.importNumber != nil, number.contains(where: { Int64($0) >= numbers }) {
            check.add("\(name): it has rows that its import does not have")
        }
    }

    private func isBehind(
        _ keys: SortableKeys,
        _ row: Int,
        _ order: RowOrder,
        _ lastKeys: SortableKeys,
        _ lastRow: Int,
        _ lastOrder: RowOrder
    ) -> Bool {
        let compared = lastKeys.compare(lastRow, keys, row)
        return compared < 0 || compared == 0 && lastOrder < order
    }
}
