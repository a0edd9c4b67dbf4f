import Domain

/// A piece of an expression, and the bytes it takes.
struct SearchToken: Sendable {
    enum Kind: Sendable, Hashable {
        case word(String)
        /// What stood in quotes.
        case quoted(String)
        case comparison(SearchOperator)
        case open
        case close
        case comma
        case end
    }

    var kind: Kind
    var start: Int
    var end: Int
}

/// Cuts an expression into pieces.
struct SearchScanner {
    let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() throws(AlulaError) -> SearchToken {
        while position < bytes.count, Self.isBlank(bytes[position]) { position += 1 }
        let start = position
        guard start < bytes.count else { return SearchToken(kind: .end, start: start, end: start) }
        let kind = try kind(of: bytes[start])
        return SearchToken(kind: kind, start: start, end: position)
    }

    private mutating func kind(of byte: UInt8) throws(AlulaError) -> SearchToken.Kind {
        switch byte {
        case UInt8(ascii: "("): return single(.open)
        case UInt8(ascii: ")"): return single(.close)
        case UInt8(ascii: ","): return single(.comma)
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return try quoted(byte)
        case UInt8(ascii: "="), UInt8(ascii: "!"), UInt8(ascii: "<"), UInt8(ascii: ">"):
            return try comparison()
        default: return try word()
        }
    }

    private mutating func single(_ kind: SearchToken.Kind) -> SearchToken.Kind {
        position += 1
        return kind
    }

    private mutating func comparison() throws(AlulaError) -> SearchToken.Kind {
        let start = position
        while position < bytes.count, Self.comparisonBytes.contains(bytes[position]) {
            position += 1
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let found = SearchOperator(rawValue: text) else {
            throw mistake("there is no \"\(text)\": expected =, !=, <, <=, > or >=", at: start)
        }
        return .comparison(found)
    }

    private mutating func word() throws(AlulaError) -> SearchToken.Kind {
        let start = position
        while position < bytes.count, SearchText.isWordByte(bytes[position]) { position += 1 }
        guard position > start else {
            throw mistake(
                "this character has no meaning here: a text with it goes in quotes",
                at: start
            )
        }
        return .word(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func quoted(_ mark: UInt8) throws(AlulaError) -> SearchToken.Kind {
        let start = position
        var text: [UInt8] = []
        position += 1
        while position < bytes.count, bytes[position] != mark {
            var byte = bytes[position]
            if byte == UInt8(ascii: "\\") {
                guard position + 1 < bytes.count,
                    let escaped = Self.escaped(bytes[position + 1])
                else {
                    throw mistake("behind a \\ in quotes stands \\, a quote, n or t", at: position)
                }
                byte = escaped
                position += 1
            }
            text.append(byte)
            position += 1
        }
        guard position < bytes.count else {
            throw mistake("this quote is not closed", at: start)
        }
        position += 1
        return .quoted(String(decoding: text, as: UTF8.self))
    }

    /// A mistake in the expression, with the place where it is.
    func mistake(_ what: String, at byte: Int) -> AlulaError {
        let before = Array(Self.shown(bytes[..<byte]))
        let behind = Array(Self.shown(bytes[byte...]))
        let left = before.suffix(Self.shownCharacters)
        let right = behind.prefix(Self.shownCharacters)
        let leftMark = left.count < before.count ? "…" : ""
        let rightMark = right.count < behind.count ? "…" : ""
        let line = leftMark + String(left) + String(right) + rightMark
        let caret = String(repeating: " ", count: leftMark.count + left.count) + "^"
        return .invalid(
            "\(what) (character \(before.count + 1))\n  \(line)\n  \(caret)",
            help: "the language: docs/SEARCH.md"
        )
    }

    private static let shownCharacters = 60
    private static let comparisonBytes = Array("=!<>".utf8)

    private static func shown(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.map {
            $0.properties.generalCategory == .control ? " " : Character($0)
        }
        return String(text)
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }

    private static func escaped(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): byte
        case UInt8(ascii: "n"): UInt8(ascii: "\n")
        case UInt8(ascii: "t"): UInt8(ascii: "\t")
        default: nil
        }
    }
}
