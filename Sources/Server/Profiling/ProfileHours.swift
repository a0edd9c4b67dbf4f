import Domain
import Offline
import Profiles
import Served
import Statistics

/// Makes profiles of rows: of what a view took in, of what a model was served.
struct ProfileMaker {
    let offline: OfflineStore
    let served: ServedLog
    let isCancelled: () -> Bool

    /// Of the rows that came with these log entries and are in answers now.
    func profile(
        of view: FeatureView,
        entries: ClosedRange<UInt64>
    ) throws -> TableProfile {
        var builders = view.features.map { ProfileBuilder(name: $0.name.text, type: $0.type) }
        var rows: UInt64 = 0
        try offline.arrivals(of: view, entries: entries, isCancelled: isCancelled) { batch in
            rows += UInt64(batch.count)
            for (index, column) in batch.features.enumerated() where index < builders.count {
                builders[index].add(column)
            }
        }
        return TableProfile(rows: rows, features: builders.map { $0.finish() })
    }

    /// Of the vectors that were served in a span of time, both ends inclusive, each version apart;
    /// neither predictions nor outcomes, which come later.
    func profiles(
        of model: ServedModel.Name,
        from: Timestamp,
        until: Timestamp,
        version: UInt32? = nil
    ) throws -> [UInt32: TableProfile] {
        var query = ServedQuery(model)
        query.since = from
        query.until = until
        query.versions = version.map { [$0] }
        query.takesRetired = true
        query.withJoined = false
        var found: [UInt32: VectorBuilders] = [:]
        try ServedScan(served).scan(query, isCancelled: isCancelled) { batch in
            guard let versions = batch[ServedColumn.modelVersion], batch.rowCount > 0 else {
                return
            }
            // Rows of a batch are of one version.
            let version = UInt32(truncatingIfNeeded: versions.load(0, as: Int32.self))
            found[version, default: VectorBuilders()].add(batch)
        }
        return found.mapValues { $0.finish() }
    }
}

/// The vectors of one version of a model on their way into a profile.
private struct VectorBuilders {
    private var builders: [String: ServedBuilder] = [:]
    private var order: [String] = []
    private var rows: UInt64 = 0

    mutating func add(_ batch: RecordBatch) {
        rows += UInt64(batch.rowCount)
        for name in ServedProfile.vector(batch.schema) {
            guard let column = batch[name] else { continue }
            if builders[name] == nil {
                order.append(name)
                builders[name] = ServedBuilder(name, column.type)
            }
            guard builders[name]?.type == column.type else { continue }
            builders[name]?.add(column, status: batch[ServedColumn.status(of: name)])
        }
    }

    func finish() -> TableProfile {
        TableProfile(rows: rows, features: order.compactMap { builders[$0]?.finish() })
    }
}
