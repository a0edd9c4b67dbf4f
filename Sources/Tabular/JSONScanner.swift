import Domain

/// Pulls the tokens of one JSON text (RFC 8259) out of bytes, without building a tree.
struct JSONScanner {
    enum Kind { case object, array, string, number, bool, null }

    private let bytes: [UInt8]
    private(set) var position: Int
    private let end: Int

    init(_ bytes: [UInt8], in range: Range<Int>? = nil) {
        self.bytes = bytes
        position = range?.lowerBound ?? 0
        end = range?.upperBound ?? bytes.count
    }

    /// What kind of value comes next.
    mutating func kind() throws(CellProblem) -> Kind {
        skipSpace()
        guard position < end else { throw CellProblem("expected a JSON value, found the end") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), 0x30...0x39: return .number
        case let other: throw CellProblem("expected a JSON value, found \(Self.name(other))")
        }
    }

    /// Takes this character; throws where another stands there.
    mutating func expect(_ character: Unicode.Scalar) throws(CellProblem) {
        guard skip(character) else {
            skipSpace()
            let found = position < end ? Self.name(bytes[position]) : "the end"
            throw CellProblem("expected '\(character)', found \(found)")
        }
    }

    /// Takes this character if it comes next.
    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < end, UInt32(bytes[position]) == character.value else { return false }
        position += 1
        return true
    }

    mutating func atEnd() -> Bool {
        skipSpace()
        return position == end
    }

    mutating func null() throws(CellProblem) { try word("null") }

    mutating func bool() throws(CellProblem) -> Bool {
        let value = position < end && bytes[position] == UInt8(ascii: "t")
        try word(value ? "true" : "false")
        return value
    }

    /// Takes a number and gives its text.
    mutating func number() throws(CellProblem) -> ArraySlice<UInt8> {
        skipSpace()
        let start = position
        _ = take(UInt8(ascii: "-"))
        let isZero = position < end && bytes[position] == 0x30
        guard digits() == 1 || !isZero else { throw CellProblem("a number begins with a zero") }
        guard position > start, Self.isDigit(bytes[position - 1]) else {
            throw CellProblem("expected a digit")
        }
        if take(UInt8(ascii: ".")), digits() == 0 {
            throw CellProblem("expected a digit behind the point")
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            if digits() == 0 { throw CellProblem("expected a digit in the exponent") }
        }
        return bytes[start..<position]
    }

    /// Takes a value that is neither an object nor an array.
    mutating func skipScalar() throws(CellProblem) {
        switch try kind() {
        case .null: try null()
        case .bool: _ = try bool()
        case .number: _ = try number()
        case .string:
            var text: [UInt8] = []
            try string(into: &text)
        case .object, .array: throw CellProblem("expected a text, a number or null")
        }
    }

    /// Appends the text of a string as valid UTF-8.
    mutating func string(into text: inout [UInt8]) throws(CellProblem) {
        try expect("\"")
        let begin = text.count
        while true {
            guard position < end else { throw CellProblem("a string is not closed") }
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard isUTF8(text[begin...]) else {
                    throw CellProblem("expected UTF-8 text, found invalid bytes")
                }
                return
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw CellProblem("a control character stands unescaped in a string")
            default: text.append(byte)
            }
        }
    }
}

extension JSONScanner {
    private mutating func skipSpace() {
        while position < end {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < end, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func digits() -> Int {
        let start = position
        while position < end, Self.isDigit(bytes[position]) { position += 1 }
        return position - start
    }

    private mutating func word(_ text: StaticString) throws(CellProblem) {
        let word = Array(text.description.utf8)
        guard end - position >= word.count,
            bytes[position..<position + word.count].elementsEqual(word)
        else { throw CellProblem("expected \(text)") }
        position += word.count
    }

    private mutating func escape(into text: inout [UInt8]) throws(CellProblem) {
        guard position < end else { throw CellProblem("a string is not closed") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: UTF8.encode(try scalar()) ?? .init())
        default: throw CellProblem("an unknown escape in a string")
        }
    }

    /// The character of `\uHHHH`, or of two of them that are a surrogate pair.
    private mutating func scalar() throws(CellProblem) -> Unicode.Scalar {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw CellProblem("half of a surrogate pair in a string")
        }
        let second = try codeUnit()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw CellProblem("half of a surrogate pair in a string") }
        return scalar
    }

    private mutating func codeUnit() throws(CellProblem) -> UInt32 {
        guard end - position >= 4 else { throw CellProblem("expected four hexadecimal digits") }
        var value: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw CellProblem("expected four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
        }
        position += 4
        return value
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    /// A character of syntax by itself; never a part of a value.
    private static func name(_ byte: UInt8) -> String {
        let syntax: [UInt8] = Array("{}[]:,\"".utf8)
        return syntax.contains(byte) ? "'\(Unicode.Scalar(byte))'" : "something else"
    }
}

/// Whether the bytes are valid UTF-8.
func isUTF8(_ bytes: ArraySlice<UInt8>) -> Bool {
    if bytes.allSatisfy({ $0 < 0x80 }) { return true }
    return (try? UTF8Span(validating: bytes.span)) != nil  // why it is invalid is of no use
}
