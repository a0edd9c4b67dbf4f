import Domain
import GRDB

/// The tables of definitions in one transaction.
struct CatalogTables {
    let database: Database

    var revision: UInt64 {
        get throws {
            UInt64(
                try Int64.fetchOne(database, sql: "SELECT revision FROM catalog_state") ?? 0
            )
        }
    }

    /// The whole catalog; a value that no definition can have means a damaged file.
    func load() throws -> CatalogState {
        do {
            let entities = try loadEntities()
            var projects: [ProjectName: CatalogSnapshot.Project] = [:]
            for text in try String.fetchAll(database, sql: "SELECT name FROM project") {
                let name = try ProjectName(text, as: "project")
                projects[name] = CatalogSnapshot.Project(name: name)
            }
            for (project, entity) in entities.values {
                projects[project]?.entities[entity.name] = entity
            }
            var droppedViews: [DroppedView] = []
            for (project, view, dropped) in try loadViews(entities) {
                guard let dropped else {
                    projects[project]?.views[view.name] = view
                    continue
                }
                droppedViews.append(DroppedView(project: project, view: view, time: dropped))
            }
            for (project, service, isRetired) in try loadServices() {
                projects[project]?.services[service.name, default: []].append(service)
                if isRetired { projects[project]?.retiredServices.insert(service.name) }
            }
            for (project, services) in try loadDroppedServices() {
                projects[project]?.droppedServices = services
            }
            return CatalogState(
                snapshot: CatalogSnapshot(
                    revision: try revision,
                    projects: projects,
                    droppedViews: droppedViews
                ),
                gates: try loadGates(),
                stages: try loadStages(),
                monitors: try loadMonitors(),
                rollouts: try loadRollouts(),
                next: try loadNext()
            )
        } catch let error as AlulaError {
            throw AlulaError.corrupt(
                "catalog.sqlite holds a definition that cannot be: \(error.message)"
            )
        }
    }

    private func loadNext() throws -> NextIdentifiers {
        var next = NextIdentifiers()
        for row in try Row.fetchAll(database, sql: "SELECT name, seq FROM sqlite_sequence") {
            let following = UInt32(clamping: (row["seq"] as Int64) + 1)
            switch row["name"] as String {
            case "entity": next.entity = following
            case "view": next.view = following
            case "feature": next.feature = following
            default: break
            }
        }
        return next
    }

    private func loadEntities() throws -> [EntityID: (project: ProjectName, entity: Entity)] {
        var keys: [UInt32: [Entity.JoinKey]] = [:]
        let keyRows = try Row.fetchAll(
            database,
            sql: "SELECT entity, name, type FROM entity_key ORDER BY entity, position"
        )
        for row in keyRows {
            keys[row["entity"], default: []].append(
                Entity.JoinKey(
                    name: try JoinKeyName(row["name"], as: "join key"),
                    type: try keyType(row["type"])
                )
            )
        }
        var entities: [EntityID: (project: ProjectName, entity: Entity)] = [:]
        for row in try Row.fetchAll(database, sql: "SELECT id, project, name FROM entity") {
            let entity = Entity(
                id: EntityID(row["id"]),
                name: try EntityName(row["name"], as: "entity"),
                keys: keys[row["id"]] ?? []
            )
            entities[entity.id] = (try ProjectName(row["project"], as: "project"), entity)
        }
        return entities
    }

    private func loadViews(
        _ entities: [EntityID: (project: ProjectName, entity: Entity)]
    ) throws -> [(ProjectName, FeatureView, dropped: Timestamp?)] {
        var features: [UInt32: [Feature]] = [:]
        let featureRows = try Row.fetchAll(
            database,
            sql: "SELECT id, view, name, type FROM feature ORDER BY view, position"
        )
        for row in featureRows {
            features[row["view"], default: []].append(
                Feature(
                    id: FeatureID(row["id"]),
                    name: try FeatureName(row["name"], as: "feature"),
                    type: try valueType(row["type"])
                )
            )
        }
        let layouts = try loadLayouts()
        return try Row.fetchAll(database, sql: "SELECT * FROM view").map { row in
            guard let entity = entities[EntityID(row["entity"])]?.entity else {
                throw AlulaError.corrupt("a view without its entity")
            }
            let dropped: Int64? = row["dropped"]
            let name: String = row["name"]
            let view = FeatureView(
                id: FeatureViewID(row["id"]),
                name: try FeatureViewName(
                    dropped == nil ? name : String(name.prefix { $0 != "~" }),
                    as: "view"
                ),
                entity: entity,
                features: features[row["id"]] ?? [],
                lookback: span(row["lookback"]),
                maxAge: span(row["max_age"]),
                eventTimeColumn: row["event_time_column"],
                createdTimeColumn: row["created_time_column"],
                owner: row["owner"],
                description: row["description"],
                layouts: layouts[row["id"]],
                isRetired: row["retired"],
                retention: retention(row)
            )
            return (
                try ProjectName(row["project"], as: "project"), view,
                dropped.map(Timestamp.init(microseconds:))
            )
        }
    }

    private func loadLayouts() throws -> [UInt32: [RowLayout]] {
        var layouts: [UInt32: [RowLayout]] = [:]
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT * FROM row_layout ORDER BY view, version, position"
        )
        for row in rows {
            let (view, version): (UInt32, UInt32) = (row["view"], row["version"])
            var known = layouts[view] ?? []
            if known.last?.version != version {
                known.append(RowLayout(version: version, slots: []))
            }
            known[known.count - 1].slots.append(
                RowLayout.Slot(
                    feature: FeatureID(row["feature"]),
                    type: try valueType(row["type"])
                )
            )
            layouts[view] = known
        }
        return layouts
    }
}

func span(_ microseconds: Int64?) -> TimeSpan? { microseconds.map(TimeSpan.init(microseconds:)) }

/// Nil where both are null.
private func retention(_ row: Row) -> RetentionRule? {
    let (age, rows): (Int64?, Int?) = (row["retention_age"], row["retention_rows_per_key"])
    return age == nil && rows == nil ? nil : RetentionRule(age: span(age), rowsPerKey: rows)
}

func valueType(_ text: String) throws(AlulaError) -> ValueType {
    guard let type = ValueType(text: text) else { throw .corrupt("type \"\(text)\"") }
    return type
}

func keyType(_ text: String) throws(AlulaError) -> KeyType {
    guard let type = KeyType.allCases.first(where: { $0.name == text }) else {
        throw .corrupt("key type \"\(text)\"")
    }
    return type
}
