import Domain
import Foundation
import GRDB

/// The place in a sorted answer behind which the next page begins, as a token.
struct SearchCursor: Sendable, Equatable {
    /// What the last item is sorted by; nil where it lacks that, or where items are newest first.
    var key: DatabaseValue?
    /// What tells items with equal keys apart.
    var ties: [Int64]

    /// `CHECK.KEY.TIE_TIE`: the check is over the question, which must be the same for every page.
    func token(for question: String) -> String {
        let text: String
        switch key?.storage {
        case .int64(let number): text = "i\(number)"
        case .double(let number): text = "r\(number.bitPattern)"
        case .string(let string): text = "t" + hexadecimal(string.utf8)
        case nil, .null, .blob: text = "n"
        }
        return Self.check(question) + "." + text + "."
            + ties.map(String.init).joined(separator: "_")
    }

    init(key: DatabaseValue?, ties: [Int64]) {
        self.key = key
        self.ties = ties
    }

    init(token: String, for question: String, ties count: Int) throws(AlulaError) {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard token.utf8.count <= 4_096, parts.count == 3, let kind = parts[1].first else {
            throw Self.strange
        }
        guard parts[0] == Self.check(question) else {
            throw .invalid(
                "this page token belongs to another search",
                help: "ask for every page with the same filter and order"
            )
        }
        let rest = String(parts[1].dropFirst())
        switch kind {
        case "n": key = nil
        case "i": key = try Self.some(Int64(rest)).databaseValue
        case "r": key = Double(bitPattern: try Self.some(UInt64(rest))).databaseValue
        case "t": key = try Self.some(Self.text(hex: rest)).databaseValue
        default: throw Self.strange
        }
        ties = []
        for tie in parts[2].split(separator: "_") { ties.append(try Self.some(Int64(tie))) }
        guard ties.count == count else { throw Self.strange }
    }

    private static func some<Value>(_ value: Value?) throws(AlulaError) -> Value {
        guard let value else { throw strange }
        return value
    }

    private static func text(hex: String) -> String? {
        let digits = Array(hex.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            let pair = String(decoding: digits[place..<place + 2], as: UTF8.self)
            guard let byte = UInt8(pair, radix: 16) else { return nil }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let strange = AlulaError.invalid(
        "this page token is none: give that of the page before, or none"
    )

    /// FNV-1a.
    private static func check(_ text: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return String(hash, radix: 16)
    }
}
