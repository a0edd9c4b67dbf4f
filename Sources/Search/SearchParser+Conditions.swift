package import Domain

extension SearchParser {
    /// A comparison, `has` or `uses`.
    mutating func condition() throws(AlulaError) -> SearchTerm {
        if try take(.has) { return .has(try field()) }
        if try take(.uses) { return .uses(try source()) }
        let field = try field()
        let place = token.start
        if try take(.in) { return .isIn(field, try list(for: field)) }
        let comparison = try comparison(for: field)
        if case .metric(let metric) = field, metric.point == .best {
            switch comparison {
            case .less, .lessOrEqual, .greater, .greaterOrEqual: break
            case .equal, .notEqual, .contains:
                throw mistake("best takes <, <=, > or >=, which say which is better", at: place)
            }
        }
        return .compare(field, comparison, try value(for: field))
    }

    private mutating func comparison(
        for field: SearchField
    ) throws(AlulaError) -> SearchOperator {
        if case .word(let word) = token.kind, SearchWord(word) == .contains {
            guard field.isText else {
                throw mistake("contains looks into texts, and \(field) is none")
            }
            try advance()
            return .contains
        }
        guard case .comparison(let found) = token.kind else {
            throw mistake("expected =, !=, <, <=, >, >=, in or contains behind \(field)")
        }
        try advance()
        return found
    }

    private mutating func list(for field: SearchField) throws(AlulaError) -> [SearchValue] {
        if case .metric(let metric) = field, metric.point == .best {
            throw mistake("best takes <, <=, > or >=, which say which is better")
        }
        guard token.kind == .open else { throw mistake("expected \"(\" and values behind in") }
        try advance()
        var values = [try value(for: field)]
        while token.kind == .comma {
            try advance()
            values.append(try value(for: field))
            guard values.count <= Limits.searchConditions else {
                throw mistake("there are more than \(Limits.searchConditions) values behind in")
            }
        }
        guard token.kind == .close else { throw mistake("expected \",\" or \")\"") }
        try advance()
        return values
    }

    private mutating func source() throws(AlulaError) -> SearchSource {
        let text: String
        switch token.kind {
        case .word(let word): text = word
        case .quoted(let quoted): text = quoted
        case .comparison, .open, .close, .comma, .end:
            throw mistake("expected what is used, such as view:NAME")
        }
        let source: SearchSource
        do {
            source = try SearchSource(text: text)
        } catch {
            throw mistake(error.message)
        }
        try advance()
        return source
    }
}

/// Fields.
extension SearchParser {
    mutating func field() throws(AlulaError) -> SearchField {
        guard case .word(let word) = token.kind else { throw mistake("expected a field") }
        guard !SearchWord.isReserved(word) else {
            throw mistake("expected a field, not \"\(word)\"")
        }
        guard let dot = word.firstIndex(of: ".") else {
            guard let property = SearchProperty(rawValue: word) else {
                throw mistake(Self.noField(word))
            }
            try advance()
            return .property(property)
        }
        let group = word[..<dot]
        guard ["param", "tag", "metric"].contains(group) else { throw mistake(Self.noField(word)) }
        let key = try key(behind: String(word[word.index(after: dot)...]))
        switch group {
        case "param": return .param(key)
        case "tag": return .tag(key)
        default: return .metric(try metric(key))
        }
    }

    /// The name behind the dot: the rest of the word, or a text in quotes that follows at once.
    private mutating func key(behind rest: String) throws(AlulaError) -> String {
        let end = token.end
        try advance()
        guard rest.isEmpty else { return rest }
        guard case .quoted(let text) = token.kind, token.start == end, !text.isEmpty else {
            throw mistake("expected a name behind the dot", at: end)
        }
        try advance()
        return text
    }

    private mutating func metric(_ name: String) throws(AlulaError) -> SearchMetric {
        var metric = SearchMetric(name: name)
        if try takeWord("on") {
            metric.dataSet = try text("expected a data set behind on").text
        }
        if try takeWord("best") {
            metric.point = .best
        } else if try takeWord("at") {
            guard case .word(let word) = token.kind, let step = Int64(word) else {
                throw mistake("expected a step, a whole number, behind at")
            }
            try advance()
            metric.point = .step(step)
        }
        return metric
    }

    private static func noField(_ word: String) -> String {
        let known = SearchProperty.allCases.map(\.rawValue) + ["param.", "tag.", "metric."]
        let close = hint(word, among: known)
        guard close.isEmpty else { return "there is no field \"\(word)\"" + close }
        return "there is no field \"\(word)\": the fields are "
            + SearchProperty.allCases.map(\.rawValue).joined(separator: ", ")
            + ", param.NAME, tag.NAME and metric.NAME"
    }
}

/// Values.
extension SearchParser {
    private mutating func text(_ otherwise: String) throws(AlulaError) -> SearchValue {
        let value: SearchValue
        switch token.kind {
        case .quoted(let text): value = SearchValue(text: text)
        case .word(let word):
            guard !SearchWord.isReserved(word) else {
                throw mistake("\"\(word)\" is a word of the language: quote it where it is a value")
            }
            value = SearchValue(word: word)
        case .comparison, .open, .close, .comma, .end: throw mistake(otherwise)
        }
        try advance()
        return value
    }

    private mutating func value(for field: SearchField) throws(AlulaError) -> SearchValue {
        let place = token.start
        let value = try text("expected a value for \(field)")
        switch field {
        case .param, .tag: break
        case .metric:
            guard value.metricNumber != nil else {
                throw mistake("expected a number for \(field)", at: place)
            }
        case .property(let property):
            if let fault = property.fault(in: value) { throw mistake(fault, at: place) }
        }
        return value
    }
}

extension SearchValue {
    /// The number that a metric is compared with.
    package var metricNumber: Double? {
        switch text {
        case "inf": .infinity
        case "-inf": -.infinity
        default: number
        }
    }

    /// The moment that a time is compared with.
    package var time: Timestamp? { Timestamp(text: text, rounding: .down) }
}

extension SearchField {
    fileprivate var isText: Bool {
        switch self {
        case .param, .tag: true
        case .metric: false
        case .property(let property): property.kind == .text
        }
    }
}

extension SearchProperty {
    /// Why the value cannot be one of this property; nil where it can.
    fileprivate func fault(in value: SearchValue) -> String? {
        switch kind {
        case .number:
            return value.isNumber && UInt32(value.text) != nil
                ? nil : "expected a whole number for \(rawValue)"
        case .time:
            return value.time != nil
                ? nil : "expected a time for \(rawValue), such as 2026-11-21T10:00:00Z"
        case .text:
            guard self == .status, Run.Status(rawValue: value.text) == nil else { return nil }
            return "there is no status \"\(value.text)\": there are "
                + Run.Status.allCases.map(\.rawValue).joined(separator: ", ")
        }
    }
}
