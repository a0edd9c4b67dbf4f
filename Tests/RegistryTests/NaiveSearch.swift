import Domain
import Search

/// What was written of a run, and of its versions, for a search by going through all of it.
struct TruthRun {
    struct Point {
        var name: String
        var dataSet: String
        var step: Int64
        var time: Int64
        var value: Double
    }

    var run: Run
    /// In the order in which they came.
    var points: [Point] = []
    var set: TrainingSetRecord?
    var versions: [TruthVersion] = []
}

struct TruthVersion {
    var version: ModelVersion
    var aliases: [String] = []
}

/// A search as the documentation says it, one item after another.
struct NaiveSearch {
    /// Services, as `name@version`, by the views and features that they read.
    var readers: [String: Set<String>] = [:]
    var imports: [String: (view: String, entry: UInt64?, retracted: UInt64?)] = [:]

    /// A run, or one of its versions.
    struct Item {
        var owner: TruthRun
        var version: TruthVersion?
    }

    func holds(_ term: SearchTerm, _ item: Item) -> Bool {
        switch term {
        case .all(let terms): terms.allSatisfy { holds($0, item) }
        case .any(let terms): terms.contains { holds($0, item) }
        case .not(let term): !holds(term, item)
        case .has(let field): !values(field, item, .has).isEmpty
        case .compare(let field, let comparison, let value):
            values(field, item, .compare(comparison)).contains {
                Self.compare($0, comparison, value)
            }
        case .isIn(let field, let list):
            values(field, item, .compare(.equal)).contains { found in
                list.contains { Self.compare(found, .equal, $0) }
            }
        case .uses(let source): uses(source, item)
        }
    }

    enum Found: Equatable {
        case text(String)
        case free(String)
        case number(Double)
        case time(Int64)
        case service(String)
    }

    enum Purpose { case has, compare(SearchOperator) }

    func values(_ field: SearchField, _ item: Item, _ purpose: Purpose) -> [Found] {
        switch field {
        case .param(let key):
            (item.version?.version.params ?? item.owner.run.params)[key].map { [.free($0)] } ?? []
        case .tag(let key):
            (item.version?.version.tags ?? item.owner.run.tags)[key].map { [.free($0)] } ?? []
        case .metric(let metric): self.metric(metric, item, purpose)
        case .property(let property):
            if property.isOfVersion, item.version == nil {
                item.owner.versions.flatMap {
                    self.property(property, Item(owner: item.owner, version: $0))
                }
            } else {
                self.property(property, item)
            }
        }
    }

    private func metric(_ metric: SearchMetric, _ item: Item, _ purpose: Purpose) -> [Found] {
        if metric.point == .last, let version = item.version {
            return version.version.metrics.filter {
                $0.name.text == metric.name
                    && (metric.dataSet == nil || $0.dataSet == metric.dataSet)
            }.map { .number($0.value) }
        }
        let named = item.owner.points.filter {
            $0.name == metric.name && (metric.dataSet == nil || $0.dataSet == metric.dataSet)
        }
        let series = Dictionary(grouping: named, by: \.dataSet).values
        return series.flatMap { points -> [Found] in
            switch metric.point {
            case .last: return Self.last(points).map { [.number($0.value)] } ?? []
            case .step(let step):
                return Self.last(points.filter { $0.step == step }).map { [.number($0.value)] }
                    ?? []
            case .best:
                return points.map { .number($0.value) }
            }
        }
    }

    static func last(_ points: [TruthRun.Point]) -> TruthRun.Point? {
        points.enumerated().max {
            ($0.element.step, $0.element.time, $0.offset)
                < ($1.element.step, $1.element.time, $1.offset)
        }?.element
    }

    private func property(_ property: SearchProperty, _ item: Item) -> [Found] {
        let run = item.owner.run
        let version = item.version?.version
        func text(_ text: String?) -> [Found] { text.map { $0.isEmpty ? [] : [.text($0)] } ?? [] }
        switch property {
        case .run: return text(run.id.text)
        case .experiment: return text(run.experiment.text)
        case .name: return text(run.name)
        case .status: return text(run.status.rawValue)
        case .started: return [.time(run.started.microseconds)]
        case .ended: return run.ended.map { [.time($0.microseconds)] } ?? []
        case .model: return text(version?.model.text)
        case .version: return version.map { [.number(Double($0.number))] } ?? []
        case .stage: return text(version?.stage.text)
        case .alias: return item.version?.aliases.map { .text($0) } ?? []
        case .description: return text(version?.description)
        case .registered: return version.map { [.time($0.registered.microseconds)] } ?? []
        case .actor: return text(version?.actor ?? run.actor)
        case .code: return text(version?.codeRevision ?? run.codeRevision)
        case .trainingSet:
            return text(version == nil ? run.trainingSet?.text : version?.trainingSet?.text)
        case .service: return service(item).map { [.service($0)] } ?? []
        }
    }

    private func service(_ item: Item) -> String? {
        item.version == nil
            ? item.owner.set?.service.description : item.version?.version.service?.description
    }

    private func uses(_ source: SearchSource, _ item: Item) -> Bool {
        let service = service(item)
        func reads(_ what: String) -> Bool {
            service.map { readers[what]?.contains($0) ?? false } ?? false
        }
        switch source {
        case .view, .feature: return reads(source.description)
        case .service(let wanted):
            return service.map {
                $0 == wanted.description || $0.hasPrefix(wanted.description + "@")
            }
                ?? false
        case .trainingSet(let id):
            return
                (item.version == nil
                ? item.owner.run.trainingSet : item.version?.version.trainingSet)
                == id
        case .run(let id): return item.owner.run.id == id
        case .artifact(let digest):
            let versions = item.version.map { [$0] } ?? item.owner.versions
            return versions.contains { $0.version.artifacts.contains { $0.digest == digest } }
        case .importID(let id):
            let hasSet = item.version == nil || item.version?.version.trainingSet != nil
            guard hasSet, let set = item.owner.set, let found = imports[id],
                let entry = found.entry
            else { return false }
            return set.logEntry >= entry && set.logEntry < found.retracted ?? .max
                && readers[found.view]?.contains(set.service.description) ?? false
        }
    }

    /// The number that a param or a tag is, as JSON writes it.
    static func number(_ text: String) -> Double? {
        var trimmed = text
        while let last = trimmed.unicodeScalars.last, " \t\n\r".unicodeScalars.contains(last) {
            trimmed.unicodeScalars.removeLast()
        }
        return text.count <= 40 && SearchValue.isNumber(trimmed) ? Double(trimmed) : nil
    }

    private static func compare(
        _ found: Found,
        _ comparison: SearchOperator,
        _ value: SearchValue
    ) -> Bool {
        switch found {
        case .text(let text): order(text, comparison, value.text)
        case .time(let time): order(time, comparison, value.time?.microseconds ?? 0)
        case .number(let number): order(number, comparison, value.metricNumber ?? .nan)
        case .service(let service):
            switch comparison {
            case .equal: isService(service, value.text)
            case .notEqual: !isService(service, value.text)
            default: order(service, comparison, value.text)
            }
        case .free(let text):
            if let wanted = value.number, comparison != .contains {
                switch comparison {
                case .equal: text == value.text || number(text) == wanted
                case .notEqual: !(text == value.text || number(text) == wanted)
                default: number(text).map { order($0, comparison, wanted) } ?? false
                }
            } else {
                order(text, comparison, value.text)
            }
        }
    }

    private static func isService(_ service: String, _ wanted: String) -> Bool {
        wanted.contains("@") ? service == wanted : service.hasPrefix(wanted + "@")
    }

    private static func order(_ left: String, _ comparison: SearchOperator, _ right: String) -> Bool
    {
        let (a, b) = (Array(left.utf8), Array(right.utf8))
        switch comparison {
        case .equal: return a == b
        case .notEqual: return a != b
        case .less: return a.lexicographicallyPrecedes(b)
        case .lessOrEqual: return a == b || a.lexicographicallyPrecedes(b)
        case .greater: return b.lexicographicallyPrecedes(a)
        case .greaterOrEqual: return a == b || b.lexicographicallyPrecedes(a)
        case .contains:
            return b.isEmpty
                || a.indices.contains { a[$0...].starts(with: b) }
        }
    }

    private static func order<T: Comparable>(
        _ left: T,
        _ comparison: SearchOperator,
        _ right: T
    ) -> Bool {
        // NaN compares as nothing.
        guard left == left, right == right else { return false }
        switch comparison {
        case .equal: return left == right
        case .notEqual: return left != right
        case .less: return left < right
        case .lessOrEqual: return left <= right
        case .greater: return left > right
        case .greaterOrEqual: return left >= right
        case .contains: return false
        }
    }
}

/// By what items are sorted.
extension NaiveSearch {
    /// -1, 0 or 1; what lacks the field comes last.
    func compare(_ left: Item, _ right: Item, by order: SearchOrder) -> Int {
        switch (key(left, order), key(right, order)) {
        case (nil, nil): 0
        case (nil, _): 1
        case (_, nil): -1
        case (let left?, let right?):
            Self.sign(left, right) * (order.isDescending ? -1 : 1)
        }
    }

    private func key(_ item: Item, _ order: SearchOrder) -> Found? {
        let keys = values(order.field, item, .has).compactMap(Self.sortable)
        return keys.sorted { Self.sign($0, $1) * (order.isDescending ? -1 : 1) < 0 }.first
    }

    private static func sortable(_ found: Found) -> Found? {
        switch found {
        case .free(let text): number(text).map { .number($0) } ?? .text(text)
        case .number(let number): number.isNaN ? nil : found
        case .service(let service): .text(service)
        case .text, .time: found
        }
    }

    /// Numbers before texts.
    private static func sign(_ left: Found, _ right: Found) -> Int {
        switch (left, right) {
        case (.number(let a), .number(let b)): a == b ? 0 : a < b ? -1 : 1
        case (.time(let a), .time(let b)): a == b ? 0 : a < b ? -1 : 1
        case (.text(let a), .text(let b)):
            Array(a.utf8) == Array(b.utf8) ? 0 : a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
        case (.number, _): -1
        default: 1
        }
    }
}
