import Domain

/// YAML documents to definitions that are well formed in themselves.
struct DefinitionReader {
    let mistakes: Mistakes
    private(set) var parsed = ParsedDefinitions()

    init(mistakes: Mistakes) { self.mistakes = mistakes }

    mutating func read(_ files: [DefinitionFile]) {
        let parser = DefinitionParser(mistakes: mistakes)
        for (index, file) in files.enumerated() {
            let documents = parser.documents(file, index: index)
            let written = documents.filter { !$0.isNull }
            for document in written { read(document) }
            if written.isEmpty, mistakes.isEmpty {
                mistakes.note(
                    Place(index: index, file: file.name, line: 1),
                    "the file is empty: expected entities, views, services or gates"
                )
            }
        }
        refuseRepeats()
    }

    private mutating func read(_ document: DefinitionNode) {
        guard
            let fields = document.fields(
                "a definitions file",
                known: ["project", "entities", "views", "services", "gates"]
            )
        else { return }
        if let node = fields["project"], let name = node.name("project", as: ProjectName.self) {
            parsed.projects.append(Located(value: name, place: node.place))
        }
        for node in items(fields["entities"], "entities") {
            if let entity = EntityReader.entity(node) {
                parsed.entities.append(entity)
            } else if let name = node.givenName {
                parsed.brokenEntities.insert(name)
            }
        }
        for node in items(fields["views"], "views") {
            if let view = ViewReader.view(node) {
                parsed.views.append(view)
            } else if let name = node.givenName {
                parsed.brokenViews.insert(name)
            }
        }
        for node in items(fields["services"], "services") {
            if let service = ServiceReader.service(node) { parsed.services.append(service) }
        }
        for node in items(fields["gates"], "gates") {
            if let gate = GateReader.gate(node) { parsed.gates.append(gate) }
        }
    }

    private func items(_ node: DefinitionNode?, _ what: String) -> [DefinitionNode] {
        guard let node, !node.isNull else { return [] }
        return node.items(what) ?? []
    }

    /// One definition of a name in all files together.
    private func refuseRepeats() {
        note("entity", parsed.entities.map { ($0.name.text, $0.place) })
        note("view", parsed.views.map { ($0.name.text, $0.place) })
        note("service", parsed.services.map { ($0.name.text, $0.place) })
        note(
            "gate",
            parsed.gates.map { ("\($0.value.model) to \($0.value.to.rawValue)", $0.place) }
        )
    }

    private func note(_ what: String, _ names: [(name: String, place: Place)]) {
        var first: [String: Place] = [:]
        for (name, place) in names {
            if let earlier = first[name] {
                mistakes.note(place, "\(what) \"\(name)\" is defined twice: first at \(earlier)")
            } else {
                first[name] = place
            }
        }
    }
}
