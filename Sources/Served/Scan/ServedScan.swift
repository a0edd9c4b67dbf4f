import Codec
package import Domain
import Foundation
import Offline

/// Names of the columns of a scan that are neither keys nor of the vector; no feature's name can hold
/// an `@`.
package enum ServedColumn {
    /// 16 bytes.
    package static let predictionID = "@prediction_id"
    package static let modelVersion = "@model_version"
    package static let servedTime = "@served_time"
    package static let stage = "@stage"
    /// The last log entry that was acknowledged when it was served.
    package static let logEntry = "@log_entry"
    /// Null where none was logged, or none is known at the time asked for.
    package static let prediction = "@prediction"
    /// Why the prediction could not be made, which may be empty; null where none failed.
    package static let failure = "@failure"
    package static let outcome = "@outcome"
    package static let outcomeTime = "@outcome_time"

    /// An int32 with the code of `FeatureStatus`, behind each feature.
    package static func status(of feature: String) -> String { feature + "@status" }
    /// The event time of the row that was served, of a part.
    package static func eventTime(of part: String) -> String { part + "@event_time" }

    package static let first = [predictionID, modelVersion, servedTime, stage, logEntry]
    package static let joined = [prediction, failure, outcome, outcomeTime]
}

/// Which logged vectors are wanted.
package struct ServedQuery: Sendable {
    package var model: ServedModel.Name
    /// Nil is all.
    package var versions: Set<UInt32>?
    /// Of the time served; both ends inclusive.
    package var since: Timestamp?
    package var until: Timestamp?
    /// Features and request fields; nil is all.
    package var columns: [String]?
    /// Whether vectors that lack some of the columns come without them; else they are refused.
    package var takesWhatIsThere = false
    /// Whether what was served longer ago than is kept comes too, where it is still in the file.
    package var takesRetired = false
    package var withStatuses = true
    package var withEventTimes = false
    /// Whether predictions, failures and outcomes are looked for; else their columns are not there.
    package var withJoined = true
    /// Only what was logged up to then of predictions and outcomes; nil is all.
    package var asKnown: Timestamp?
    /// Only vectors of this service version, such as `credit@2`; nil is all.
    package var service: String?

    package init(_ model: ServedModel.Name) { self.model = model }
}

/// Reads logged vectors with their predictions and outcomes.
///
/// Rows come in batches of one segment each, about in the order of time; batches of one service version have
/// one schema. The newest outcome is joined: by its time, then by when it was logged.
package struct ServedScan: Sendable {
    private let log: ServedLog

    package init(_ log: ServedLog) { self.log = log }

    /// Gives batch after batch; no transaction is open while the body runs.
    package func scan(
        _ query: ServedQuery,
        isCancelled: () -> Bool = { false },
        _ body: (RecordBatch) throws -> Void
    ) throws {
        var cursor = try cursor(query)
        while let batch = try cursor.next(isCancelled: isCancelled) { try body(batch) }
    }

    /// Gives them one by one.
    package func cursor(_ query: ServedQuery) throws(AlulaError) -> ServedCursor {
        try log.flush()
        let pass = ScanPass(log.readers)
        var query = query
        let (segments, types) = try list(&query)
        return ServedCursor(
            log: log,
            query: query,
            segments: segments[...],
            join: ServedJoin(query, log, types),
            pass: pass
        )
    }

    /// Since when about so many of the newest were served, by whole segments, and how many older
    /// ones there are; nil where there are no more.
    package func newest(
        _ most: UInt64,
        _ query: ServedQuery
    ) throws(AlulaError) -> (since: Timestamp?, leftOut: UInt64) {
        try log.flush()
        var (taken, leftOut): (UInt64, UInt64) = (0, 0)
        var since: Int64?
        var query = query
        for segment in try list(&query).segments.sorted(by: { $0.last > $1.last }) {
            if taken == 0 || taken + UInt64(segment.rows) <= most, leftOut == 0 {
                taken += UInt64(segment.rows)
                since = min(since ?? segment.first, segment.first)
            } else {
                leftOut += UInt64(segment.rows)
            }
        }
        guard leftOut > 0 else { return (nil, 0) }
        return (since.map(Timestamp.init(microseconds:)), leftOut)
    }

    /// As asked for by name and span of time.
    package func scan(
        model: ServedModel.Name,
        versions: Set<UInt32>? = nil,
        since: Timestamp? = nil,
        until: Timestamp? = nil,
        columns: [String]? = nil,
        _ body: (RecordBatch) throws -> Void
    ) throws {
        var query = ServedQuery(model)
        query.versions = versions
        query.since = since
        query.until = until
        query.columns = columns
        try scan(query, body)
    }

    /// The service versions whose vectors a scan would give, with the model versions of each.
    package func services(_ query: ServedQuery) throws(AlulaError) -> [String: Set<UInt32>] {
        try log.flush()
        var query = query
        return try list(&query).segments.reduce(into: [:]) { found, segment in
            found[segment.service, default: []].insert(segment.version)
        }
    }

    /// What was served longer ago than is kept is not of it, also where it is still in the file.
    private func list(
        _ query: inout ServedQuery
    ) throws(AlulaError) -> (segments: [ServedSegment], types: ServedJoin.Types) {
        if let since = query.since, let until = query.until, since > until {
            throw .invalid("the span ends before it begins: \(since) to \(until)")
        }
        let kept = try log.offline.readBeside { [name = query.model] db in
            try ServedFile(db).settings().first { $0.name == name }?.keep
        }
        if let kept, !query.takesRetired {
            query.since = max(query.since ?? .distantPast, log.now() - kept)
        }
        return try log.offline.readBeside { [query] db in
            let file = ServedFile(db)
            let all = try file.segments(
                of: query.model,
                .vectors,
                from: query.since?.microseconds ?? .min,
                through: query.until?.microseconds ?? .max
            )
            let types = ServedJoin.Types(
                prediction: try file.type(of: query.model, false) ?? .float64,
                outcome: try file.type(of: query.model, true) ?? .float64
            )
            let wanted = all.filter { segment in
                query.versions?.contains(segment.version) ?? true
                    && query.service ?? segment.service == segment.service
            }
            return (wanted, types)
        }
    }
}

/// A scan on its way; while there is one, no segments are merged.
package struct ServedCursor {
    let log: ServedLog
    let query: ServedQuery
    var segments: ArraySlice<ServedSegment>
    var join: ServedJoin
    let pass: ScanPass

    /// Nil at the end.
    package mutating func next(isCancelled: () -> Bool) throws -> RecordBatch? {
        while let segment = segments.popFirst() {
            guard !isCancelled() else {
                throw AlulaError(.cancelled, "the scan was cancelled")
            }
            if let batch = try read(segment) { return batch }
        }
        return nil
    }

    /// The time of the first prediction that the next segment may have.
    var nextStamp: Int64? { segments.first?.first }

    private mutating func read(_ listed: ServedSegment) throws -> RecordBatch? {
        let wanted = try ServedSelection(listed.layout, query)
        let found = try log.offline.readBeside { db -> (ServedSegment, [Column])? in
            let file = ServedFile(db)
            // It may have lost rows, or have gone, since it was listed.
            guard let segment = try file.segment(listed.id) else { return nil }
            return (segment, try file.columns(wanted.places, of: segment))
        }
        guard let (segment, columns) = found else { return nil }
        var table = ServedTable(layout: segment.layout, columns: columns, rows: segment.rows)
        let stamps = table.stamps
        let since = query.since?.microseconds ?? .min
        let until = query.until?.microseconds ?? .max
        if let first = stamps.first, let last = stamps.last, first < since || last > until {
            table = table.taking(
                (0..<Int32(table.rows)).filter {
                    stamps[Int($0)] >= since && stamps[Int($0)] <= until
                }
            )
        }
        guard table.rows > 0 else { return nil }
        return wanted.batch(table, query.withJoined ? try join.columns(for: table) : nil)
    }
}

/// Which columns of a segment a scan gives, and as what.
private struct ServedSelection {
    /// Numbers of the columns to read: the id first.
    var places: [Int] = []
    private var keys: [(field: Schema.Field, index: Int)] = []
    private var values: [(field: Schema.Field, index: Int, status: Int?)] = []
    private var events: [(field: Schema.Field, index: Int)] = []
    private var stage = 0
    private var logEntry = 0

    init(_ layout: ServedLayout, _ query: ServedQuery) throws(AlulaError) {
        var places: [Int] = []
        func take(_ place: Int) -> Int {
            if let known = places.firstIndex(of: place) { return known }
            places.append(place)
            return places.count - 1
        }
        func take(_ content: ServedLayout.Content, _ name: String = "") throws(AlulaError) -> Int {
            guard let place = layout.index(content, name) else {
                throw .corrupt("a segment of the prediction log lacks its \(content) \(name)")
            }
            return take(place)
        }
        _ = try take(.stamp)
        _ = try take(.rest)
        stage = try take(.stage)
        logEntry = try take(.logEntry)
        var missing = Set(query.columns ?? [])
        for entry in layout.entries {
            let field = Schema.Field(name: entry.name, type: entry.type)
            switch entry.content {
            case .key: keys.append((field, try take(.key, entry.name)))
            case .feature, .request:
                guard query.columns?.contains(entry.name) ?? true else { continue }
                missing.remove(entry.name)
                let isFeature = entry.content == .feature && query.withStatuses
                let status = isFeature ? try take(.status, entry.part) : nil
                values.append((field, try take(entry.content, entry.name), status))
            case .event where query.withEventTimes:
                let name = ServedColumn.eventTime(of: entry.name)
                events.append((.init(name: name, type: .timestamp), try take(.event, entry.name)))
            case .stamp, .rest, .stage, .logEntry, .status, .event, .value, .time, .recorded: break
            }
        }
        if !query.takesWhatIsThere, let name = missing.min() {
            throw .invalid(
                "the logged vectors of \(query.model.model) have no feature \"\(name)\"",
                help: "leave columns out for all of them"
            )
        }
        self.places = places
    }

    func batch(_ table: ServedTable, _ joined: ServedJoin.Joined?) -> RecordBatch {
        let (stamps, rests) = (table.stamps, table.rests)
        var fields: [Schema.Field] = []
        var columns: [Column] = []
        func add(_ name: String, _ column: Column) {
            fields.append(.init(name: name, type: column.type))
            columns.append(column)
        }
        add(ServedColumn.predictionID, PredictionID.column(stamps, rests))
        add(
            ServedColumn.modelVersion,
            Column(uint32s: rests.map { UInt32(truncatingIfNeeded: $0 >> 32) })
        )
        add(ServedColumn.servedTime, Column(int64s: stamps, type: .timestamp))
        add(ServedColumn.stage, table.columns[stage])
        add(ServedColumn.logEntry, table.columns[logEntry])
        // A request field may be a key as well: the key column stands for both.
        for key in keys { add(key.field.name, table.columns[key.index]) }
        for value in values {
            let column = table.columns[value.index]
            if fields.contains(where: { $0.name == value.field.name }) { continue }
            add(value.field.name, column)
            guard let status = value.status else { continue }
            add(
                ServedColumn.status(of: value.field.name),
                Self.statuses(table.columns[status], column)
            )
        }
        for event in events { add(event.field.name, table.columns[event.index]) }
        if let joined {
            add(ServedColumn.prediction, joined.prediction)
            add(ServedColumn.failure, joined.failure)
            add(ServedColumn.outcome, joined.outcome)
            add(ServedColumn.outcomeTime, joined.outcomeTime)
        }
        return RecordBatch(schema: Schema(fields: fields), columns: columns, rowCount: table.rows)
    }

    /// A present row whose value is null has the status `null`.
    private static func statuses(_ part: Column, _ values: Column) -> Column {
        guard !values.validity.isEmpty else { return part }
        var codes = part.uint32s
        for row in codes.indices where codes[row] == 0 && !values.isValid(row) {
            codes[row] = UInt32(FeatureStatus.null.rawValue)
        }
        return Column(uint32s: codes)
    }
}
