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
                    "the file is empty: expected entities, views, services, stages, gates, "
                        + "monitors or rollouts"
                )
            }
        }
        refuseRepeats()
    }

    private mutating func read(_ document: DefinitionNode) {
        guard
            let fields = document.fields(
                "a definitions file",
                known: [
                    "project", "entities", "views", "services", "stages", "gates", "monitors",
                    "rollouts",
                ]
            )
        else { return }
        if let node = fields["project"], let name = node.name("project", as: ProjectName.self) {
            parsed.projects.append(Located(value: name, place: node.place))
        }
        for node in items(fields["entities"], "entities") {
            if let entity = EntityReader.entity(node) {
                parsed.entities.append(entity)
            } else if let name = node.givenName {
                parsed.brokenEntities.append(.init(name: name, place: node.place))
            }
        }
        for node in items(fields["views"], "views") {
            if let view = ViewReader.view(node) {
                parsed.views.append(view)
            } else if let name = node.givenName {
                parsed.brokenViews.append(
                    .init(name: name, place: node.place, entity: ViewReader.entity(of: node))
                )
            }
        }
        for node in items(fields["services"], "services") {
            if let service = ServiceReader.service(node) {
                parsed.services.append(service)
            } else if let name = node.givenName {
                parsed.brokenServices.append(.init(name: name, place: node.place))
            }
        }
        for node in items(fields["stages"], "stages") {
            if let stage = StageReader.stage(node) { parsed.stages.append(stage) }
        }
        for node in items(fields["gates"], "gates") {
            if let gate = GateReader.gate(node) { parsed.gates.append(gate) }
        }
        for node in items(fields["monitors"], "monitors") {
            if let monitor = MonitorReader.monitor(node) { parsed.monitors.append(monitor) }
        }
        for node in items(fields["rollouts"], "rollouts") {
            if let plan = RolloutReader.plan(node) { parsed.rollouts.append(plan) }
        }
    }

    private func items(_ node: DefinitionNode?, _ what: String) -> [DefinitionNode] {
        guard let node, !node.isNull else { return [] }
        return node.items(what) ?? []
    }

    /// One definition of a name in all files together.
    private func refuseRepeats() {
        note("entity", parsed.entities.map { ($0.name.text, $0.place) }, parsed.brokenEntities)
        note("view", parsed.views.map { ($0.name.text, $0.place) }, parsed.brokenViews)
        note("service", parsed.services.map { ($0.name.text, $0.place) }, parsed.brokenServices)
        note(
            "stage",
            parsed.stages.map { ("\($0.value.model) \($0.value.stage)", $0.place) }
        )
        note(
            "gate",
            parsed.gates.map { ("\($0.value.model) to \($0.value.to.text)", $0.place) }
        )
        note("monitor", parsed.monitors.map { ($0.value.name.text, $0.place) })
        note("rollout", parsed.rollouts.map { ($0.value.name.text, $0.place) })
    }

    private func note(
        _ what: String,
        _ whole: [(name: String, place: Place)],
        _ broken: [ParsedDefinitions.Broken] = []
    ) {
        var first: [String: Place] = [:]
        let names = (whole + broken.map { ($0.name, $0.place) }).sorted { $0.place < $1.place }
        for (name, place) in names {
            if let earlier = first[name] {
                mistakes.note(place, "\(what) \"\(name)\" is defined twice: first at \(earlier)")
            } else {
                first[name] = place
            }
        }
    }
}
