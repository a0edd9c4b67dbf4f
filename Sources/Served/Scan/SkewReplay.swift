import Codec
package import Domain
package import Offline

/// Joins logged vectors again from history and compares.
///
/// First with all that history has now, at the time that each was served: that is what a training set sees.
/// What differs is joined once more as of the log entry that was known when it was served, which tells a
/// value that came late from one that was never served as it stood.
package struct SkewReplay {
    private let offline: OfflineStore
    private let plan: FeaturePlan
    /// What history is looked at as of.
    private let through: UInt64
    package private(set) var result: ServiceSkew
    private var replays = 0

    /// Joins as of an earlier position, in all.
    private static let mostReplays = 2_000
    private static let mostTextBytes = 256 << 20

    package init(_ offline: OfflineStore, plan: FeaturePlan, through: UInt64) {
        self.offline = offline
        self.plan = plan
        self.through = through
        result = ServiceSkew(plan)
    }

    /// Compares a batch of a scan.
    package mutating func add(
        _ batch: RecordBatch,
        isCancelled: @escaping @Sendable () -> Bool
    ) throws(AlulaError) {
        guard let times = batch[ServedColumn.servedTime],
            let versions = batch[ServedColumn.modelVersion],
            let entries = batch[ServedColumn.logEntry]
        else { throw .corrupt("a scan of the prediction log lacks its columns") }
        result.rows += UInt64(batch.rowCount)
        result.versions.formUnion(versions.uint32s)
        let moments = times.int64s
        if let first = moments.min(), let last = moments.max() {
            let (first, last) = (Timestamp(microseconds: first), Timestamp(microseconds: last))
            result.since = min(result.since ?? first, first)
            result.until = max(result.until ?? last, last)
        }
        let all = Array(0..<Int32(batch.rowCount))
        let now = try join(batch, all, through, isCancelled)
        var different: [Int32] = []
        for row in all where !isSame(batch, Int(row), now, Int(row)) { different.append(row) }
        let isDifferent = Set(different)
        for index in result.features.indices {
            result.features[index].same += UInt64(batch.rowCount - isDifferent.count)
        }
        guard !different.isEmpty else { return }
        let known = entries.int64s
        let byEntry = Dictionary(grouping: different) { known[Int($0)] }
        for entry in byEntry.keys.sorted(by: >) {
            let rows = byEntry[entry] ?? []
            guard replays < Self.mostReplays else {
                result.notReplayed += UInt64(rows.count)
                continue
            }
            replays += 1
            let then = try join(
                batch,
                rows,
                min(through, UInt64(clamping: entry)),
                isCancelled
            )
            for (place, row) in rows.enumerated() {
                count(batch, Int(row), now: now, then: then, thenRow: place)
            }
        }
    }

    /// The features of these rows, in the order of the plan.
    private func join(
        _ batch: RecordBatch,
        _ rows: [Int32],
        _ through: UInt64,
        _ isCancelled: @escaping @Sendable () -> Bool
    ) throws(AlulaError) -> [Column] {
        guard let times = batch[ServedColumn.servedTime]?.taking(rows[...]) else { return [] }
        var parts: [(spine: SortedSpine, part: FeaturePlan.ViewPart)] = []
        for part in plan.views {
            var keys: [Column] = []
            for key in part.keyColumns {
                guard let column = batch[key.name.text] else {
                    throw .corrupt("a scan of the prediction log lacks key \(key.name)")
                }
                keys.append(column.taking(rows[...]))
            }
            var builder = SortedSpine.Builder(keyTypes: part.keyColumns.map(\.type))
            try builder.append(keys: keys, times: times)
            parts.append((builder.finish(), part))
        }
        let joined = try offline.join(
            parts,
            scope: JoinScope(through: through),
            isCancelled: isCancelled
        )
        let gathered = joined.map { $0.columns() }
        _ = try offline.gather(
            joined,
            into: gathered,
            mostTextBytes: Self.mostTextBytes,
            isCancelled: isCancelled
        )
        return gathered.flatMap { $0 }.map { column in
            column.isFixedWidth
                ? column.column(0..<rows.count) : column.texts().column(0..<rows.count)
        }
    }

    private func isSame(_ batch: RecordBatch, _ row: Int, _ joined: [Column], _ place: Int) -> Bool
    {
        for (feature, column) in zip(result.features, joined) {
            guard let served = batch[feature.column] else { continue }
            if !served.isSame(row, as: column, place) { return false }
        }
        return true
    }

    private mutating func count(
        _ batch: RecordBatch,
        _ row: Int,
        now: [Column],
        then: [Column],
        thenRow: Int
    ) {
        for index in result.features.indices {
            guard let served = batch[result.features[index].column] else { continue }
            if served.isSame(row, as: now[index], row) {
                result.features[index].same += 1
                continue
            }
            let kind = FeatureSkew.kind(
                hasServed: served.isValid(row),
                hasNow: now[index].isValid(row),
                wasSoThen: served.isSame(row, as: then[index], thenRow),
                hadThen: then[index].isValid(thenRow)
            )
            let count = result.features[index].counts[kind, default: 0]
            result.features[index].counts[kind] = count + 1
            guard count < FeatureSkew.mostExamples, let ids = batch[ServedColumn.predictionID],
                let id = PredictionID(ids.slice(row))
            else { continue }
            result.features[index].examples.append(
                FeatureSkew.Example(
                    id: id,
                    kind: kind,
                    key: key(batch, row, of: result.features[index].column),
                    served: Self.text(served[row]),
                    then: Self.text(then[index][thenRow]),
                    now: Self.text(now[index][row])
                )
            )
        }
    }

    private func key(_ batch: RecordBatch, _ row: Int, of column: String) -> String {
        let part = plan.views.first { $0.features.contains { $0.column.text == column } }
        return (part?.keyColumns ?? []).map { key in
            "\(key.name)=\(batch[key.name.text].flatMap { Self.text($0[row]) } ?? "")"
        }.joined(separator: " ")
    }

    /// Nil for null.
    private static func text(_ value: FeatureValue) -> String? {
        switch value {
        case .null: nil
        case .bool(let value): "\(value)"
        case .int32(let value): "\(value)"
        case .int64(let value): "\(value)"
        case .float32(let value): "\(value)"
        case .float64(let value): "\(value)"
        case .string(let value): String(value.prefix(100))
        case .bytes(let value): "\(value.count) bytes"
        case .timestamp(let value): "\(value)"
        case .list(let items):
            "[" + items.prefix(4).map { text($0) ?? "null" }.joined(separator: ", ")
                + (items.count > 4 ? ", … \(items.count) items]" : "]")
        }
    }
}
