import Codec
package import Domain
import RocksDB

extension OnlineStore {
    /// The newest row of every view of the plan for every row of `keys`, whose columns are found by
    /// the names in the plan; other columns are left alone.
    ///
    /// Rows older than a part's `maxAge` at `now` answer `expired` without their values; a row at
    /// exactly `maxAge`, or ahead of now, is present.
    package func read(
        plan: FeaturePlan,
        keys: RecordBatch,
        now: Timestamp
    ) throws(AlulaError) -> OnlineAnswer {
        let lookup = try KeyLookup(plan: plan, keys: keys)
        var parts = plan.views.map { PartAnswer($0, rows: keys.rowCount) }
        var start = 0
        while start < keys.rowCount {
            let rows = start..<min(keys.rowCount, start + Self.chunkRows)
            let sorted = try lookup.sortedKeys(rows)
            // Values stay pinned in the block cache only for the length of a chunk.
            let values = try database.get(.rows, sorted)
            for index in parts.indices {
                for row in rows {
                    let place = sorted.places[lookup.number(part: index, row: row - start)]
                    try parts[index].append(values, place, now: now)
                }
            }
            start = rows.upperBound
            let bytes = parts.reduce(0) { $0 + $1.byteCount }
            guard bytes <= Limits.readBytes else {
                throw AlulaError(
                    .resourceExhausted,
                    "the answer to \(keys.rowCount) keys is over the limit of \(Limits.readBytes) bytes "
                        + "after \(start) of them",
                    help: "read fewer keys at once, or fewer features",
                    retry: .never
                )
            }
        }
        return OnlineAnswer(
            rowCount: keys.rowCount,
            columns: parts.flatMap { $0.finish() },
            eventTimes: parts.map(\.eventTimes),
            statuses: parts.map(\.statuses)
        )
    }

    private static let chunkRows = 1_024
}

/// The keys to look up for a plan: parts with the same entity and the same key columns share the
/// bytes of the entity's key.
private struct KeyLookup {
    private struct Group {
        var entity: EntityID
        var names: [FeatureService.KeyColumn]
        var columns: [Column]
        var views: [FeatureViewID]
    }

    private var groups: [Group] = []
    /// For each part, which of a row's keys is its own.
    private var ordinals: [Int] = []
    private let keysPerRow: Int

    init(plan: FeaturePlan, keys: RecordBatch) throws(AlulaError) {
        var places: [(group: Int, member: Int)] = []
        for part in plan.views {
            let known = groups.firstIndex {
                $0.entity == part.view.entity.id && $0.names == part.keyColumns
            }
            if let known {
                places.append((known, groups[known].views.count))
                groups[known].views.append(part.view.id)
            } else {
                var columns: [Column] = []
                for name in part.keyColumns { columns.append(try Self.column(name, of: keys)) }
                places.append((groups.count, 0))
                groups.append(
                    Group(
                        entity: part.view.entity.id,
                        names: part.keyColumns,
                        columns: columns,
                        views: [part.view.id]
                    )
                )
            }
        }
        var bases: [Int] = []
        var total = 0
        for group in groups {
            bases.append(total)
            total += group.views.count
        }
        ordinals = places.map { bases[$0.group] + $0.member }
        keysPerRow = total
    }

    /// Where the key of a part stands among the keys of a chunk.
    func number(part: Int, row: Int) -> Int { row * keysPerRow + ordinals[part] }

    func sortedKeys(_ rows: Range<Int>) throws(AlulaError) -> SortedKeys {
        var list = LookupKeys(
            reservingKeys: rows.count * keysPerRow,
            bytes: 32 * rows.count * keysPerRow
        )
        var prefix: [UInt8] = []
        for row in rows {
            for group in groups {
                prefix.removeAll(keepingCapacity: true)
                OnlineKey.appendPrefix(group.entity, group.columns, row: row, to: &prefix)
                guard prefix.count - OnlineKey.entityBytes <= Limits.keyBytes else {
                    throw .invalid(
                        "key row \(row): the key of \(names(group)) is over the limit of "
                            + "\(Limits.keyBytes) bytes"
                    )
                }
                for view in group.views {
                    list.append { bytes in
                        bytes.append(contentsOf: prefix)
                        OnlineKey.append(view, to: &bytes)
                    }
                }
            }
        }
        return list.sorted()
    }

    private func names(_ group: Group) -> String {
        group.names.map(\.name.text).joined(separator: ", ")
    }

    private static func column(
        _ key: FeatureService.KeyColumn,
        of batch: RecordBatch
    ) throws(AlulaError) -> Column {
        guard let column = batch[key.name.text] else {
            let close = hint(key.name.text, among: batch.schema.fields.map(\.name))
            throw .invalid("key column \"\(key.name)\" is missing\(close)")
        }
        guard column.type == key.type.valueType else {
            throw .invalid(
                "key column \"\(key.name)\" is \(column.type): expected \(key.type.name)"
            )
        }
        if let row = (0..<column.count).first(where: { !column.isValid($0) }) {
            throw .invalid(
                "key column \"\(key.name)\" is null in row \(row): a read needs every key"
            )
        }
        return column
    }
}
