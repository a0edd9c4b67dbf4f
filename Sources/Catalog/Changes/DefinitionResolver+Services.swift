import Domain

extension DefinitionResolver {
    /// Publishes the next version where what the service resolves to has changed.
    mutating func resolve(_ parsed: ParsedDefinitions.Service) {
        var projector = ServiceProjector(
            project: project,
            brokenViews: broken.views,
            service: parsed,
            mistakes: mistakes
        )
        guard let projections = projector.projections() else { return }
        let request = parsed.request.map {
            FeatureService.RequestField(name: $0.name, type: $0.type)
        }
        let newest = project.services[parsed.name]?.last
        let description = parsed.description ?? newest?.description ?? ""
        let service = FeatureService(
            name: parsed.name,
            version: (newest?.version ?? project.droppedServices[parsed.name] ?? 0) + 1,
            projections: projections,
            requestFields: request,
            description: description
        )
        if let newest, newest.projections == projections, newest.requestFields == request {
            guard newest.description != description else { return }
            add(
                .service,
                parsed.name.text,
                .change,
                ["description"],
                .describeService(parsed.name, description)
            )
            return
        }
        refuseRetired(service, parsed)
        if newest == nil { perform(.addService(parsed.name, description: description)) }
        project.services[parsed.name, default: []].append(service)
        add(
            .service,
            service.reference.description,
            .publish,
            Self.difference(newest, service),
            .publish(service)
        )
        if let newest, newest.description != description {
            perform(.describeService(parsed.name, description))
        }
    }

    private mutating func refuseRetired(
        _ service: FeatureService,
        _ parsed: ParsedDefinitions.Service
    ) {
        if project.retiredServices.contains(service.name) {
            refuse(
                parsed.place,
                "service \"\(service.name)\" is retired: no version is published any more; give the "
                    + "new one another name"
            )
        }
        for name in Set(service.projections.map(\.viewName)).sorted()
        where project.views[name]?.isRetired == true {
            refuse(
                parsed.place,
                "service \"\(service.name)\" reads view \"\(name)\", which is retired: no new "
                    + "publication may read it"
            )
        }
    }

    /// The columns that came, went or changed; the order where that is all.
    private static func difference(_ before: FeatureService?, _ after: FeatureService) -> [String] {
        let old = before.map(lines) ?? []
        let new = lines(after)
        guard before != nil else { return new }
        let changes =
            new.filter { !old.contains($0) }.map { "+ \($0)" }
            + old.filter { !new.contains($0) }.map { "- \($0)" }
        return changes.isEmpty ? ["the order of the columns"] : changes
    }

    private static func lines(_ service: FeatureService) -> [String] {
        service.projections.flatMap { projection in
            let view =
                projection.role.map { "\(projection.viewName) as \($0)" }
                ?? projection.viewName.text
            let keys = projection.keyColumns.map(\.name.text).joined(separator: ", ")
            let spans =
                (projection.lookback.map { ", look-back \($0)" } ?? "")
                + (projection.maxAge.map { ", max age \($0)" } ?? "")
            return ["view \(view) by \(keys)\(spans)"]
                + projection.features.map { "column \($0.column): \($0.type) from \(view)" }
        } + service.requestFields.map { "request \($0.name): \($0.type)" }
    }
}
