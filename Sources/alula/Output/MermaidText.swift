import Wire

/// Graphs as Mermaid draws them (https://mermaid.js.org/syntax/flowchart.html).
enum MermaidText {
    static func diagram(of lineage: WireLineage) -> String {
        var lines = ["flowchart LR"]
        var names: [String: String] = [:]
        for (number, node) in lineage.nodes.enumerated() {
            names[node.id] = "n\(number)"
            lines.append("  n\(number)[\"\(escaped(node.kind))<br/>\(escaped(node.title))\"]")
        }
        for edge in lineage.edges {
            guard let from = names[edge.from], let to = names[edge.to] else { continue }
            lines.append("  \(from) --> \(to)")
        }
        return lines.joined(separator: "\n")
    }

    /// The two versions, and between them what differs.
    static func diagram(of diff: WireVersionDiff) -> String {
        let model = escaped(diff.model)
        var lines = [
            "flowchart LR", "  before[\"\(model) version \(diff.before)\"]",
            "  after[\"\(model) version \(diff.after)\"]",
        ]
        for (number, section) in diff.sections.enumerated() where !section.items.isEmpty {
            let items = section.items.map { escaped(DiffText.text($0)) }
            let text = ([escaped(section.name)] + items).joined(separator: "<br/>")
            lines.append("  s\(number)[\"\(text)\"]")
            lines.append("  before --- s\(number) --> after")
        }
        return lines.joined(separator: "\n")
    }

    /// A text that stands in quotes: what Mermaid or HTML would take for more goes in as its code.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "#", "<", ">", "&", "`", ";", "\\", "%":
                escaped += "#\(scalar.value);"
            default:
                let isControl = scalar.properties.generalCategory == .control
                escaped.unicodeScalars.append(isControl ? " " : scalar)
            }
        }
        return escaped
    }
}
