import Domain

/// Droppings for good: services first, so that views are free of those that go with them.
extension DefinitionResolver {
    private enum Dropped: Hashable {
        case view(FeatureViewName)
        case service(FeatureServiceName)
        case gate(RegisteredModelName, Stage)
        case stage(RegisteredModelName, Stage)
    }

    /// Takes `name`, or `view:name` and `service:name` where both exist, `gate:model:stage` and
    /// `stage:model:stage`.
    mutating func drop(_ texts: [String]) {
        let made = Set(
            result.changes.filter { $0.action != .retire }.map { "\($0.kind.rawValue):\($0.name)" }
        )
        var found: [(what: Dropped, place: Place)] = []
        for text in texts {
            let place = Place(index: .max, file: "--drop \(text)", line: 0)
            guard let what = dropped(text, place), !found.contains(where: { $0.what == what })
            else { continue }
            found.append((what, place))
        }
        for case (.service(let name), let place) in found {
            refuseMade(made.contains { $0.hasPrefix("service:\(name)@") }, place)
            drop(name, place)
        }
        for case (.view(let name), let place) in found {
            refuseMade(made.contains("view:\(name)"), place)
            if let view = project.views[name] { drop(view, place) }
        }
        for case (.gate(let model, let stage), let place) in found {
            refuseMade(made.contains("gate:\(model) to \(stage)"), place)
            dropGate(model, stage, place)
        }
        for case (.stage(let model, let stage), let place) in found {
            refuseMade(made.contains("stage:\(model) \(stage)"), place)
            dropStage(model, stage, place)
        }
    }

    private func refuseMade(_ isMade: Bool, _ place: Place) {
        guard isMade else { return }
        mistakes.note(place, "a file of the same apply defines it: define it or drop it")
    }

    /// Notes a name that nothing has, or that is not dropped.
    private func dropped(_ text: String, _ place: Place) -> Dropped? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let kinds = ["view", "service", "gate", "stage", "monitor", "entity"]
        let kind = parts.count > 1 && kinds.contains(parts[0]) ? parts[0] : ""
        let name = kind.isEmpty ? text : parts.dropFirst().joined(separator: ":")
        switch kind {
        case "gate": return gate(parts, place)
        case "stage": return stage(parts, place)
        case "monitor":
            mistakes.note(place, "a monitor is retired, not dropped: --retire monitor:\(name)")
            return nil
        case "entity":
            mistakes.note(
                place,
                "entities stay: by them, keys of what was kept can still be forgotten"
            )
            return nil
        default: break
        }
        let view = kind == "service" ? nil : FeatureViewName(name).flatMap { project.views[$0] }
        let service = FeatureServiceName(name)
            .flatMap { kind == "view" || project.services[$0] == nil ? nil : $0 }
        switch (view, service) {
        case (let view?, nil): return .view(view.name)
        case (nil, let service?): return .service(service)
        case (.some, .some):
            mistakes.note(
                place,
                "\"\(name)\" is a view and a service: write view:\(name) or service:\(name)"
            )
        case (nil, nil):
            let known = project.views.keys.map(\.text) + project.services.keys.map(\.text)
            mistakes.note(
                place,
                "there is no view or service \"\(name)\" in project \(project.name)"
                    + hint(name, among: known)
            )
        }
        return nil
    }

    private func gate(_ parts: [String], _ place: Place) -> Dropped? {
        guard parts.count == 3, let model = RegisteredModelName(parts[1]),
            let stage = try? Stage(text: parts[2])  // said below
        else {
            mistakes.note(place, "a gate is named as gate:MODEL:STAGE")
            return nil
        }
        let known = gates.filter { !$0.isRemoved }
        guard known.contains(where: { $0.gate.model == model && $0.gate.to == stage }) else {
            let names = known.map { "\($0.gate.model):\($0.gate.to)" }
            mistakes.note(
                place,
                "there is no gate before \(stage) of model \(model)"
                    + hint("\(model):\(stage)", among: names)
            )
            return nil
        }
        return .gate(model, stage)
    }

    private func stage(_ parts: [String], _ place: Place) -> Dropped? {
        definedStage(parts, place).map { .stage($0.model, $0.stage) }
    }

    private mutating func drop(_ name: FeatureServiceName, _ place: Place) {
        guard let versions = project.services.removeValue(forKey: name),
            let last = versions.last?.version
        else { return }
        for dependent in dependents where dependent.service.name == name {
            refuse(place, "\(dependent.title) reads \(dependent.service)")
        }
        project.droppedServices[name] = last
        result.unreadable += versions.map(\.reference)
        let range =
            versions.count == 1 ? "version \(last)" : "versions \(versions[0].version) to \(last)"
        add(
            .service,
            name.text,
            .drop,
            ["\(range): not read any more, by no name"],
            .dropService(name, through: last)
        )
    }

    private mutating func drop(_ view: FeatureView, _ place: Place) {
        for dependent in dependents {
            // One whose service is dropped too has been named there.
            guard let service = try? project.service(dependent.service), service.reads(view) else {
                continue
            }
            refuse(place, "\(dependent.title) reads it through \(service.reference)")
        }
        for (name, versions) in project.services.sorted(by: { $0.key < $1.key }) {
            guard let newest = versions.last, newest.reads(view),
                !project.retiredServices.contains(name)
            else { continue }
            refuse(
                place,
                "service \(newest.reference) reads it: publish a version without it, or drop the "
                    + "service too"
            )
        }
        for monitor in monitors where !monitor.isRetired {
            guard case .view(view.name) = monitor.monitor.subject,
                !result.monitorChanges.contains(where: { $0.after.monitor == monitor.monitor })
            else { continue }
            refuse(place, "monitor \(monitor.monitor.name) looks at it: retire that too")
        }
        project.views[view.name] = nil
        result.unreadable += project.services.values.flatMap { $0 }
            .filter { $0.reads(view) && !result.unreadable.contains($0.reference) }
            .map(\.reference)
            .sorted { ($0.name, $0.version ?? 0) < ($1.name, $1.version ?? 0) }
        add(
            .view,
            view.name.text,
            .drop,
            ["its definition, its rows online and its history"],
            .dropView(view)
        )
    }

    private mutating func dropGate(
        _ model: RegisteredModelName,
        _ stage: Stage,
        _ place: Place
    ) {
        guard
            let existing = gates.first(where: {
                $0.gate.model == model && $0.gate.to == stage && !$0.isRemoved
            })
        else { return }
        var next = existing
        next.version += 1
        next.isRemoved = true
        result.gateChanges.append(GateChange(before: existing, after: next))
        add(
            .gate,
            "\(model) to \(stage)",
            .drop,
            ["any complete version may enter \(stage)"],
            .putGate(next)
        )
    }
}

extension FeatureService {
    func reads(_ view: FeatureView) -> Bool {
        projections.contains { $0.view == view.id }
    }
}
