/// A validated name of one kind of thing; the phantom `Kind` keeps a view's name from being used as a model's.
///
/// Names are ASCII letters, digits, `_`, `-` and `.`, start with a letter or a digit, and have at most
/// `Limits.nameLength` characters. They are never normalised, so that no two spellings collide.
public struct Name<Kind>: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let text: String

    /// Nil where the text breaks the rules above.
    public init?(_ text: String) {
        guard Self.isValid(text) else { return nil }
        self.text = text
    }

    /// Reads a name, or says what is wrong with it; `what` is its role ("view", "feature").
    public init(_ text: String, as what: String) throws(AlulaError) {
        guard Self.isValid(text) else {
            throw .invalid(
                "\(what) name \(Self.quoted(text)) is not valid: expected 1 to \(Limits.nameLength) letters, "
                    + "digits, '_', '-' or '.', starting with a letter or a digit"
            )
        }
        self.text = text
    }

    init(trusted text: String) { self.text = text }

    public var description: String { text }

    public static func < (left: Self, right: Self) -> Bool { left.text < right.text }

    private static func isValid(_ text: String) -> Bool {
        let bytes = text.utf8
        guard (1...Limits.nameLength).contains(bytes.count), let first = bytes.first,
            isAlphanumeric(first)
        else { return false }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == 0x5F || $0 == 0x2D || $0 == 0x2E }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private static func quoted(_ text: String) -> String {
        "\"" + String(text.prefix(64)) + (text.count > 64 ? "…" : "") + "\""
    }
}

extension Name where Kind == ProjectKind {
    /// Stands where a call names no project and needs none, such as the first apply.
    public static let unnamed = ProjectName(trusted: "unnamed")
}

public enum ProjectKind {}
public enum JoinKeyKind {}
public enum MetricKind {}
public enum ColumnKind {}
public enum AliasKind {}

public typealias ProjectName = Name<ProjectKind>
public typealias EntityName = Name<Entity>
public typealias FeatureViewName = Name<FeatureView>
public typealias FeatureName = Name<Feature>
public typealias FeatureServiceName = Name<FeatureService>
/// The name of one join key of an entity, and of its column in data.
public typealias JoinKeyName = Name<JoinKeyKind>
/// The name a column has in a spine or in an answer.
public typealias ColumnName = Name<ColumnKind>
public typealias RegisteredModelName = Name<RegisteredModel>
public typealias ExperimentName = Name<Experiment>
public typealias StageName = Name<Stage>
public typealias AliasName = Name<AliasKind>
public typealias MetricName = Name<MetricKind>

/// A number of one kind of thing, unique in the data directory and never reused.
public struct Identifier<Kind>: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let number: UInt32

    public init(_ number: UInt32) { self.number = number }

    public var description: String { String(number) }

    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

public typealias EntityID = Identifier<Entity>
public typealias FeatureViewID = Identifier<FeatureView>
public typealias FeatureID = Identifier<Feature>
