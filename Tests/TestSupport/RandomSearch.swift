import Domain
package import Search

/// Search expressions drawn at random from a few names and values, so that they find something.
package struct RandomSearch {
    private var random: SeededRandom
    /// Names that are there: params and tags, metrics, data sets, and views, services and the like.
    package var keys = ["c", "learning rate", "and", "a.b", "\"quoted\""]
    package var metrics = ["auc", "loss"]
    package var dataSets = ["holdout", "train"]
    package var texts: [SearchProperty: [String]] = [:]
    package var sources: [SearchSource] = []
    package var greatestTime: Int64 = 50

    package init(seed: UInt64) { random = SeededRandom(seed: seed) }

    package mutating func expression() -> SearchExpression { SearchExpression(term(depth: 3)) }

    private mutating func term(depth: Int) -> SearchTerm {
        guard depth > 0, random.chance(0.6) else { return condition() }
        switch Int.random(in: 0..<3, using: &random) {
        case 0: return .not(term(depth: depth - 1))
        case 1: return .all(terms(depth: depth - 1))
        default: return .any(terms(depth: depth - 1))
        }
    }

    private mutating func terms(depth: Int) -> [SearchTerm] {
        (0..<Int.random(in: 2...3, using: &random)).map { _ in term(depth: depth) }
    }

    private mutating func condition() -> SearchTerm {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return .has(field())
        case 1 where !sources.isEmpty:
            return .uses(sources[Int.random(in: 0..<sources.count, using: &random)])
        case 2:
            let field = field(best: false)
            return .isIn(field, (0..<2).map { _ in value(for: field) })
        default:
            let field = field()
            return .compare(field, comparison(of: field), value(for: field))
        }
    }

    package mutating func field(best: Bool = true) -> SearchField {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return .param(keys.randomElement(using: &random) ?? "c")
        case 1: return .tag(keys.randomElement(using: &random) ?? "c")
        case 2:
            var metric = SearchMetric(name: metrics.randomElement(using: &random) ?? "auc")
            if random.chance(0.5) { metric.dataSet = dataSets.randomElement(using: &random) }
            if random.chance(0.3) { metric.point = .step(Int64.random(in: 0..<4, using: &random)) }
            if best, random.chance(0.3) { metric.point = .best }
            return .metric(metric)
        default:
            return .property(SearchProperty.allCases.randomElement(using: &random) ?? .name)
        }
    }

    private mutating func comparison(of field: SearchField) -> SearchOperator {
        var choices = SearchOperator.allCases
        switch field {
        case .param, .tag: break
        case .metric(let metric):
            choices.removeAll { $0 == .contains }
            if metric.point == .best { choices.removeAll { $0 == .equal || $0 == .notEqual } }
        case .property(let property):
            if property.kind != .text { choices.removeAll { $0 == .contains } }
        }
        return choices.randomElement(using: &random) ?? .equal
    }

    private mutating func value(for field: SearchField) -> SearchValue {
        switch field {
        case .metric: return number()
        case .param, .tag:
            if random.chance(0.5) { return number() }
            let words = ["red", "Red", "or", "7", "1.50", "a b", "", "é\n", "x\\'y"]
            return SearchValue(text: words.randomElement(using: &random) ?? "")
        case .property(let property):
            switch property.kind {
            case .number: return SearchValue(Int.random(in: 1..<6, using: &random))
            case .time:
                let time = Int64.random(in: 0...greatestTime, using: &random)
                return SearchValue(text: Timestamp(microseconds: time).description)
            case .text:
                if property == .status { return SearchValue(text: status()) }
                let known = texts[property] ?? ["none"]
                return SearchValue(text: known.randomElement(using: &random) ?? "")
            }
        }
    }

    private mutating func status() -> String {
        (Run.Status.allCases.randomElement(using: &random) ?? .running).rawValue
    }

    /// Of the numbers that `numbers` may be, or one between.
    private mutating func number() -> SearchValue {
        let text = Self.numbers.randomElement(using: &random) ?? "0"
        return SearchValue(number: text)
    }

    package static let numbers = ["-1", "0", "0.5", "1", "1.5", "1.50", "2e0", "7", "-0.0"]
}
