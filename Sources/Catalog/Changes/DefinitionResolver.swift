package import Domain

extension CatalogStore {
    /// Decides what these files, retirements and droppings change, without changing anything.
    ///
    /// Throws `invalidArgument` with every mistake as `FILE:LINE: reason`. What would break a
    /// version that must go on working, or change what never changes, is in `breaks`: it must not
    /// be written.
    package static func decide(
        _ files: [DefinitionFile],
        retire: [String],
        drop: [String] = [],
        project: String,
        over state: CatalogState,
        models: (ProjectName) throws -> [MonitoredModel] = { _ in [] },
        stageUses: (ProjectName) throws -> [StageUse] = { _ in [] },
        dependents: (ProjectName) throws -> [Dependent]
    ) throws -> DefinitionChanges {
        let mistakes = Mistakes()
        var reader = DefinitionReader(mistakes: mistakes)
        reader.read(files)
        let name = try projectName(
            reader.parsed,
            files: files,
            head: project,
            state: state,
            mistakes: mistakes
        )
        guard let name else { throw refusal(mistakes) }
        var resolver = DefinitionResolver(
            project: name,
            state: state,
            dependents: try dependents(name),
            stageUses: drop.isEmpty ? [] : try stageUses(name),
            mistakes: mistakes
        )
        let monitored = reader.parsed.monitors.isEmpty ? [] : try models(name)
        resolver.resolve(reader.parsed, monitored, retire: retire)
        resolver.drop(drop)
        guard mistakes.isEmpty else { throw refusal(mistakes) }
        return resolver.result
    }

    private static func refusal(_ mistakes: Mistakes) -> AlulaError {
        let lines = mistakes.lines
        return .invalid(
            lines.count == 1
                ? "the definitions have a mistake" : "the definitions have \(lines.count) mistakes",
            help: "nothing was changed: mend them and apply again",
            details: lines
        )
    }

    /// The project of the files, else of the call, else the only one there is.
    private static func projectName(
        _ parsed: ParsedDefinitions,
        files: [DefinitionFile],
        head: String,
        state: CatalogState,
        mistakes: Mistakes
    ) throws(AlulaError) -> ProjectName? {
        let wanted = head.isEmpty ? nil : try ProjectName(head, as: "project")
        if let first = parsed.projects.first {
            for other in parsed.projects where other.value != first.value {
                mistakes.note(
                    other.place,
                    "project \"\(other.value)\", where \(first.place) says \"\(first.value)\": one "
                        + "apply takes one project"
                )
            }
            if let wanted, wanted != first.value {
                mistakes.note(
                    first.place,
                    "the file is for project \"\(first.value)\", the call for \"\(wanted)\""
                )
            }
            return first.value
        }
        if let wanted { return wanted }
        if state.snapshot.projects.count == 1 { return state.snapshot.projects.keys.first }
        guard let file = files.first else { return try state.snapshot.project("").name }
        mistakes.note(
            Place(index: 0, file: file.name, line: 1),
            "no project is named: begin the file with project: NAME, or choose one with --project"
        )
        // Whatever the project, the other mistakes are the same for one that does not exist yet.
        return mistakes.lines.count > 1 ? ProjectName("unnamed") : nil
    }
}

/// Resolves parsed definitions against what is defined, one kind after the other: entities, views,
/// services, gates, monitors, rollouts, retirements.
struct DefinitionResolver {
    let mistakes: Mistakes
    let dependents: [Dependent]
    let stageUses: [StageUse]
    var result: DefinitionChanges
    /// The project as it will be after what was resolved so far.
    var project: CatalogSnapshot.Project
    var next: NextIdentifiers
    let gates: [VersionedGate]
    var stages: [StageDefinition]
    var monitors: [VersionedMonitor]
    var rollouts: [VersionedRolloutPlan]
    private let isNew: Bool
    private(set) var broken = (entities: Set<String>(), views: Set<String>())

    init(
        project name: ProjectName,
        state: CatalogState,
        dependents: [Dependent],
        stageUses: [StageUse],
        mistakes: Mistakes
    ) {
        self.mistakes = mistakes
        self.dependents = dependents
        self.stageUses = stageUses
        result = DefinitionChanges(project: name)
        let existing = state.snapshot.projects[name]
        isNew = existing == nil
        project = existing ?? CatalogSnapshot.Project(name: name)
        next = state.next
        gates = state.gates[name] ?? []
        stages = state.stages[name] ?? []
        monitors = state.monitors[name] ?? []
        rollouts = state.rollouts[name] ?? []
    }

    mutating func resolve(
        _ parsed: ParsedDefinitions,
        _ models: [MonitoredModel],
        retire: [String]
    ) {
        broken = (
            Set(parsed.brokenEntities.map(\.name)), Set(parsed.brokenViews.map(\.name))
        )
        if isNew { add(.project, project.name.text, .create, [], .addProject) }
        for entity in parsed.entities { resolve(entity) }
        for view in parsed.views { resolve(view) }
        for view in parsed.brokenViews {
            if let entity = view.entity { _ = self.entity(entity, of: view.name) }
        }
        for service in parsed.services { resolve(service) }
        for stage in parsed.stages { resolve(stage) }
        for gate in parsed.gates { resolve(gate) }
        for monitor in parsed.monitors { resolve(monitor, models) }
        for plan in parsed.rollouts { resolve(plan) }
        for name in retire { self.retire(name) }
    }

    mutating func add(
        _ kind: DefinitionChange.Kind,
        _ name: String,
        _ action: DefinitionChange.Action,
        _ lines: [String],
        _ operation: DefinitionChanges.Operation
    ) {
        result.changes.append(
            DefinitionChange(kind: kind, name: name, action: action, lines: lines)
        )
        result.operations.append(operation)
    }

    mutating func perform(_ operation: DefinitionChanges.Operation) {
        result.operations.append(operation)
    }

    /// What refers to this view does not dangle, though the view could not be resolved.
    mutating func breakView(_ name: FeatureViewName) { broken.views.insert(name.text) }

    /// What would break: planned, shown, and refused by apply.
    mutating func refuse(_ place: Place, _ text: String) {
        result.breaks.append("\(place): \(text)")
    }
}

extension DefinitionResolver {
    private mutating func resolve(_ parsed: ParsedDefinitions.Entity) {
        guard let existing = project.entities[parsed.name] else {
            let entity = Entity(id: next.takeEntity(), name: parsed.name, keys: parsed.keys)
            project.entities[parsed.name] = entity
            add(
                .entity,
                entity.name.text,
                .create,
                ["keys \(Self.text(entity.keys))"],
                .addEntity(entity)
            )
            return
        }
        guard existing.keys != parsed.keys else { return }
        refuse(
            parsed.place,
            "entity \"\(parsed.name)\" has the keys \(Self.text(existing.keys)), and keys never "
                + "change: define another entity for \(Self.text(parsed.keys))"
        )
    }

    private static func text(_ keys: [Entity.JoinKey]) -> String {
        keys.map { "\($0.name): \($0.type.name)" }.joined(separator: ", ")
    }

    /// Takes `name`, or `view:name`, `service:name`, `monitor:name` and `rollout:name` where several
    /// exist.
    private mutating func retire(_ text: String) {
        let place = Place(index: .max, file: "--retire \(text)", line: 0)
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        let kind = parts.count == 2 ? parts[0] : ""
        let name = parts.last ?? ""
        let monitor = monitors.first { $0.monitor.name.text == name }
        if let monitor, kind == "monitor" { return retire(monitor) }
        let rollout = rollouts.first { $0.plan.name.text == name }
        if let rollout, kind == "rollout" { return retire(rollout) }
        let view = kind == "service" ? nil : FeatureViewName(name).flatMap { project.views[$0] }
        let service = FeatureServiceName(name)
            .flatMap { kind == "view" || project.services[$0] == nil ? nil : $0 }
        switch (view, service) {
        case (nil, nil):
            if let monitor, kind.isEmpty { return retire(monitor) }
            if let rollout, kind.isEmpty { return retire(rollout) }
            let known =
                project.views.keys.map(\.text) + project.services.keys.map(\.text)
                + monitors.map(\.monitor.name.text) + rollouts.map(\.plan.name.text)
            mistakes.note(
                place,
                "there is no view, service, monitor or rollout \"\(name)\" in project "
                    + project.name.text
                    + hint(name, among: known)
            )
        case (.some, .some):
            mistakes.note(
                place,
                "\"\(name)\" is a view and a service: write view:\(name) or service:\(name)"
            )
        case (.some(let view), nil): retire(view, place)
        case (nil, .some(let service)): retire(service, place)
        }
    }

    private mutating func retire(_ view: FeatureView, _ place: Place) {
        guard !view.isRetired else { return }
        for dependent in dependents {
            guard let service = try? project.service(dependent.service),  // gone: it reads nothing
                service.projections.contains(where: { $0.view == view.id })
            else { continue }
            refuse(place, "\(dependent.title) reads it through \(service.reference)")
        }
        add(
            .view,
            view.name.text,
            .retire,
            ["no more writes, no new publications"],
            .retireView(view.id)
        )
    }

    private mutating func retire(_ service: FeatureServiceName, _ place: Place) {
        guard !project.retiredServices.contains(service) else { return }
        for dependent in dependents where dependent.service.name == service {
            refuse(place, "\(dependent.title) reads \(dependent.service)")
        }
        add(.service, service.text, .retire, ["no new publications"], .retireService(service))
    }
}
