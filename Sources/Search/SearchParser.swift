package import Domain

extension SearchExpression {
    /// Reads an expression; throws with the place of the first mistake.
    package init(parsing text: String) throws(AlulaError) {
        var parser = try SearchParser(text)
        self.init(try parser.expression())
    }
}

/// Reads an expression from left to right, one piece ahead.
struct SearchParser {
    private var scanner: SearchScanner
    private(set) var token: SearchToken
    private var conditions = 0

    init(_ text: String) throws(AlulaError) {
        guard text.utf8.count <= Limits.searchBytes else {
            throw .invalid(
                "the expression has \(text.utf8.count) bytes: at most \(Limits.searchBytes) are taken"
            )
        }
        scanner = SearchScanner(Array(text.utf8))
        token = try scanner.next()
    }

    mutating func expression() throws(AlulaError) -> SearchTerm {
        let root = try alternatives(depth: 0)
        switch token.kind {
        case .end: return root
        case .close: throw mistake("there is no \"(\" for this")
        case .word, .quoted, .comparison, .open, .comma:
            throw mistake("expected and, or, or the end")
        }
    }

    private mutating func alternatives(depth: Int) throws(AlulaError) -> SearchTerm {
        var terms = [try conjunction(depth: depth)]
        while try take(.or) { terms.append(try conjunction(depth: depth)) }
        return terms.count == 1 ? terms[0] : .any(terms)
    }

    private mutating func conjunction(depth: Int) throws(AlulaError) -> SearchTerm {
        var terms = [try term(depth: depth)]
        while try take(.and) { terms.append(try term(depth: depth)) }
        return terms.count == 1 ? terms[0] : .all(terms)
    }

    private mutating func term(depth: Int) throws(AlulaError) -> SearchTerm {
        guard depth <= Limits.searchNesting else {
            throw mistake("this stands too deep: at most \(Limits.searchNesting) levels are taken")
        }
        if try take(.not) { return .not(try term(depth: depth + 1)) }
        if token.kind == .open {
            let open = token
            try advance()
            let inner = try alternatives(depth: depth + 1)
            guard token.kind == .close else {
                guard token.kind == .end else { throw mistake("expected and, or, or \")\"") }
                throw mistake("this \"(\" is not closed", at: open.start)
            }
            try advance()
            return inner
        }
        conditions += 1
        guard conditions <= Limits.searchConditions else {
            throw mistake("this is one condition more than \(Limits.searchConditions)")
        }
        return try condition()
    }

    // Steps

    mutating func advance() throws(AlulaError) { token = try scanner.next() }

    /// Steps over the word where it is next.
    mutating func take(_ word: SearchWord) throws(AlulaError) -> Bool {
        guard case .word(let text) = token.kind, SearchWord(text) == word else { return false }
        try advance()
        return true
    }

    /// Steps over a word that is not reserved.
    mutating func takeWord(_ word: String) throws(AlulaError) -> Bool {
        guard token.kind == .word(word) else { return false }
        try advance()
        return true
    }

    func mistake(_ what: String) -> AlulaError { scanner.mistake(what, at: token.start) }

    func mistake(_ what: String, at byte: Int) -> AlulaError { scanner.mistake(what, at: byte) }
}
