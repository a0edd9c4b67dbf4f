/// The type of one item: a scalar feature, or an element of a list.
///
/// The raw value is its code on the wire and on disk and never changes.
public enum ScalarType: UInt8, Sendable, Hashable, CaseIterable {
    case bool = 1
    case int32 = 2
    case int64 = 3
    case float32 = 4
    case float64 = 5
    case string = 6
    case bytes = 7
    case timestamp = 8

    public var name: String {
        switch self {
        case .bool: "bool"
        case .int32: "int32"
        case .int64: "int64"
        case .float32: "float32"
        case .float64: "float64"
        case .string: "string"
        case .bytes: "bytes"
        case .timestamp: "timestamp"
        }
    }

    /// Bytes of one item where all items have the same width; nil for strings, bytes and (packed) bools.
    public var fixedWidth: Int? {
        switch self {
        case .int32, .float32: 4
        case .int64, .float64, .timestamp: 8
        case .bool, .string, .bytes: nil
        }
    }
}

/// The type of a feature, a carried column or a request field.
public enum ValueType: Sendable, Hashable {
    case scalar(ScalarType)
    /// A list of any length; its items are never null.
    case list(ScalarType)
    /// A list of exactly `length` items, such as `float32[64]`, an embedding.
    case fixedList(ScalarType, length: Int)

    public static let bool = ValueType.scalar(.bool)
    public static let int32 = ValueType.scalar(.int32)
    public static let int64 = ValueType.scalar(.int64)
    public static let float32 = ValueType.scalar(.float32)
    public static let float64 = ValueType.scalar(.float64)
    public static let string = ValueType.scalar(.string)
    public static let bytes = ValueType.scalar(.bytes)
    public static let timestamp = ValueType.scalar(.timestamp)

    /// The type of the value itself, or of the items of the list.
    public var item: ScalarType {
        switch self {
        case .scalar(let item), .list(let item), .fixedList(let item, _): item
        }
    }
}

extension ValueType: CustomStringConvertible {
    /// `int64`, `string[]`, `float32[64]`.
    public var description: String {
        switch self {
        case .scalar(let item): item.name
        case .list(let item): "\(item.name)[]"
        case .fixedList(let item, let length): "\(item.name)[\(length)]"
        }
    }

    /// Reads what `description` writes; nil for anything else.
    ///
    /// The length of a list is 1 to 65,536.
    public init?(text: String) {
        guard let bracket = text.firstIndex(of: "[") else {
            guard let item = ScalarType.allCases.first(where: { $0.name == text }) else {
                return nil
            }
            self = .scalar(item)
            return
        }
        guard text.hasSuffix("]"),
            let item = ScalarType.allCases.first(where: { $0.name == text[..<bracket] })
        else { return nil }
        let inside = text[text.index(after: bracket)...].dropLast()
        guard !inside.isEmpty else {
            self = .list(item)
            return
        }
        guard inside.allSatisfy({ $0.isASCII && $0.isNumber }), let length = Int(inside),
            (1...Limits.listLength).contains(length)
        else { return nil }
        self = .fixedList(item, length: length)
    }

    /// Whether every value of this type is also a value of `other` (int32 as int64, float32 as float64).
    public func widens(to other: ValueType) -> Bool {
        switch (self, other) {
        case (.scalar(let from), .scalar(let to)), (.list(let from), .list(let to)):
            from == to || (from == .int32 && to == .int64) || (from == .float32 && to == .float64)
        case (.fixedList(let from, let left), .fixedList(let to, let right)):
            left == right && ValueType.scalar(from).widens(to: .scalar(to))
        default: false
        }
    }
}

/// The type of one part of an entity key.
///
/// In input int32 7 is int64 7.
public enum KeyType: UInt8, Sendable, Hashable, CaseIterable {
    case int64 = 3
    case string = 6
    case bytes = 7

    public var valueType: ValueType {
        switch self {
        case .int64: .int64
        case .string: .string
        case .bytes: .bytes
        }
    }

    public var name: String { valueType.description }
}
