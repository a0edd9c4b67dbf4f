/// Records and what they were made of, as a graph.
package struct Lineage: Sendable, Hashable {
    package struct Fact: Sendable, Hashable {
        package var key: String
        package var value: String
    }

    package struct Node: Sendable, Hashable {
        /// Unique in the lineage: `run:run-…`.
        package var id: String
        package var kind: Kind
        package var title: String
        package var facts: [Fact]
    }

    package enum Kind: String, Sendable, Hashable {
        case stage
        case alias
        case version
        case run
        case trainingSet = "training set"
        case log
        case service
        case view
        case imported = "import"
        case pushes
        case artifact
        /// Anything elsewhere.
        case uri
    }

    package struct Edge: Sendable, Hashable {
        package var from: String
        package var to: String
    }

    package private(set) var nodes: [Node] = []
    /// From what was made to what it was made of.
    package private(set) var edges: [Edge] = []
    private var nodeIDs: Set<String> = []
    private var edgesThere: Set<Edge> = []

    package init() {}

    /// Adds a node where it is not there, and an edge to it; facts without a value are left out.
    ///
    /// - Returns: its id.
    @discardableResult
    package mutating func add(
        _ kind: Kind,
        _ key: String,
        title: String,
        from: String? = nil,
        _ facts: [(String, String)] = []
    ) -> String {
        let id = "\(kind.rawValue):\(key)"
        if nodeIDs.insert(id).inserted {
            let told = facts.filter { !$0.1.isEmpty }.map { Fact(key: $0.0, value: $0.1) }
            nodes.append(Node(id: id, kind: kind, title: title, facts: told))
        }
        if let from { link(from, id) }
        return id
    }

    package mutating func link(_ from: String, _ to: String) {
        let edge = Edge(from: from, to: to)
        if edgesThere.insert(edge).inserted { edges.append(edge) }
    }
}
