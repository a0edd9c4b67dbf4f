import ArgumentParser
import Client
import Domain
import Wire

struct LineageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lineage",
        abstract: "Show the chain from a version down to its data."
    )

    @Argument(help: "The model.") var model: String
    @Argument(help: "The version.") var version: UInt32
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let lineage = try await options.client().lineage(model: model, version: version)
        guard !options.json else { return Output.json(Self.json(lineage)) }
        var shown: Set<String> = []
        let targets = Set(lineage.edges.map(\.to))
        for node in lineage.nodes where !targets.contains(node.id) {
            show(node, in: lineage, depth: 0, &shown)
        }
        for node in lineage.nodes where !shown.contains(node.id) {
            show(node, in: lineage, depth: 0, &shown)
        }
    }

    /// A node, then what it was made of, one step to the right; a node is shown once.
    private func show(
        _ node: WireLineageNode,
        in lineage: WireLineage,
        depth: Int,
        _ shown: inout Set<String>
    ) {
        let facts = node.facts.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        let line = String(repeating: "  ", count: depth) + "\(node.kind) \(node.title)"
        guard shown.insert(node.id).inserted else { return Output.line(line + " (above)") }
        Output.line(facts.isEmpty ? line : line + "  " + facts)
        for edge in lineage.edges where edge.from == node.id {
            guard let next = lineage.nodes.first(where: { $0.id == edge.to }) else { continue }
            show(next, in: lineage, depth: depth + 1, &shown)
        }
    }

    private static func json(_ lineage: WireLineage) -> JSONValue {
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
}
