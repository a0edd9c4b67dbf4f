import Domain

/// Reads a service.
///
/// ```
/// {name: credit, features: [view:*, view:feature, {view:, as:, keys:, features:}],
///  request: {loan_amount: float64}}
/// ```
enum ServiceReader {
    static func service(_ node: DefinitionNode) -> ParsedDefinitions.Service? {
        guard
            let fields = node.fields(
                "a service",
                known: ["name", "features", "request", "description"]
            )
        else { return nil }
        let name = required("name", of: "a service", in: fields, at: node)?
            .name("service", as: FeatureServiceName.self)
        let selections = required("features", of: "a service", in: fields, at: node)
            .flatMap(self.selections)
        let request = fields["request"].map(self.request) ?? []
        let description = fields["description"].flatMap { text($0, "description") }
        guard let name, let selections, let request else { return nil }
        return ParsedDefinitions.Service(
            name: name,
            place: node.place,
            selections: selections,
            request: request,
            description: description
        )
    }

    private static func selections(_ node: DefinitionNode) -> [ParsedDefinitions.Selection]? {
        guard !node.isNull else {
            node.note("a service needs at least one entry in features, such as [view:*]")
            return nil
        }
        guard let items = node.items("features") else { return nil }
        guard !items.isEmpty else {
            node.note("a service needs at least one entry in features, such as [view:*]")
            return nil
        }
        let selections = items.compactMap(selection)
        return selections.count == items.count ? selections : nil
    }

    private static func selection(_ node: DefinitionNode) -> ParsedDefinitions.Selection? {
        if node.isMapping { return role(node) }
        guard let text = node.text("features: an entry") else { return nil }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            node.note("\"\(text)\" is not a feature: expected view:feature or view:*")
            return nil
        }
        do throws(AlulaError) {
            let view = try FeatureViewName(String(parts[0]), as: "view")
            var features = ParsedDefinitions.Selection.Features.all
            if parts[1] != "*" {
                let name = try FeatureName(String(parts[1]), as: "feature")
                features = .named([Located(value: name, place: node.place)])
            }
            return ParsedDefinitions.Selection(
                view: view,
                role: nil,
                keys: [],
                features: features,
                place: node.place
            )
        } catch {
            node.note(error.message)
            return nil
        }
    }

    private static func role(_ node: DefinitionNode) -> ParsedDefinitions.Selection? {
        guard
            let fields = node.fields(
                "an entry of features",
                known: ["view", "as", "keys", "features"]
            )
        else { return nil }
        let view = required("view", of: "an entry of features", in: fields, at: node)?
            .name("view", as: FeatureViewName.self)
        let role = fields["as"]?.name("role", as: FeatureViewName.self)
        let keys = fields["keys"].map(self.keys) ?? []
        let features = fields["features"].map(self.features) ?? .all
        guard let view, let keys, let features, (role != nil) == (fields["as"] != nil) else {
            return nil
        }
        return ParsedDefinitions.Selection(
            view: view,
            role: role,
            keys: keys,
            features: features,
            place: node.place
        )
    }

    private static func keys(
        _ node: DefinitionNode
    ) -> [(key: Located<JoinKeyName>, column: ColumnName)]? {
        guard let pairs = node.pairs("keys") else { return nil }
        let keys: [(key: Located<JoinKeyName>, column: ColumnName)] = pairs.compactMap { pair in
            let key = pair.key.name("join key", as: JoinKeyName.self)
            let column = pair.value.name("column", as: ColumnName.self)
            guard let key, let column else { return nil }
            return (Located(value: key, place: pair.key.place), column)
        }
        return keys.count == pairs.count ? keys : nil
    }

    private static func features(_ node: DefinitionNode) -> ParsedDefinitions.Selection.Features? {
        if node.scalar == "*" { return .all }
        guard let items = node.items("features") else { return nil }
        guard !items.isEmpty else {
            node.note("an entry without features: name some, or leave features out to take all")
            return nil
        }
        let names = items.compactMap { item in
            item.name("feature", as: FeatureName.self).map {
                Located(value: $0, place: item.place)
            }
        }
        return names.count == items.count ? .named(names) : nil
    }

    private static func request(_ node: DefinitionNode) -> [ParsedDefinitions.RequestField]? {
        if node.isNull { return [] }
        guard let pairs = node.pairs("request") else { return nil }
        let fields: [ParsedDefinitions.RequestField] = pairs.compactMap { pair in
            let name = pair.key.name("request field", as: ColumnName.self)
            let type = pair.value.type("request field \(name?.text ?? "")")
            guard let name, let type else { return nil }
            return ParsedDefinitions.RequestField(name: name, type: type, place: pair.key.place)
        }
        return fields.count == pairs.count ? fields : nil
    }
}
