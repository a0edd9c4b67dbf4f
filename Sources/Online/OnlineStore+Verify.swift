import Codec
package import Domain
import RocksDB

/// What is wrong with stored rows, and how many were looked at.
package struct OnlineCheck: Sendable, Hashable {
    package var rows: UInt64 = 0
    private var problems: [String] = []
    private var problemCount = 0

    package init() {}

    package mutating func report(_ problem: String) {
        problemCount += 1
        if problems.count < Self.mostProblems { problems.append(problem) }
    }

    /// The first problems, and how many more there are.
    package var sentences: [String] {
        guard problemCount > problems.count else { return problems }
        return problems + ["and \(problemCount - problems.count) problems more"]
    }

    private static let mostProblems = 100
}

/// Reads every byte of online rows as a reader would.
package struct OnlineVerifier {
    private struct Layout: Hashable {
        var view: FeatureViewID
        var version: UInt32
    }

    private let database: Database
    private let view: (FeatureViewID) -> FeatureView?
    private let selected: Set<FeatureViewID>
    private let lastEntry: () throws(AlulaError) -> UInt64
    /// The newest log entry when it was last asked for.
    private var knownEntry: UInt64 = 0
    private var formats: [Layout: RowFormat] = [:]
    package private(set) var check = OnlineCheck()
    /// With those of other views.
    package private(set) var rowsSeen: UInt64 = 0

    /// Checks the rows of the `selected` views.
    ///
    /// `view` knows those of all, and no row is of a log entry behind `lastEntry`; both may grow
    /// meanwhile.
    package init(
        _ store: OnlineStore,
        selected: Set<FeatureViewID>,
        lastEntry: @escaping () throws(AlulaError) -> UInt64,
        view: @escaping (FeatureViewID) -> FeatureView?
    ) {
        database = store.database
        self.selected = selected
        self.lastEntry = lastEntry
        self.view = view
    }

    /// About how many rows there are.
    package var estimatedRows: UInt64 { database.estimatedCount(.rows) }

    /// Checks the next `limit` rows behind `after`; answers where to go on, nil at the end.
    package mutating func next(after: [UInt8]?, limit: Int) -> [UInt8]? {
        var last: [UInt8]?
        var seen = 0
        do throws(AlulaError) {
            try database.scanSpans(.rows, from: after.map { $0 + [0] } ?? []) { key, value in
                guard seen < limit else { return false }
                seen += 1
                rowsSeen += 1
                last = key
                add(key, value)
                return true
            }
        } catch {
            check.report("the rows behind number \(rowsSeen) cannot be read: \(error.message)")
            return nil
        }
        return seen < limit ? nil : last
    }

    private mutating func add(_ key: [UInt8], _ value: RawSpan) {
        guard let parts = OnlineKey.parts(key) else {
            check.rows += 1
            return check.report("a row has a key of \(key.count) bytes")
        }
        guard let view = view(parts.view) else {
            check.rows += 1
            return check.report("a row is of view \(parts.view.number), which does not exist")
        }
        guard selected.contains(view.id) else { return }
        check.rows += 1
        do throws(AlulaError) {
            try verify(parts.entity, parts.key, value, of: view)
        } catch {
            check.report("a row of view \(view.name): \(error.message)")
        }
    }

    private mutating func verify(
        _ entity: EntityID,
        _ key: ArraySlice<UInt8>,
        _ value: RawSpan,
        of view: FeatureView
    ) throws(AlulaError) {
        guard entity == view.entity.id else {
            throw .corrupt("it stands under another entity than \(view.entity.name)")
        }
        let found = try KeyCodec.decode(key, parts: view.entity.keys.count)
        guard found.parts.map(\.type) == view.entity.keys.map(\.type) else {
            throw .corrupt("its key does not have the parts of entity \(view.entity.name)")
        }
        let header = try RowCodec.header(value)
        let entry = header.order.position.entry
        if entry > knownEntry { knownEntry = try lastEntry() }
        guard entry <= knownEntry else {
            throw .corrupt("it is of log entry \(entry), and the log ends at \(knownEntry)")
        }
        let kind = Layout(view: view.id, version: header.schemaVersion)
        if formats[kind] == nil {
            guard let layout = view.layout(header.schemaVersion) else {
                throw .corrupt("it has the unknown schema version \(header.schemaVersion)")
            }
            formats[kind] = RowFormat(layout)
        }
        guard let format = formats[kind] else { return }
        for (slot, content) in format.layout.slots.enumerated() {
            var builder = ColumnBuilder(content.type)
            try format.append(slot: slot, of: value, to: &builder)
        }
    }
}

extension OnlineStore {
    /// How many rows each of the views has of an entity key: none or one.
    package func count(
        _ key: [UInt8],
        of entity: EntityID,
        in views: [FeatureViewID]
    ) throws(AlulaError) -> [FeatureViewID: UInt64] {
        var counts: [FeatureViewID: UInt64] = [:]
        for view in views {
            let found = try database.get(.rows, OnlineKey.make(entity, key, view))
            counts[view] = found == nil ? 0 : 1
        }
        return counts
    }
}
