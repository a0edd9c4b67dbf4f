package import Domain

/// A model that monitors may look at, and the published services that its versions read.
package struct MonitoredModel: Sendable, Hashable {
    package var name: RegisteredModelName
    package var services: [FeatureServiceReference]

    package init(name: RegisteredModelName, services: [FeatureServiceReference]) {
        self.name = name
        self.services = services
    }
}

/// A monitor before and after an apply; `before` is nil where it is new.
package struct MonitorChange: Sendable, Hashable {
    package var before: VersionedMonitor?
    package var after: VersionedMonitor
}

extension DefinitionResolver {
    static let mostMonitors = 1_000

    mutating func resolve(_ parsed: Located<Monitor>, _ models: [MonitoredModel]) {
        let monitor = parsed.value
        let existing = monitors.first { $0.monitor.name == monitor.name }
        guard existing?.monitor != monitor || existing?.isRetired == true else { return }
        guard isKnown(monitor, models, parsed.place) else { return }
        let next = VersionedMonitor(monitor: monitor, version: (existing?.version ?? 0) + 1)
        if existing == nil { monitors.append(next) }
        guard monitors.count <= Self.mostMonitors else {
            mistakes.note(parsed.place, "a project has at most \(Self.mostMonitors) monitors")
            return
        }
        result.monitorChanges.append(MonitorChange(before: existing, after: next))
        add(
            .monitor,
            monitor.name.text,
            existing == nil ? .create : .change,
            monitor.descriptions,
            .putMonitor(next)
        )
    }

    /// Notes a view, a model or a feature that is not there.
    private func isKnown(
        _ monitor: Monitor,
        _ models: [MonitoredModel],
        _ place: Place
    ) -> Bool {
        switch monitor.subject {
        case .view(let name):
            guard project.views[name] == nil else { return true }
            guard !broken.views.contains(name.text) else { return false }
            let close = hint(name.text, among: project.views.keys.map(\.text))
            mistakes.note(place, "there is no view \"\(name)\"\(close)")
            return false
        case .model(let name):
            guard let model = models.first(where: { $0.name == name }) else {
                let close = hint(name.text, among: models.map(\.name.text))
                mistakes.note(
                    place,
                    "there is no model \"\(name)\""
                        + (close.isEmpty ? ": register a version of it first" : close)
                )
                return false
            }
            guard monitor.figure.needsFeature else { return true }
            let features = columns(of: model)
            guard !features.contains(monitor.feature) else { return true }
            let close = hint(monitor.feature, among: features)
            mistakes.note(
                place,
                "no version of model \(name) reads a feature \"\(monitor.feature)\"" + close
            )
            return false
        }
    }

    /// The vectors of all services that its versions read.
    private func columns(of model: MonitoredModel) -> [String] {
        var names: [String] = []
        for reference in model.services {
            // One that is gone has no columns.
            guard let service = try? project.service(reference) else { continue }
            names += service.projections.flatMap { $0.features.map(\.column.text) }
            names += service.requestFields.map(\.name.text)
        }
        return names
    }

    /// Ends a monitor; its definitions stay on record.
    mutating func retire(_ monitor: VersionedMonitor) {
        guard !monitor.isRetired else { return }
        var next = monitor
        next.version += 1
        next.isRetired = true
        result.monitorChanges.append(MonitorChange(before: monitor, after: next))
        add(
            .monitor,
            monitor.monitor.name.text,
            .retire,
            ["is looked at no more"],
            .putMonitor(next)
        )
    }
}
