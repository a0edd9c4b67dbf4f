import Domain
import Yams

/// A YAML node, where it stands, and the collector of its mistakes.
///
/// Every reader notes what is wrong and returns nil, so that reading goes on.
struct DefinitionNode {
    let node: Node
    let place: Place
    let mistakes: Mistakes

    init(_ node: Node, in file: Place, mistakes: Mistakes) {
        self.node = node
        self.mistakes = mistakes
        place = Place(index: file.index, file: file.file, line: node.mark?.line ?? file.line)
    }

    func note(_ text: String) { mistakes.note(place, text) }

    /// `~`, `null` or nothing at all.
    var isNull: Bool {
        guard case .scalar(let scalar) = node else { return false }
        return scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    var isMapping: Bool {
        guard case .mapping = node else { return false }
        return true
    }

    /// The text of a scalar, whatever it stands for; nil for a list or a mapping.
    var scalar: String? {
        guard case .scalar(let scalar) = node else { return nil }
        return scalar.string
    }

    /// The first of these keys that a mapping has.
    func firstKey(of keys: [String]) -> String? {
        guard case .mapping(let mapping) = node else { return nil }
        return keys.first { mapping[$0] != nil }
    }

    /// The name that a definition with mistakes was given, as far as it can be told.
    var givenName: String? {
        guard case .mapping(let mapping) = node else { return nil }
        return mapping["name"]?.scalar?.string
    }

    private func child(_ node: Node) -> DefinitionNode {
        DefinitionNode(node, in: place, mistakes: mistakes)
    }

    /// What was found, in a word, for messages that say what was expected.
    private var kind: String {
        switch node {
        case .scalar: isNull ? "nothing" : "a single value"
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    /// The text of a scalar; `what` names it in the mistake.
    func text(_ what: String) -> String? {
        guard case .scalar(let scalar) = node, !isNull else {
            note("\(what): expected a text, found \(kind)")
            return nil
        }
        return scalar.string
    }

    func name<Kind>(_ what: String, as type: Name<Kind>.Type = Name<Kind>.self) -> Name<Kind>? {
        guard let text = text("\(what) name") else { return nil }
        do throws(AlulaError) {
            return try Name(text, as: what)
        } catch {
            note(error.message)
            return nil
        }
    }

    func items(_ what: String) -> [DefinitionNode]? {
        guard case .sequence(let sequence) = node else {
            note("\(what): expected a list, found \(kind)")
            return nil
        }
        return sequence.map(child)
    }

    /// The pairs of a mapping in their order.
    func pairs(_ what: String) -> [(key: DefinitionNode, value: DefinitionNode)]? {
        guard case .mapping(let mapping) = node else {
            note("\(what): expected a mapping, found \(kind)")
            return nil
        }
        return mapping.filter { !DefinitionParser.isRepeated($0.key) }
            .map { (child($0.key), child($0.value)) }
    }

    /// The values of a mapping by key; a key that is not known is a mistake.
    func fields(_ what: String, known: [String]) -> [String: DefinitionNode]? {
        guard let pairs = pairs(what) else { return nil }
        var fields: [String: DefinitionNode] = [:]
        for (key, value) in pairs {
            guard let name = key.text("\(what): a key") else { continue }
            guard known.contains(name) else {
                let close = hint(name, among: known)
                key.note(
                    "unknown key \"\(name)\" in \(what)"
                        + (close.isEmpty
                            ? ": expected one of \(known.joined(separator: ", "))" : close)
                )
                continue
            }
            fields[name] = value
        }
        return fields
    }

    func type(_ what: String) -> ValueType? {
        guard let text = text("\(what): type") else { return nil }
        guard let type = ValueType(text: text) else {
            let names = ScalarType.allCases.map(\.name)
            note(
                "\(what): unknown type \"\(text)\""
                    + (hint(text, among: names).isEmpty
                        ? ": expected \(names.joined(separator: ", ")), or a list of one of them "
                            + "such as int64[] or float32[64]" : hint(text, among: names))
            )
            return nil
        }
        return type
    }

    /// A span of time, or `none`.
    func span(_ what: String) -> Setting<TimeSpan>? {
        guard let text = text(what) else { return nil }
        if text == "none" { return Setting.none }
        guard let span = TimeSpan(text: text) else {
            note(
                "\(what): \"\(text)\" is not a duration: expected a number and a unit, such as 90d, "
                    + "12h, 30m, 15s or 1d12h, or none"
            )
            return nil
        }
        return .value(span)
    }

    func number(_ what: String) -> Double? {
        guard let text = text(what) else { return nil }
        guard let number = Double(text), number.isFinite else {
            note("\(what): expected a number, found \"\(text)\"")
            return nil
        }
        return number
    }

    /// A number, or a percentage: `1%` is 0.01.
    func part(_ what: String) -> Double? {
        guard let text = text(what) else { return nil }
        let isPercent = text.hasSuffix("%")
        guard let number = Double(isPercent ? String(text.dropLast()) : text), number.isFinite
        else {
            note("\(what): expected a share such as 1% or 0.01, found \"\(text)\"")
            return nil
        }
        return isPercent ? number / 100 : number
    }

    func stage(_ what: String) -> Stage? {
        guard let text = text(what) else { return nil }
        do throws(AlulaError) {
            return try Stage(text: text)
        } catch {
            note("\(what): \(error.message)")
            return nil
        }
    }
}
