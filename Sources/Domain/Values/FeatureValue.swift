/// One value, for the edges where single values are handled: definitions, CSV, tests.
///
/// Bulk data stays in `Column`s.
public enum FeatureValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case int32(Int32)
    case int64(Int64)
    case float32(Float)
    case float64(Double)
    case string(String)
    case bytes([UInt8])
    case timestamp(Timestamp)
    /// Items are never null and all of one scalar type.
    case list([FeatureValue])
}

/// One part of an entity key.
public enum KeyPart: Sendable, Hashable {
    case int64(Int64)
    case string(String)
    case bytes([UInt8])

    public var type: KeyType {
        switch self {
        case .int64: .int64
        case .string: .string
        case .bytes: .bytes
        }
    }
}

/// The key of one entity: a value for each of its join keys, in their order.
///
/// Keys compare by value and by part: ("1", "12") is not ("11", "2").
public struct EntityKey: Sendable, Hashable {
    public var parts: [KeyPart]

    public init(_ parts: [KeyPart]) { self.parts = parts }
}
