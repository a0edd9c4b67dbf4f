/// What runs or versions are asked for: a condition, or several joined by `and`, `or` and `not`.
///
/// The language is described in `docs/SEARCH.md`. What is parsed and what `description` writes are
/// the same language, so that either gives the other back.
package struct SearchExpression: Sendable, Hashable, CustomStringConvertible {
    package let root: SearchTerm

    package init(_ root: SearchTerm) { self.root = root }

    package var description: String { root.text(within: .any) }
}

package indirect enum SearchTerm: Sendable, Hashable {
    /// Two or more.
    case all([SearchTerm])
    /// Two or more.
    case any([SearchTerm])
    case not(SearchTerm)
    /// False where there is nothing to compare.
    case compare(SearchField, SearchOperator, SearchValue)
    /// Equal to one of these.
    case isIn(SearchField, [SearchValue])
    /// There is something of that name.
    case has(SearchField)
    /// It was made of this.
    case uses(SearchSource)
}

package enum SearchOperator: String, Sendable, Hashable, CaseIterable {
    case equal = "="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    /// Text within text.
    case contains
}

/// A word, a number or a text in quotes, as it was written.
package struct SearchValue: Sendable, Hashable, CustomStringConvertible {
    package var text: String
    /// Written without quotes, as JSON writes numbers.
    package var isNumber: Bool

    /// A text, also one that looks like a number.
    package init(text: String) {
        self.text = text
        isNumber = false
    }

    /// A word without quotes.
    init(word: String) {
        text = word
        isNumber = Self.isNumber(word)
    }

    package init(_ number: some BinaryInteger) {
        text = String(number)
        isNumber = true
    }

    /// A number as JSON writes it; another text is one.
    package init(number: String) { self.init(word: number) }

    package var number: Double? { isNumber ? Double(text) : nil }

    package var description: String {
        isNumber || SearchText.isPlain(text) ? text : SearchText.quoted(text)
    }

    /// Whether JSON would take the text for a number: `-1.5e3`, but not `01`, `.5`, `+1` or `inf`.
    package static func isNumber(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        func digits() -> Int {
            let count = rest.prefix { (0x30...0x39).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let startsWithZero = rest.first == UInt8(ascii: "0")
        let whole = digits()
        guard whole == 1 || whole > 1 && !startsWithZero else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard digits() > 0 else { return false }
        }
        if let mark = rest.first, mark | 0x20 == UInt8(ascii: "e") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") {
                rest = rest.dropFirst()
            }
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}

extension SearchTerm {
    /// What a term stands in, which says where it needs parentheses.
    fileprivate enum Surrounding { case any, all, not }

    fileprivate func text(within surrounding: Surrounding) -> String {
        switch self {
        case .all(let terms):
            Self.joined(terms, " and ", parentheses: surrounding != .any)
        case .any(let terms):
            Self.joined(terms, " or ", parentheses: surrounding != .any)
        case .not(let term): "not " + term.text(within: .not)
        case .compare(let field, let comparison, let value):
            "\(field) \(comparison.rawValue) \(value)"
        case .isIn(let field, let values):
            "\(field) in (" + values.map(\.description).joined(separator: ", ") + ")"
        case .has(let field): "has \(field)"
        case .uses(let source):
            "uses "
                + (SearchText.isPlain(source.description)
                    ? source.description : SearchText.quoted(source.description))
        }
    }

    private static func joined(_ terms: [Self], _ word: String, parentheses: Bool) -> String {
        let text = terms.map { term in
            if case .all = term { return "(" + term.text(within: .any) + ")" }
            return term.text(within: .all)
        }.joined(separator: word)
        return parentheses ? "(" + text + ")" : text
    }
}

/// How words are told from what needs quotes.
enum SearchText {
    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x80...: true
        case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"),
            UInt8(ascii: "@"), UInt8(ascii: "/"), UInt8(ascii: "+"):
            true
        default: false
        }
    }

    static func isWord(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(isWordByte)
    }

    /// A word that is read back as the same text: none of the language's, and no number.
    static func isPlain(_ text: String) -> Bool {
        isWord(text) && !SearchWord.isReserved(text) && !SearchValue.isNumber(text)
    }

    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for character in text.unicodeScalars {
            switch character {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            default: quoted.unicodeScalars.append(character)
            }
        }
        return quoted + "\""
    }
}

/// Words that stand for themselves; in any case of letters.
enum SearchWord: String, CaseIterable {
    case and, or, not, `in`, has, uses, contains

    init?(_ text: String) { self.init(rawValue: text.lowercased()) }

    static func isReserved(_ text: String) -> Bool { Self(text) != nil }
}
