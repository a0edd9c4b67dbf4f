import Domain

/// Numbers as text, read exactly.
enum NumberText {
    enum Whole {
        case number(Int64)
        case outOfRange
        case notWhole
    }

    /// An optional sign and digits, and nothing else.
    static func whole(_ text: ArraySlice<UInt8>) -> Whole {
        var rest = text
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        guard !rest.isEmpty else { return .notWhole }
        var value: Int64 = 0
        var overflows = false
        for byte in rest {
            guard byte >= 0x30, byte <= 0x39 else { return .notWhole }
            let (tens, tooLong) = value.multipliedReportingOverflow(by: 10)
            let digit = Int64(byte - 0x30)
            let (sum, tooBig) =
                isNegative
                ? tens.subtractingReportingOverflow(digit) : tens.addingReportingOverflow(digit)
            overflows = overflows || tooLong || tooBig
            value = sum
        }
        return overflows ? .outOfRange : .number(value)
    }

    /// A decimal number, or `NaN`, `Infinity` and their usual spellings.
    static func double(_ text: ArraySlice<UInt8>) -> Double? {
        let isDecimal = text.allSatisfy {
            $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2E || $0 == 0x2D || $0 == 0x2B || $0 | 0x20 == 0x65
        }
        if isDecimal { return Double(String(decoding: text, as: UTF8.self)) }
        guard text.count <= 9 else { return nil }
        switch String(decoding: text, as: UTF8.self).lowercased() {
        case "nan": return .nan
        case "inf", "+inf", "infinity", "+infinity": return .infinity
        case "-inf", "-infinity": return -.infinity
        default: return nil
        }
    }

    /// As `double`, where only a text that says so is infinite.
    static func finiteDouble(_ text: ArraySlice<UInt8>) throws(CellProblem) -> Double? {
        guard let value = double(text) else { return nil }
        guard value.isFinite || !saysDigits(text) else {
            throw CellProblem("expected float64, found a number out of its range")
        }
        return value
    }

    static func float(_ text: ArraySlice<UInt8>) throws(CellProblem) -> Float? {
        guard double(text) != nil else { return nil }
        guard saysDigits(text) else { return double(text).map { Float($0) } }
        guard let value = Float(String(decoding: text, as: UTF8.self)) else { return nil }
        guard value.isFinite else {
            throw CellProblem("expected float32, found a number out of its range")
        }
        return value
    }

    /// The integer that a text such as `94109.0` or `1e3` is; nil where it is none.
    static func integral(_ text: ArraySlice<UInt8>) -> Int64? {
        guard let value = double(text), value.magnitude <= 9_007_199_254_740_992 else { return nil }
        return Int64(exactly: value)
    }

    /// Whether a text that `double` takes is a number written out.
    static func saysDigits(_ text: ArraySlice<UInt8>) -> Bool {
        text.contains { $0 >= 0x30 && $0 <= 0x39 }
    }
}
