import Codec
package import Domain

/// Rows picked from the groups of a map, ordered so that each group is read once for each column.
struct RowGather {
    private struct Span {
        var group: Int
        var range: Range<Int>
    }

    let map: SegmentMap
    let count: Int
    private var spans: [Span] = []
    /// By group: the rows in it, and where they go.
    private var sources: [Int32]
    private var targets: [Int32]

    /// Takes for each row of the answer a group and a row in it; where the group is below zero the
    /// answer is null.
    init(_ map: SegmentMap, groups: ArraySlice<Int32>, rows: ArraySlice<Int32>) {
        self.map = map
        count = groups.count
        var ends = [Int32](repeating: 0, count: map.groups.count)
        for group in groups where group >= 0 { ends[Int(group)] += 1 }
        var total = 0
        for group in ends.indices where ends[group] > 0 {
            let taken = Int(ends[group])
            spans.append(Span(group: group, range: total..<total + taken))
            ends[group] = Int32(total)
            total += taken
        }
        sources = [Int32](repeating: 0, count: total)
        targets = sources
        for (target, (group, row)) in zip(groups, rows).enumerated() where group >= 0 {
            let place = Int(ends[Int(group)])
            sources[place] = row
            targets[place] = Int32(target)
            ends[Int(group)] += 1
        }
    }

    func column(
        _ content: SegmentMap.Content,
        type: ValueType,
        _ reading: BlockReading
    ) throws -> Column {
        var scatter = ColumnScatter(type, count: count)
        for span in spans {
            guard let column = try reading.column(content, of: span.group, in: map) else {
                continue
            }
            try scatter.place(sources[span.range], of: column, at: targets[span.range])
        }
        return scatter.finish()
    }

    /// The rows of the view as they are at its present layout; none of the picks is below zero.
    func featureRows(of view: FeatureView, _ reading: BlockReading) throws -> FeatureRows {
        let slots = view.layouts.last?.slots ?? []
        return FeatureRows(
            view: view.id,
            schemaVersion: view.schemaVersion,
            keys: try map.keyTypes.enumerated().map {
                try column(.key($0), type: $1.valueType, reading)
            },
            event: try column(.event, type: .timestamp, reading),
            created: try column(.created, type: .timestamp, reading),
            features: try slots.map {
                try column(.feature($0.feature, $0.type), type: $0.type, reading)
            }
        )
    }
}

/// How many rows to gather at once: enough that each group is read few times, and not so many that
/// the answer takes much memory.
package struct GatherPace: Sendable {
    /// A multiple of 1,024.
    package private(set) var rows: Int

    private static let goal = 32 << 20
    private static let fewest = 1_024
    private static let most = 262_144

    /// For rows of these types; those of no fixed width begin small.
    package init(_ types: [ValueType]) {
        let widths = types.map { $0 == .bool ? 1 : $0.fixedRowBytes }
        rows = 8_192
        if !widths.contains(nil) {
            set(bytesPerRow: widths.reduce(1) { $0 + ($1 ?? 0) })
        }
    }

    /// Learns from a piece that was gathered.
    package mutating func note(_ columns: [Column], rows count: Int) {
        guard count > 0 else { return }
        let bytes = columns.reduce(0) { $0 + BatchCodec.byteCount($1) }
        let before = rows
        set(bytesPerRow: bytes / count + 1)
        rows = min(rows, before * 8)
    }

    /// Begins small again; false where it is as small as can be.
    package mutating func shrink() -> Bool {
        defer { rows = GatherPace.fewest }
        return rows > GatherPace.fewest
    }

    private mutating func set(bytesPerRow: Int) {
        let wanted = GatherPace.goal / max(1, bytesPerRow) / GatherPace.fewest * GatherPace.fewest
        rows = min(max(wanted, GatherPace.fewest), GatherPace.most)
    }
}
