import Domain

/// The entries of one service resolved to projections with named columns.
struct ServiceProjector {
    /// Entries of one view in one role that stand together.
    private struct Part {
        var view: FeatureView
        var role: FeatureViewName?
        var keyColumns: [FeatureService.KeyColumn]
        var features: [(feature: Feature, place: Place)]

        var label: FeatureViewName { role ?? view.name }
    }

    private let project: CatalogSnapshot.Project
    private let brokenViews: Set<String>
    private let service: ParsedDefinitions.Service
    private let mistakes: Mistakes
    private var parts: [Part] = []
    private var hasMistakes = false

    init(
        project: CatalogSnapshot.Project,
        brokenViews: Set<String>,
        service: ParsedDefinitions.Service,
        mistakes: Mistakes
    ) {
        self.project = project
        self.brokenViews = brokenViews
        self.service = service
        self.mistakes = mistakes
    }

    /// Nil where there was a mistake, which is noted.
    mutating func projections() -> [FeatureService.Projection]? {
        for selection in service.selections { add(selection) }
        guard !hasMistakes else { return nil }
        checkRepeats()
        checkKeyTypes()
        let columns = names()
        checkClashes(columns)
        guard !hasMistakes else { return nil }
        return zip(parts, columns).map { part, columns in
            FeatureService.Projection(
                view: part.view.id,
                viewName: part.view.name,
                role: part.role,
                entity: part.view.entity.id,
                keyColumns: part.keyColumns,
                features: zip(part.features, columns).map { feature, column in
                    FeatureService.Selection(
                        feature: feature.feature.id,
                        name: feature.feature.name,
                        type: feature.feature.type,
                        column: column
                    )
                },
                lookback: part.view.lookback,
                maxAge: part.view.maxAge
            )
        }
    }

    private mutating func note(_ place: Place, _ text: String) {
        hasMistakes = true
        mistakes.note(place, "service \"\(service.name)\": \(text)")
    }

    private mutating func add(_ selection: ParsedDefinitions.Selection) {
        guard let view = project.views[selection.view] else {
            hasMistakes = true
            guard !brokenViews.contains(selection.view.text) else { return }
            note(
                selection.place,
                "there is no view \"\(selection.view)\""
                    + hint(selection.view.text, among: project.views.keys.map(\.text))
            )
            return
        }
        let keyColumns = keyColumns(of: view, selection)
        let features = features(of: view, selection)
        if let last = parts.last, last.view.id == view.id, last.role == selection.role,
            last.keyColumns == keyColumns
        {
            parts[parts.count - 1].features += features
        } else {
            parts.append(
                Part(
                    view: view,
                    role: selection.role,
                    keyColumns: keyColumns,
                    features: features
                )
            )
        }
    }

    private mutating func keyColumns(
        of view: FeatureView,
        _ selection: ParsedDefinitions.Selection
    ) -> [FeatureService.KeyColumn] {
        let known = view.entity.keys.map(\.name)
        for (key, _) in selection.keys where !known.contains(key.value) {
            note(
                key.place,
                "entity \"\(view.entity.name)\" of view \"\(view.name)\" has no join key "
                    + "\"\(key.value)\"" + hint(key.value.text, among: known.map(\.text))
            )
        }
        return view.entity.keys.compactMap { key in
            let mapped = selection.keys.first { $0.key.value == key.name }?.column
            return (mapped ?? ColumnName(key.name.text)).map {
                FeatureService.KeyColumn(name: $0, type: key.type)
            }
        }
    }

    private mutating func features(
        of view: FeatureView,
        _ selection: ParsedDefinitions.Selection
    ) -> [(feature: Feature, place: Place)] {
        switch selection.features {
        case .all: return view.features.map { ($0, selection.place) }
        case .named(let names):
            var features: [(feature: Feature, place: Place)] = []
            for name in names {
                if let feature = view.features.first(where: { $0.name == name.value }) {
                    features.append((feature, name.place))
                } else {
                    note(
                        name.place,
                        "view \"\(view.name)\" has no feature \"\(name.value)\""
                            + hint(name.value.text, among: view.features.map(\.name.text))
                    )
                }
            }
            return features
        }
    }
}

extension ServiceProjector {
    /// A feature stands once in each role, and a role is one view with one set of keys.
    private mutating func checkRepeats() {
        var roles: [FeatureViewName: Part] = [:]
        for part in parts {
            let place = part.features.first?.place ?? service.place
            if let earlier = roles[part.label] {
                if earlier.view.id != part.view.id {
                    note(
                        place,
                        "\"\(part.label)\" is a view and a role: choose another role with as:"
                    )
                } else if earlier.keyColumns != part.keyColumns {
                    note(
                        place,
                        "view \"\(part.view.name)\" is read with different keys under one name: give "
                            + "each its role with as:"
                    )
                }
            } else {
                roles[part.label] = part
            }
        }
        var seen: Set<String> = []
        for part in parts {
            for (feature, place) in part.features
            where !seen.insert("\(part.label):\(feature.name)").inserted {
                note(place, "\"\(part.label):\(feature.name)\" is taken twice")
            }
        }
    }

    private mutating func checkKeyTypes() {
        var types: [ColumnName: (type: KeyType, view: FeatureViewName)] = [:]
        for part in parts {
            for column in part.keyColumns {
                guard let earlier = types[column.name] else {
                    types[column.name] = (column.type, part.view.name)
                    continue
                }
                guard earlier.type != column.type else { continue }
                note(
                    part.features.first?.place ?? service.place,
                    "key column \"\(column.name)\" is \(earlier.type.name) for view "
                        + "\"\(earlier.view)\" and \(column.type.name) for \"\(part.view.name)\": map "
                        + "one with {view:, keys: {\(column.name): OTHER}}"
                )
            }
        }
    }

    /// `feature`, or `view__feature` (`role__feature`) where that would clash with another feature,
    /// a request field or a key column.
    private mutating func names() -> [[ColumnName]] {
        var uses: [String: Int] = [:]
        for part in parts {
            for item in part.features { uses[item.feature.name.text, default: 0] += 1 }
        }
        let taken = Set(service.request.map(\.name.text))
            .union(parts.flatMap { $0.keyColumns.map(\.name.text) })
        var columns: [[ColumnName]] = []
        for part in parts {
            var names: [ColumnName] = []
            for (feature, place) in part.features {
                let short = feature.name.text
                let isFree = uses[short] == 1 && !taken.contains(short)
                let text = isFree ? short : "\(part.label)__\(short)"
                if let name = ColumnName(text) {
                    names.append(name)
                } else {
                    note(
                        place,
                        "column name \"\(text)\" is over \(Limits.nameLength) characters: give the "
                            + "view a shorter role with as:"
                    )
                }
            }
            columns.append(names)
        }
        return columns
    }

    /// What still clashes, after features were told apart by their views.
    private mutating func checkClashes(_ columns: [[ColumnName]]) {
        guard !hasMistakes else { return }
        var places: [ColumnName: Place] = [:]
        let keys = Set(parts.flatMap { $0.keyColumns.map(\.name) })
        for (part, names) in zip(parts, columns) {
            for (item, name) in zip(part.features, names) {
                if keys.contains(name) || places[name] != nil {
                    note(item.place, "two columns would be called \"\(name)\": give a view a role")
                }
                places[name] = item.place
            }
        }
        for field in service.request {
            if keys.contains(field.name) {
                note(field.place, "request field \"\(field.name)\" has the name of a key column")
            } else if places[field.name] != nil {
                note(
                    field.place,
                    "request field \"\(field.name)\" has the name of a feature's column"
                )
            }
        }
        let count = columns.reduce(service.request.count) { $0 + $1.count }
        if count > Limits.columns {
            note(
                service.place,
                "it has \(count) columns: at most \(Limits.columns) are allowed"
            )
        }
    }
}
