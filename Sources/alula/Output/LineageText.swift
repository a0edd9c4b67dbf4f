import Domain
import Tabular
import Wire

/// Lineage, for people and for machines.
enum LineageText {
    /// What was made above what it was made of; a node is shown once.
    static func show(_ lineage: WireLineage) {
        let nodes = Dictionary(lineage.nodes.map { ($0.id, $0) }) { first, _ in first }
        let below = Dictionary(grouping: lineage.edges, by: \.from)
        var shown: Set<String> = []
        func show(_ node: WireLineageNode, depth: Int) {
            let facts = node.facts.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            let line = String(repeating: "  ", count: depth) + "\(node.kind) \(node.title)"
            guard shown.insert(node.id).inserted else { return Output.line(line + " (above)") }
            Output.line(facts.isEmpty ? line : line + "  " + facts)
            for edge in below[node.id] ?? [] {
                if let next = nodes[edge.to] { show(next, depth: depth + 1) }
            }
        }
        let targets = Set(lineage.edges.map(\.to))
        for node in lineage.nodes where !targets.contains(node.id) { show(node, depth: 0) }
        for node in lineage.nodes where !shown.contains(node.id) { show(node, depth: 0) }
    }

    static func show(_ trace: WireTrace) {
        guard !trace.versions.isEmpty else { return Output.line("no version was made of it") }
        var table = TextTable([
            ("model", .left), ("version", .right), ("stage", .left), ("live", .left),
            ("training set", .left), ("service", .left), ("registered", .left),
        ])
        for version in trace.versions {
            table.add([
                version.model, String(version.version), version.stage, live(version),
                version.trainingSet, version.service, Timestamp.text(version.registeredUs),
            ])
        }
        Output.table(table)
        if trace.total > trace.versions.count {
            Output.line("and \(trace.total - UInt64(trace.versions.count)) more")
        }
    }

    private static func live(_ version: WireTracedVersion) -> String {
        let held =
            version.holds.isEmpty
            ? [] : ["holds " + version.holds.joined(separator: " and ")]
        let remembered = version.rollbackOf.map { "\($0) rolls back to it" }
        return (held + remembered).joined(separator: ", ")
    }

    static func json(_ lineage: WireLineage) -> JSONValue {
        .object([
            (
                "nodes",
                .array(
                    lineage.nodes.map { node in
                        .object([
                            ("id", .string(node.id)), ("kind", .string(node.kind)),
                            ("title", .string(node.title)), ("facts", .pairs(node.facts)),
                        ])
                    }
                )
            ),
            (
                "edges",
                .array(
                    lineage.edges.map { edge in
                        .object([("from", .string(edge.from)), ("to", .string(edge.to))])
                    }
                )
            ),
        ])
    }

    static func json(_ trace: WireTrace) -> JSONValue {
        .object([
            ("total", .uint(trace.total)),
            (
                "versions",
                .array(
                    trace.versions.map { version in
                        .object([
                            ("model", .string(version.model)),
                            ("version", .uint(UInt64(version.version))),
                            ("stage", .string(version.stage)),
                            ("holds", .strings(version.holds)),
                            ("rollback_of", .strings(version.rollbackOf)),
                            ("training_set", .text(version.trainingSet)),
                            ("service", .text(version.service)), ("run", .string(version.run)),
                            ("registered", .time(version.registeredUs)),
                        ])
                    }
                )
            ), ("graph", json(trace.graph)),
        ])
    }
}
