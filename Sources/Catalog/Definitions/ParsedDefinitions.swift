import Domain

/// Where something stands in a definitions file.
struct Place: Hashable, Comparable, CustomStringConvertible {
    /// Which file of the apply, for order.
    var index: Int
    var file: String
    /// From 1; 0 for what stands in no file.
    var line: Int

    var description: String { line == 0 ? file : "\(file):\(line)" }

    static func < (left: Place, right: Place) -> Bool {
        (left.index, left.line) < (right.index, right.line)
    }
}

/// Collects every mistake of an apply, so that all are reported at once.
final class Mistakes {
    private var found: [(place: Place, text: String)] = []

    var isEmpty: Bool { found.isEmpty }

    func note(_ place: Place, _ text: String) { found.append((place, text)) }

    /// `FILE:LINE: reason`, in the order of the files, each once.
    var lines: [String] {
        var seen: Set<String> = []
        return found.enumerated()
            .sorted { ($0.element.place, $0.offset) < ($1.element.place, $1.offset) }
            .map { "\($0.element.place): \($0.element.text)" }
            .filter { seen.insert($0).inserted }
    }
}

/// A value and where it was written.
struct Located<Value> {
    var value: Value
    var place: Place
}

/// What a file says of an option: nothing (it stays as it is), none, or a value.
enum Setting<Value> {
    case unsaid
    case none
    case value(Value)

    func resolved(over present: Value?) -> Value? {
        switch self {
        case .unsaid: present
        case .none: nil
        case .value(let value): value
        }
    }
}

/// The definitions of all files of one apply, each well formed in itself; references are not yet
/// resolved.
struct ParsedDefinitions {
    struct Entity {
        var name: EntityName
        var place: Place
        var keys: [Domain.Entity.JoinKey]
    }

    struct Feature {
        var name: FeatureName
        var type: ValueType
        var was: FeatureName?
        var place: Place
    }

    struct View {
        var name: FeatureViewName
        var place: Place
        var entity: Located<EntityName>
        var features: [Feature]
        var lookback: Setting<TimeSpan>
        var maxAge: Setting<TimeSpan>
        var eventTimeColumn: String?
        var createdTimeColumn: Setting<String>
        var columnsPlace: Place
        var retention: Setting<RetentionRule>
        var retentionPlace: Place
        var owner: String?
        var description: String?
    }

    /// One entry of a service's feature list.
    struct Selection {
        enum Features {
            case all
            case named([Located<FeatureName>])
        }

        var view: FeatureViewName
        var role: FeatureViewName?
        var keys: [(key: Located<JoinKeyName>, column: ColumnName)]
        var features: Features
        var place: Place
    }

    struct RequestField {
        var name: ColumnName
        var type: ValueType
        var place: Place
    }

    struct Service {
        var name: FeatureServiceName
        var place: Place
        var selections: [Selection]
        var request: [RequestField]
        var description: String?
    }

    var projects: [Located<ProjectName>] = []
    var entities: [Entity] = []
    var views: [View] = []
    var services: [Service] = []
    var stages: [Located<StageDefinition>] = []
    var gates: [Located<Gate>] = []
    var monitors: [Located<Monitor>] = []
    var rollouts: [Located<RolloutPlan>] = []
    /// A definition that has mistakes of its own, as far as it can be told.
    struct Broken {
        var name: String
        var place: Place
        /// Of a view: what it says it is about.
        var entity: Located<EntityName>?
    }

    /// What refers to these does not dangle; what they refer to is looked up, and their names count.
    var brokenEntities: [Broken] = []
    var brokenViews: [Broken] = []
    var brokenServices: [Broken] = []
}
