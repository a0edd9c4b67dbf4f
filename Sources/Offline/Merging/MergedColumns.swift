import Codec
import Domain
import Synchronization

/// The features that a merge of segments has: all that any of them has, each at its widest type, in
/// the order of the view's present layout; those that the view no longer has stand last.
struct MergedLayout: Sendable {
    let layout: RowLayout

    init(_ segments: [SegmentMap.Segment], view: FeatureView) throws(AlulaError) {
        var types: [FeatureID: ValueType] = [:]
        for (id, type) in segments.flatMap({ $0.features.slots.map { ($0.key, $0.value.type) } }) {
            types[id] = try MergedLayout.wider(types[id] ?? type, type, id)
        }
        var slots: [RowLayout.Slot] = []
        for slot in view.layouts.last?.slots ?? [] {
            guard let type = types.removeValue(forKey: slot.feature) else { continue }
            slots.append(
                .init(
                    feature: slot.feature,
                    type: try MergedLayout.wider(type, slot.type, slot.feature)
                )
            )
        }
        for (id, type) in types.sorted(by: { $0.key.number < $1.key.number }) {
            slots.append(.init(feature: id, type: type))
        }
        layout = RowLayout(version: view.schemaVersion, slots: slots)
    }

    private static func wider(
        _ left: ValueType,
        _ right: ValueType,
        _ id: FeatureID
    ) throws(AlulaError) -> ValueType {
        if left.widens(to: right) { return right }
        guard right.widens(to: left) else {
            throw .corrupt("history holds feature \(id) as \(left) and as \(right)")
        }
        return left
    }
}

/// The columns of merged rows, in the order of the blocks of a group: keys, times, numbers, log
/// entries, features.
struct MergedColumns {
    /// Bytes of one column of a group, at most, so that a block fits a transaction with others.
    private static let mostColumnBytes = 6 << 20
    /// Bytes of all columns of a group, at most.
    private static let mostGroupBytes = 64 << 20
    /// Bytes of the values of one column, at most, where they have no fixed width.
    private static let mostGatheredBytes = 256 << 20

    private enum Part: Sendable {
        case placed(GatheredColumn)
        case whole(Column)
    }

    private let rows: [MergedRow]
    private let keyCount: Int
    private let parts: [Part]

    /// Reads each block once for all rows that stand in it.
    init(
        _ rows: [MergedRow],
        of map: SegmentMap,
        layout: RowLayout,
        in store: OfflineStore,
        on cores: MergeCores
    ) throws(AlulaError) {
        let picks = RowPicks(rows, groupCount: map.groups.count)
        let keys = map.keyTypes.indices.map {
            (SegmentMap.Content.key($0), map.keyTypes[$0].valueType)
        }
        let features = layout.slots.map {
            (SegmentMap.Content.feature($0.feature, $0.type), $0.type)
        }
        let wanted = keys + features
        let gathered = Mutex([Int: Part]())
        try cores.forEach(wanted.count) { number in
            let (content, type) = wanted[number]
            let column = GatheredColumn(
                type,
                expecting: [UInt8](repeating: 1, count: picks.count)
            )
            try store.read { db in
                let reading = try BlockReading(db)
                try picks.place(
                    content,
                    of: map,
                    into: column,
                    mostBytes: Self.mostGatheredBytes,
                    reading
                )
            }
            let part: Part =
                column.isFixedWidth
                ? .placed(column) : .whole(column.texts().column(0..<picks.count))
            gathered.withLock { $0[number] = part }
        }
        let found = gathered.withLock { found in wanted.indices.compactMap { found[$0] } }
        let order = [
            Column(int64s: rows.map(\.event), type: .timestamp),
            MergedColumns.created(rows),
            Column(uint32s: rows.map(\.number)),
            Column(int64s: rows.map { Int64(bitPattern: $0.entry) }),
        ]
        parts = found[..<keys.count] + order.map { .whole($0) } + found[keys.count...]
        keyCount = keys.count
        self.rows = rows
    }

    var byteCount: Int { parts.indices.reduce(0) { $0 + byteCount($1, 0..<rows.count) } }

    /// The rows as groups of at most `groupRows`, fewer where they are wide.
    func encoded(groupRows: Int, on cores: MergeCores) throws(AlulaError) -> [EncodedGroup] {
        let ranges = stride(from: 0, to: rows.count, by: groupRows).flatMap {
            cut($0..<min($0 + groupRows, rows.count))
        }
        let blocks = Mutex([[[UInt8]]](repeating: [], count: parts.count))
        try cores.forEach(parts.count) { [self] part in
            let encoded = ranges.map { BlockCodec.encode(column(part, $0)) }
            blocks.withLock { $0[part] = encoded }
        }
        let columns = blocks.withLock { $0 }
        return ranges.enumerated().map { number, range in
            group(range, blocks: columns.map { $0[number] })
        }
    }

    private func cut(_ range: Range<Int>) -> [Range<Int>] {
        let sizes = parts.indices.map { byteCount($0, range) }
        let fits =
            sizes.allSatisfy { $0 <= Self.mostColumnBytes }
            && sizes.reduce(0, +) <= Self.mostGroupBytes
        guard !fits, range.count > 1 else { return [range] }
        let middle = (range.lowerBound + range.upperBound) / 2
        return cut(range.lowerBound..<middle) + cut(middle..<range.upperBound)
    }

    private func byteCount(_ part: Int, _ range: Range<Int>) -> Int {
        switch parts[part] {
        case .placed(let column): range.count * max(1, column.type.fixedRowBytes ?? 1)
        case .whole(let column): column.byteCount(of: range)
        }
    }

    private func column(_ part: Int, _ range: Range<Int>) -> Column {
        switch parts[part] {
        case .placed(let column): column.column(range)
        case .whole(let column): column.rows(range)
        }
    }

    private func group(_ range: Range<Int>, blocks: [[UInt8]]) -> EncodedGroup {
        func key(_ row: Int) -> [UInt8] {
            KeyCodec.encode((0..<keyCount).map { column($0, row..<row + 1) }, row: 0)
        }
        var events = (least: Int64.max, greatest: Int64.min)
        var entries = (least: UInt64.max, greatest: UInt64.min)
        for row in rows[range] {
            events = (min(events.least, row.event), max(events.greatest, row.event))
            entries = (min(entries.least, row.entry), max(entries.greatest, row.entry))
        }
        return EncodedGroup(
            rows: range.count,
            keys: .init(least: key(range.lowerBound), greatest: key(range.upperBound - 1)),
            events: events.least...events.greatest,
            entries: entries.least...entries.greatest,
            blocks: blocks
        )
    }

    private static func created(_ rows: [MergedRow]) -> Column {
        let times = Column(int64s: rows.map(\.created), type: .timestamp)
        guard !rows.allSatisfy(\.isCreatedKnown) else { return times }
        var validity = [UInt8](repeating: 0, count: (rows.count + 7) / 8)
        for (place, row) in rows.enumerated() where row.isCreatedKnown {
            validity[place >> 3] |= 1 << UInt8(place & 7)
        }
        return Column(
            type: .timestamp,
            count: rows.count,
            validity: validity,
            offsets: [],
            itemOffsets: [],
            values: times.values
        )
    }
}

/// What a merge may take of the machine.
enum MergeCores {
    /// Somebody waits for it.
    case all
    /// It stands behind everything else.
    case one

    fileprivate func forEach(
        _ count: Int,
        _ body: @Sendable (Int) throws -> Void
    ) throws(AlulaError) {
        switch self {
        case .all: try inParallel(count, body)
        case .one: try translating { for index in 0..<count { try body(index) } }
        }
    }
}

/// Merged rows by the group that each stands in.
struct RowPicks: Sendable {
    private struct Span {
        var group: Int
        var range: Range<Int>
    }

    let count: Int
    private var spans: [Span] = []
    /// By span: the rows in the group, and which of the merged rows they are.
    private var sources: [Int32]
    private var targets: [Int32]

    init(_ rows: [MergedRow], groupCount: Int) {
        count = rows.count
        var next = [Int](repeating: 0, count: groupCount)
        for row in rows { next[Int(row.group)] += 1 }
        var total = 0
        for group in next.indices where next[group] > 0 {
            spans.append(Span(group: group, range: total..<total + next[group]))
            total += next[group]
            next[group] = total - next[group]
        }
        sources = [Int32](repeating: 0, count: total)
        targets = sources
        for (target, row) in rows.enumerated() {
            let place = next[Int(row.group)]
            sources[place] = row.row
            targets[place] = Int32(target)
            next[Int(row.group)] = place + 1
        }
    }

    /// Places a column of all groups.
    func place(
        _ content: SegmentMap.Content,
        of map: SegmentMap,
        into column: GatheredColumn,
        mostBytes: Int,
        _ reading: BlockReading
    ) throws {
        for span in spans {
            guard let block = map.block(content, of: span.group) else {
                unsafe targets[span.range].withUnsafeBufferPointer { unsafe column.leaveNull($0) }
                continue
            }
            try reading.read(block, rows: map.groups[span.group].rows) { stored in
                try unsafe sources[span.range].withUnsafeBufferPointer { sources in
                    try unsafe targets[span.range].withUnsafeBufferPointer { targets in
                        try unsafe column.place(sources, of: stored, at: targets)
                    }
                }
            }
            guard column.isFixedWidth || column.waitingBytes <= mostBytes else {
                throw AlulaError(
                    .resourceExhausted,
                    "a column of \(count) rows takes more than \(mostBytes) bytes"
                )
            }
        }
    }
}

/// A row group as it is to be stored; it has at least one row.
struct EncodedGroup: Sendable {
    var rows: Int
    var keys: SegmentMap.KeySpan
    var events: ClosedRange<Int64>
    var entries: ClosedRange<UInt64>
    var blocks: [[UInt8]]
}

/// How many rows to merge at once: several groups, so that few blocks are read twice, in bounded
/// memory.
struct MergePace {
    private(set) var rows: Int
    private let groupRows: Int

    private static let goal = 64 << 20
    private static let fewest = 1_024
    private static let most = 1 << 20

    init(_ types: [ValueType], groupRows: Int) {
        self.groupRows = groupRows
        rows = 8_192
        let widths = types.map { $0 == .bool ? 1 : $0.fixedRowBytes }
        if !widths.contains(nil) { set(bytesPerRow: widths.reduce(0) { $0 + ($1 ?? 0) }) }
    }

    /// Learns from what was gathered.
    mutating func note(bytes: Int, rows count: Int) {
        let before = rows
        set(bytesPerRow: bytes / max(1, count))
        rows = min(rows, before * 8)
    }

    /// Begins small again; false where it is as small as can be.
    mutating func shrink() -> Bool {
        defer { rows = Self.fewest }
        return rows > Self.fewest
    }

    private mutating func set(bytesPerRow: Int) {
        rows = min(max(Self.goal / max(1, bytesPerRow), Self.fewest), Self.most)
        if rows > groupRows { rows -= rows % groupRows }
    }
}

extension Column {
    /// Bytes of these rows, without their validity.
    func byteCount(of range: Range<Int>) -> Int {
        func items(_ range: Range<Int>, _ offsets: [Int32]) -> Range<Int> {
            Int(offsets[range.lowerBound])..<Int(offsets[range.upperBound])
        }
        var bytes = 0
        var elements = range
        switch type {
        case .scalar: break
        case .list:
            elements = items(range, offsets)
            bytes += 4 * range.count
        case .fixedList(_, let length):
            elements = range.lowerBound * length..<range.upperBound * length
        }
        switch type.item {
        case .bool: return bytes + elements.count / 8
        case .int32, .int64, .float32, .float64, .timestamp:
            return bytes + elements.count * (type.item.fixedWidth ?? 0)
        case .string, .bytes:
            let ends = itemOffsets.isEmpty ? offsets : itemOffsets
            return bytes + 4 * elements.count + items(elements, ends).count
        }
    }
}
