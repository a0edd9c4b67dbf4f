import Domain

/// Reads an entity.
///
/// ```
/// {name: person, keys: {dob_ssn: string}}
/// ```
enum EntityReader {
    static func entity(_ node: DefinitionNode) -> ParsedDefinitions.Entity? {
        guard let fields = node.fields("an entity", known: ["name", "keys"]) else { return nil }
        let name = required("name", of: "an entity", in: fields, at: node)?
            .name("entity", as: EntityName.self)
        let keys = required("keys", of: "an entity", in: fields, at: node).flatMap(self.keys)
        guard let name, let keys else { return nil }
        return ParsedDefinitions.Entity(name: name, place: node.place, keys: keys)
    }

    private static func keys(_ node: DefinitionNode) -> [Entity.JoinKey]? {
        guard let pairs = node.pairs("keys") else { return nil }
        guard !pairs.isEmpty else {
            node.note("an entity needs at least one join key, such as keys: {customer: int64}")
            return nil
        }
        guard pairs.count <= Limits.keyParts else {
            node.note(
                "an entity has at most \(Limits.keyParts) join keys: there are \(pairs.count)"
            )
            return nil
        }
        var keys: [Entity.JoinKey] = []
        for (key, value) in pairs {
            let name = key.name("join key", as: JoinKeyName.self)
            guard let type = keyType(value), let name else { continue }
            keys.append(Entity.JoinKey(name: name, type: type))
        }
        return keys.count == pairs.count ? keys : nil
    }

    private static func keyType(_ node: DefinitionNode) -> KeyType? {
        guard let text = node.text("join key: type") else { return nil }
        // In input int32 7 is int64 7: one key type holds both.
        if text == "int32" { return .int64 }
        guard let type = KeyType.allCases.first(where: { $0.name == text }) else {
            node.note("a join key cannot be \"\(text)\": expected int64, string or bytes")
            return nil
        }
        return type
    }
}

/// The value of a key that must be there.
func required(
    _ key: String,
    of what: String,
    in fields: [String: DefinitionNode],
    at node: DefinitionNode
) -> DefinitionNode? {
    guard let value = fields[key] else {
        node.note("\(what) needs a \(key)")
        return nil
    }
    return value
}
