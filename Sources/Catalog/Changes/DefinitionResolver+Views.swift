import Domain

extension DefinitionResolver {
    mutating func resolve(_ parsed: ParsedDefinitions.View) {
        let existing = project.views[parsed.name]
        guard let entity = entity(parsed.entity, of: parsed.name.text) else {
            breakView(parsed.name)
            return
        }
        if let existing {
            change(existing, parsed, entity)
        } else {
            create(parsed, entity)
        }
    }

    /// The entity that a view is about; nil, and noted, where there is none.
    func entity(_ reference: Located<EntityName>, of view: String) -> Entity? {
        if let entity = project.entities[reference.value] { return entity }
        guard !broken.entities.contains(reference.value.text) else { return nil }
        mistakes.note(
            reference.place,
            "view \"\(view)\": there is no entity \"\(reference.value)\""
                + hint(reference.value.text, among: project.entities.keys.map(\.text))
        )
        return nil
    }

    private mutating func create(_ parsed: ParsedDefinitions.View, _ entity: Entity) {
        var features: [Feature] = []
        for feature in parsed.features {
            features.append(
                Feature(id: next.takeFeature(), name: feature.name, type: feature.type)
            )
        }
        let view = FeatureView(
            id: next.takeView(),
            name: parsed.name,
            entity: entity,
            features: features,
            lookback: parsed.lookback.resolved(over: nil),
            maxAge: parsed.maxAge.resolved(over: nil),
            eventTimeColumn: parsed.eventTimeColumn ?? FeatureView.defaultEventTimeColumn,
            createdTimeColumn: parsed.createdTimeColumn.resolved(over: nil),
            owner: parsed.owner ?? "",
            description: parsed.description ?? "",
            retention: parsed.retention.resolved(over: nil)
        )
        checkColumns(of: view, parsed)
        checkRetention(of: view, over: nil, parsed)
        project.views[view.name] = view
        var lines = ["entity \(entity.name)"]
        lines += features.map { "feature \($0.name): \($0.type)" }
        if let lookback = view.lookback { lines.append("look-back \(lookback)") }
        if let maxAge = view.maxAge { lines.append("max age \(maxAge)") }
        if let retention = view.retention { lines.append("retention \(retention)") }
        add(.view, view.name.text, .create, lines, .putView(view))
    }

    private mutating func change(
        _ existing: FeatureView,
        _ parsed: ParsedDefinitions.View,
        _ entity: Entity
    ) {
        guard existing.entity.id == entity.id else {
            refuse(
                parsed.entity.place,
                "view \"\(existing.name)\" is about entity \"\(existing.entity.name)\" and cannot "
                    + "become one of \"\(entity.name)\": define a new view"
            )
            return
        }
        var view = existing
        var lines: [String] = []
        evolve(&view, parsed, &lines)
        view.lookback = parsed.lookback.resolved(over: existing.lookback)
        view.maxAge = parsed.maxAge.resolved(over: existing.maxAge)
        view.eventTimeColumn = parsed.eventTimeColumn ?? existing.eventTimeColumn
        view.createdTimeColumn = parsed.createdTimeColumn.resolved(over: existing.createdTimeColumn)
        view.retention = parsed.retention.resolved(over: existing.retention)
        view.owner = parsed.owner ?? existing.owner
        view.description = parsed.description ?? existing.description
        note(&lines, "look-back", existing.lookback, view.lookback)
        note(&lines, "max age", existing.maxAge, view.maxAge)
        note(&lines, "event time column", existing.eventTimeColumn, view.eventTimeColumn)
        note(&lines, "created time column", existing.createdTimeColumn, view.createdTimeColumn)
        note(&lines, "retention", existing.retention, view.retention)
        note(&lines, "owner", existing.owner, view.owner)
        if existing.description != view.description { lines.append("description") }
        checkColumns(of: view, parsed)
        checkRetention(of: view, over: existing, parsed)
        project.views[view.name] = view
        guard view != existing else { return }
        if existing.isRetired {
            refuse(parsed.place, "view \"\(view.name)\" is retired: it does not change any more")
        }
        add(.view, view.name.text, .change, lines, .putView(view))
    }

    private func note<Value: Equatable>(
        _ lines: inout [String],
        _ what: String,
        _ before: Value?,
        _ after: Value?
    ) {
        guard before != after else { return }
        let texts = [before, after].map { value in value.map { "\($0)" } ?? "none" }
        lines.append("\(what) \(texts[0]) to \(texts[1])")
    }
}

extension DefinitionResolver {
    /// Renames, then widens and adds; a layout is added where stored rows will differ.
    private mutating func evolve(
        _ view: inout FeatureView,
        _ parsed: ParsedDefinitions.View,
        _ lines: inout [String]
    ) {
        for feature in parsed.features { rename(&view, feature, &lines) }
        for feature in parsed.features {
            if let index = view.features.firstIndex(where: { $0.name == feature.name }) {
                widen(&view, index, feature, &lines)
            } else if feature.was == nil {
                view.features.append(
                    Feature(id: next.takeFeature(), name: feature.name, type: feature.type)
                )
                lines.append("add feature \(feature.name): \(feature.type)")
            }
        }
        if view.features.count > Limits.columns {
            mistakes.note(
                parsed.place,
                "view \"\(view.name)\" would have \(view.features.count) features: at most "
                    + "\(Limits.columns) are allowed"
            )
        }
        let layout = RowLayout(version: view.schemaVersion + 1, features: view.features)
        if layout.slots != view.layouts.last?.slots { view.layouts.append(layout) }
    }

    /// A feature that has its new name already was renamed before.
    private func rename(
        _ view: inout FeatureView,
        _ parsed: ParsedDefinitions.Feature,
        _ lines: inout [String]
    ) {
        guard let was = parsed.was, !view.features.contains(where: { $0.name == parsed.name })
        else { return }
        guard let index = view.features.firstIndex(where: { $0.name == was }) else {
            mistakes.note(
                parsed.place,
                "feature \"\(parsed.name)\": view \"\(view.name)\" has no feature \"\(was)\" to "
                    + "rename" + hint(was.text, among: view.features.map(\.name.text))
            )
            return
        }
        view.features[index].name = parsed.name
        lines.append("rename feature \(was) to \(parsed.name)")
    }

    private mutating func widen(
        _ view: inout FeatureView,
        _ index: Int,
        _ parsed: ParsedDefinitions.Feature,
        _ lines: inout [String]
    ) {
        let feature = view.features[index]
        guard feature.type != parsed.type else { return }
        guard feature.type.widens(to: parsed.type) else {
            refuse(
                parsed.place,
                "feature \"\(view.name):\(feature.name)\" is \(feature.type) and cannot become "
                    + "\(parsed.type): types only widen (int32 to int64, float32 to float64); add a "
                    + "feature under another name"
            )
            return
        }
        for dependent in dependents {
            guard let service = try? project.service(dependent.service),  // gone: it reads nothing
                service.projections.contains(where: { projection in
                    projection.features.contains {
                        $0.feature == feature.id && $0.type != parsed.type
                    }
                })
            else { continue }
            refuse(
                parsed.place,
                "feature \"\(view.name):\(feature.name)\" cannot become \(parsed.type): "
                    + "\(dependent.title) reads it as \(feature.type) through \(service.reference)"
            )
        }
        view.features[index].type = parsed.type
        lines.append("widen feature \(feature.name): \(feature.type) to \(parsed.type)")
    }

    /// In a source file, join keys, time columns and features are told apart by their names alone.
    private func checkColumns(of view: FeatureView, _ parsed: ParsedDefinitions.View) {
        let features = Set(view.features.map(\.name.text))
        for key in view.entity.keys where features.contains(key.name.text) {
            let place = parsed.features.first { $0.name.text == key.name.text }?.place
            mistakes.note(
                place ?? parsed.place,
                "view \"\(view.name)\": \"\(key.name)\" is a join key of \(view.entity.name) and "
                    + "cannot be a feature too"
            )
        }
        let keys = Set(view.entity.keys.map(\.name.text))
        let times = [
            ("event", view.eventTimeColumn),
            ("created", view.createdTimeColumn ?? FeatureView.defaultCreatedTimeColumn),
        ]
        for (what, column) in times where features.contains(column) || keys.contains(column) {
            mistakes.note(
                parsed.columnsPlace,
                "view \"\(view.name)\": \"\(column)\" is its \(what) time column and a "
                    + (keys.contains(column) ? "join key" : "feature")
                    + ": name the time column with columns: {\(what)_time: NAME}"
            )
        }
        if view.eventTimeColumn == view.createdTimeColumn, parsed.createdTimeColumnWasAlone {
            mistakes.note(
                parsed.columnsPlace,
                "view \"\(view.name)\": \"\(view.eventTimeColumn)\" cannot be both the event time and "
                    + "the created time"
            )
        }
    }
}

extension ParsedDefinitions.View {
    /// The file names only one of the time columns, so that the reader could not see both.
    fileprivate var createdTimeColumnWasAlone: Bool {
        guard case .value = createdTimeColumn else { return true }
        return eventTimeColumn == nil
    }
}
