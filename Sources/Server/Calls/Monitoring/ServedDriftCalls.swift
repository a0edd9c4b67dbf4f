import Domain
import Registry
import Served
import Statistics
import Wire

/// What a model was served in a span of time, as a profile.
struct ServedProfile {
    var table: TableProfile
    /// Rows of each version of the model.
    var versions: [UInt32: UInt64]
    /// Of them, those whose prediction failed.
    var failed: [UInt32: UInt64] = [:]
}

extension Dispatcher {
    /// How what a model was served moved: against the training set of its newest version served, a
    /// training set that is named, or what was served in another span.
    func servedDrift(_ request: WireDriftRequest, _ call: Call) throws -> Answer {
        guard request.current.isEmpty else {
            throw AlulaError.invalid("drift is of a model or of a training set: found both")
        }
        let options = try DriftOptions(request)
        let name = try servedName(request.model, request.head)
        var query = ServedQuery(name)
        query.versions = request.versions.isEmpty ? nil : Set(request.versions)
        query.since = request.hasSinceUs ? Timestamp(microseconds: request.sinceUs) : nil
        query.until = request.hasUntilUs ? Timestamp(microseconds: request.untilUs) : nil
        let current = try served(query, call)
        var answer: WireDrift
        if request.hasAgainstSinceUs || request.hasAgainstUntilUs {
            guard request.trainingSet.isEmpty else {
                throw AlulaError.invalid("the reference is a training set or a window: found both")
            }
            var other = query
            other.since =
                request.hasAgainstSinceUs
                ? Timestamp(microseconds: request.againstSinceUs) : nil
            other.until =
                request.hasAgainstUntilUs
                ? Timestamp(microseconds: request.againstUntilUs) : nil
            let reference = try served(other, call)
            let names = Self.names(reference.table, current.table)
            answer = try Self.answer(request, reference.table, current.table, names, options)
            answer.reference = Self.title(other)
        } else {
            let record = try reference(request, name, current)
            let before = try profile(of: record)
            let names = record.featureColumns.filter { before[$0] != nil }
            answer = try Self.answer(request, before, current.table, names, options)
            answer.reference = record.id.text
        }
        answer.current = Self.title(query)
        answer.versions = current.versions.sorted { $0.key < $1.key }.map { version, rows in
            var item = WireVersionRows()
            item.version = version
            item.rows = rows
            item.failed = current.failed[version] ?? 0
            return item
        }
        return try Answer(answer)
    }

    private static func answer(
        _ request: WireDriftRequest,
        _ reference: TableProfile,
        _ current: TableProfile,
        _ usual: [String],
        _ options: DriftOptions
    ) throws(AlulaError) -> WireDrift {
        for name in request.features where reference[name] == nil && current[name] == nil {
            throw .invalid(
                "neither the reference nor what is compared with it has a feature \"\(name)\"",
                help: usual.isEmpty ? "" : "there are: " + usual.joined(separator: ", ")
            )
        }
        let columns = request.features.isEmpty ? usual : request.features
        var answer = WireDrift(
            DriftReport(reference: reference, current: current, columns: columns, options: options)
        )
        answer.referenceRows = reference.rows
        answer.currentRows = current.rows
        return answer
    }

    /// All columns of either, or those asked for.
    static func drift(
        _ request: WireDriftRequest,
        _ reference: TableProfile,
        _ current: TableProfile,
        _ options: DriftOptions
    ) throws(AlulaError) -> WireDrift {
        try answer(request, reference, current, names(reference, current), options)
    }

    /// Columns of either, those of the reference first.
    private static func names(_ reference: TableProfile, _ current: TableProfile) -> [String] {
        let names = reference.features.map(\.name)
        return names + current.features.map(\.name).filter { !names.contains($0) }
    }

    private static func title(_ query: ServedQuery) -> String {
        var text = "\(query.model.model) as served"
        if let since = query.since { text += " from \(since)" }
        if let until = query.until { text += " until \(until)" }
        return text
    }

    private func reference(
        _ request: WireDriftRequest,
        _ name: ServedModel.Name,
        _ current: ServedProfile
    ) throws -> TrainingSetRecord {
        let head = try CallHead(request.head)
        guard request.trainingSet.isEmpty else { return try trainingSet(request.trainingSet, head) }
        guard let newest = current.versions.keys.max() else {
            throw AlulaError.notFound(
                "nothing that \(name.model) was served is in the log for that time",
                help:
                    "log reads: model.read(…, log=True); alula prediction-log \(name.model) says what is there"
            )
        }
        let version = try services.registry.version(
            .version(newest),
            of: name.model,
            project: name.project
        )
        guard let id = version.trainingSet else {
            throw AlulaError.refused(
                "version \(newest) of \(name.model) was registered without a training set",
                help: "name what to compare with: --against a training set or a span of time"
            )
        }
        return try trainingSet(id.text, head)
    }

    func served(_ query: ServedQuery, _ call: Call) throws -> ServedProfile {
        let found = try ServedProfile(query, of: services.served, isCancelled: { call.isEnded })
        try call.checkEnded()
        return found
    }
}

extension ServedProfile {
    /// Reads what was served once, segment by segment.
    init(_ query: ServedQuery, of log: ServedLog, isCancelled: () -> Bool) throws {
        self.init(table: TableProfile(rows: 0, features: []), versions: [:])
        // A version that does not have a feature says nothing of it.
        var query = query
        query.takesWhatIsThere = true
        var builders: [String: NewestType] = [:]
        var order: [String] = []
        var lacking: [String] = []
        try ServedScan(log).scan(query, isCancelled: isCancelled) { batch in
            if let asked = query.columns, !asked.isEmpty,
                !asked.contains(where: { batch[$0] != nil })
            {
                lacking = asked
                return
            }
            var newest: UInt32 = 0
            table.rows += UInt64(batch.rowCount)
            let failures = batch[ServedColumn.failure]
            if let versions = batch[ServedColumn.modelVersion] {
                for row in 0..<batch.rowCount {
                    let version = UInt32(truncatingIfNeeded: versions.load(row, as: Int32.self))
                    self.versions[version, default: 0] += 1
                    if failures?.isValid(row) == true { failed[version, default: 0] += 1 }
                    newest = max(newest, version)
                }
            }
            for name in Self.profiled(batch.schema, query.columns) {
                guard let column = batch[name] else { continue }
                if builders[name] == nil { order.append(name) }
                builders[name, default: NewestType(name)].add(
                    column,
                    status: batch[ServedColumn.status(of: name)],
                    version: newest
                )
            }
        }
        if table.rows == 0, let name = lacking.min() {
            throw AlulaError.invalid(
                "the logged vectors of \(query.model.model) have no feature \"\(name)\"",
                help: "leave columns out for all of them"
            )
        }
        table.features = order.compactMap { builders[$0]?.finish() }
    }

    /// Those asked for; else features, which have a status behind them, what follows them up to the predictions, and those.
    private static func profiled(_ schema: Schema, _ asked: [String]?) -> [String] {
        (asked ?? vector(schema)) + [ServedColumn.prediction, ServedColumn.outcome]
    }

    /// Features and what follows them, of the request; neither keys nor predictions.
    static func vector(_ schema: Schema) -> [String] {
        let names = schema.fields.map(\.name)
        let known = Set(names)
        guard let first = names.firstIndex(where: { known.contains(ServedColumn.status(of: $0)) })
        else { return [] }
        return names[first...].filter { !$0.contains("@") }
    }
}

/// The values of a feature of which versions may have different types: those of the newest count.
private struct NewestType {
    private let name: String
    private var builders: [ValueType: ServedBuilder] = [:]
    private var newest: (version: UInt32, type: ValueType)?

    init(_ name: String) { self.name = name }

    mutating func add(_ column: Column, status: Column?, version: UInt32) {
        builders[column.type, default: ServedBuilder(name, column.type)].add(column, status: status)
        if version >= newest?.version ?? 0 { newest = (version, column.type) }
    }

    func finish() -> FeatureProfile? { newest.flatMap { builders[$0.type]?.finish() } }
}

/// A profile and how many of its values were withheld or not there.
struct ServedBuilder {
    let type: ValueType
    private var builder: ProfileBuilder
    private var expired: UInt64 = 0
    private var notFound: UInt64 = 0

    init(_ name: String, _ type: ValueType) {
        self.type = type
        builder = ProfileBuilder(name: name, type: type)
    }

    mutating func add(_ column: Column, status: Column?) {
        builder.add(column)
        guard let status, status.type == .int32 else { return }
        for row in 0..<status.count {
            switch FeatureStatus(
                rawValue: UInt8(truncatingIfNeeded: status.load(row, as: Int32.self))
            )
            {
            case .expired: expired += 1
            case .notFound: notFound += 1
            case .present, .null, nil: break
            }
        }
    }

    func finish() -> FeatureProfile {
        var profile = builder.finish()
        profile.expired = expired
        profile.notFound = notFound
        return profile
    }
}
