import Domain

/// Reads a view.
///
/// ```
/// {name: credit_history, entity: person, ttl: 90d, features: {due: int64},
///  columns: {event_time: at}, retention: {age: 365d}, owner: risk@example.com}
/// ```
enum ViewReader {
    private static let known = [
        "name", "entity", "ttl", "lookback", "max_age", "features", "columns", "retention",
        "owner", "description",
    ]

    static func view(_ node: DefinitionNode) -> ParsedDefinitions.View? {
        guard let fields = node.fields("a view", known: known) else { return nil }
        let name = required("name", of: "a view", in: fields, at: node)?
            .name("view", as: FeatureViewName.self)
        let entityNode = required("entity", of: "a view", in: fields, at: node)
        let entity = entityNode?.name("entity", as: EntityName.self)
        let features = required("features", of: "a view", in: fields, at: node).flatMap(
            self.features
        )
        let spans = spans(fields)
        let columns = fields["columns"].map(Columns.init) ?? Columns()
        let retention = fields["retention"].map(RetentionReader.retention) ?? .unsaid
        let owner = fields["owner"].flatMap { text($0, "owner") }
        let description = fields["description"].flatMap { text($0, "description") }
        guard let name, let entity, let entityNode, let features else { return nil }
        return ParsedDefinitions.View(
            name: name,
            place: node.place,
            entity: Located(value: entity, place: entityNode.place),
            features: features,
            lookback: spans.lookback,
            maxAge: spans.maxAge,
            eventTimeColumn: columns.event,
            createdTimeColumn: columns.created,
            columnsPlace: fields["columns"]?.place ?? node.place,
            retention: retention,
            retentionPlace: fields["retention"]?.place ?? node.place,
            owner: owner,
            description: description
        )
    }

    /// What a view with mistakes says it is about.
    static func entity(of node: DefinitionNode) -> Located<EntityName>? {
        guard let entity = node.fields("a view", known: known)?["entity"],
            let name = entity.name("entity", as: EntityName.self)
        else { return nil }
        return Located(value: name, place: entity.place)
    }

    private static func features(_ node: DefinitionNode) -> [ParsedDefinitions.Feature]? {
        if node.isNull {
            node.note("a view needs at least one feature, such as features: {amount: float64}")
            return nil
        }
        guard let pairs = node.pairs("features") else { return nil }
        guard !pairs.isEmpty else {
            node.note("a view needs at least one feature, such as features: {amount: float64}")
            return nil
        }
        guard pairs.count <= Limits.columns else {
            node.note("a view has at most \(Limits.columns) features: there are \(pairs.count)")
            return nil
        }
        let features = pairs.compactMap { feature($0.key, $0.value) }
        return features.count == pairs.count ? features : nil
    }

    private static func feature(
        _ key: DefinitionNode,
        _ value: DefinitionNode
    ) -> ParsedDefinitions.Feature? {
        let name = key.name("feature", as: FeatureName.self)
        let what = "feature \(name?.text ?? "")"
        var typeNode: DefinitionNode? = value
        var was: FeatureName?
        if value.isMapping {
            let fields = value.fields(what, known: ["type", "was"]) ?? [:]
            typeNode = required("type", of: what, in: fields, at: value)
            if let node = fields["was"] {
                was = node.name("feature", as: FeatureName.self)
                guard was != nil else { return nil }
            }
        }
        guard let type = typeNode?.type(what), let name else { return nil }
        return ParsedDefinitions.Feature(name: name, type: type, was: was, place: key.place)
    }

    private static func spans(
        _ fields: [String: DefinitionNode]
    ) -> (lookback: Setting<TimeSpan>, maxAge: Setting<TimeSpan>) {
        if let ttl = fields["ttl"] {
            for key in ["lookback", "max_age"] {
                fields[key]?.note("ttl sets look-back and max age together: give ttl or \(key)")
            }
            let span = ttl.span("ttl") ?? .unsaid
            return (span, span)
        }
        return (
            fields["lookback"].flatMap { $0.span("lookback") } ?? .unsaid,
            fields["max_age"].flatMap { $0.span("max_age") } ?? .unsaid
        )
    }

    /// The names of the time columns in source files.
    private struct Columns {
        var event: String?
        var created = Setting<String>.unsaid

        init() {}

        init(_ node: DefinitionNode) {
            guard let fields = node.fields("columns", known: ["event_time", "created_time"]) else {
                return
            }
            event = fields["event_time"].flatMap { columnName($0, "event_time") }
            if let text = fields["created_time"].flatMap({ columnName($0, "created_time") }) {
                created = .value(text)
            }
            if let event, case .value(event) = created {
                node.note(
                    "\"\(event)\" cannot be both the event time and the created time: "
                        + "leave created_time out where a source has none"
                )
            }
        }

        private func columnName(_ node: DefinitionNode, _ what: String) -> String? {
            guard let text = node.text(what) else { return nil }
            guard (1...Limits.nameLength).contains(text.utf8.count), !text.hasPrefix("@") else {
                node.note(
                    "\(what): expected the name of a column, 1 to \(Limits.nameLength) bytes, not "
                        + "starting with '@'"
                )
                return nil
            }
            return text
        }
    }
}

/// A text of moderate length that people read.
func text(_ node: DefinitionNode, _ what: String) -> String? {
    if node.isNull { return "" }
    guard let text = node.text(what) else { return nil }
    guard text.utf8.count <= 4_096 else {
        node.note("\(what): at most 4096 bytes are taken, there are \(text.utf8.count)")
        return nil
    }
    return text
}
