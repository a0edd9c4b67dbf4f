import Domain
import Tabular
import Wire

/// What `--json` prints; members keep their order.
enum JSONValue {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case number(Double)
    case string(String)
    case value(FeatureValue)
    case array([JSONValue])
    case object([(String, JSONValue)])

    /// On one line.
    var text: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func append(to text: inout [UInt8]) {
        switch self {
        case .null: text.append(contentsOf: "null".utf8)
        case .bool(let bit): JSONText.append(.bool(bit), to: &text)
        case .int(let number): text.append(contentsOf: String(number).utf8)
        case .uint(let number): text.append(contentsOf: String(number).utf8)
        case .number(let number): JSONText.append(.float64(number), to: &text)
        case .string(let string): JSONText.append(string: string.utf8, to: &text)
        case .value(let value): JSONText.append(value, to: &text)
        case .array(let items):
            text.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                item.append(to: &text)
            }
            text.append(UInt8(ascii: "]"))
        case .object(let members):
            text.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                JSONText.append(string: member.0.utf8, to: &text)
                text.append(UInt8(ascii: ":"))
                member.1.append(to: &text)
            }
            text.append(UInt8(ascii: "}"))
        }
    }

    /// A time, or null where there is none.
    static func time(_ microseconds: Int64) -> JSONValue {
        microseconds == 0 ? .null : .string(Timestamp(microseconds: microseconds).description)
    }

    /// A text, or null where it is empty.
    static func text(_ text: String) -> JSONValue { text.isEmpty ? .null : .string(text) }

    static func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }

    static func pairs(_ pairs: [WireKeyValue]) -> JSONValue {
        .object(pairs.map { ($0.key, .string($0.value)) })
    }

    static func fields(_ fields: [WireField]) -> JSONValue {
        .object(fields.map { ($0.name, .string(typeText($0.type))) })
    }
}

/// `int64`, `float32[64]`; a question mark where this client does not know it.
func typeText(_ wire: WireValueType) -> String {
    do { return try ValueType(wire: wire).description } catch { return "?" }
}
