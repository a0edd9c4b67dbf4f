import Domain
import GRDB

extension CatalogTables {
    /// Carries out decided operations; the catalog is at its next revision after them.
    func write(_ changes: DefinitionChanges, now: Timestamp) throws {
        for operation in changes.operations {
            try write(operation, in: changes.project, now: now)
        }
        try database.execute(sql: "UPDATE catalog_state SET revision = revision + 1")
    }

    private func write(
        _ operation: DefinitionChanges.Operation,
        in project: ProjectName,
        now: Timestamp
    ) throws {
        switch operation {
        case .addProject:
            try database.execute(sql: "INSERT INTO project VALUES (?)", arguments: [project.text])
        case .addEntity(let entity): try add(entity, project)
        case .putView(let view): try put(view, project)
        case .addService(let name, let description):
            try database.execute(
                sql: """
                    INSERT INTO service (project, name, description) VALUES (?, ?, ?)
                    ON CONFLICT (project, name) DO UPDATE SET
                        description = excluded.description, retired = 0
                    """,
                arguments: [project.text, name.text, description]
            )
        case .describeService(let name, let description):
            try database.execute(
                sql: "UPDATE service SET description = ? WHERE project = ? AND name = ?",
                arguments: [description, project.text, name.text]
            )
        case .publish(let service): try publish(service, project)
        case .putStage(let stage): try put(stage, project)
        case .dropStage(let stage): try remove(stage, project)
        case .putGate(let gate): try put(gate, project)
        case .putMonitor(let monitor): try put(monitor, project)
        case .putRollout(let plan): try put(plan, project)
        case .retireView(let view):
            try database.execute(
                sql: "UPDATE view SET retired = 1 WHERE id = ?",
                arguments: [view.number]
            )
        case .retireService(let name):
            try database.execute(
                sql: "UPDATE service SET retired = 1 WHERE project = ? AND name = ?",
                arguments: [project.text, name.text]
            )
        case .dropView(let view):
            try database.execute(
                sql: "UPDATE view SET dropped = ?, retired = 1, name = ? WHERE id = ?",
                arguments: [
                    now.microseconds, "\(view.name)~\(view.id.number)", view.id.number,
                ]
            )
        case .dropService(let name, let version):
            try database.execute(
                sql: "UPDATE service SET dropped_through = ? WHERE project = ? AND name = ?",
                arguments: [version, project.text, name.text]
            )
        }
    }

    private func add(_ entity: Entity, _ project: ProjectName) throws {
        try database.execute(
            sql: "INSERT INTO entity (id, project, name) VALUES (?, ?, ?)",
            arguments: [entity.id.number, project.text, entity.name.text]
        )
        for (position, key) in entity.keys.enumerated() {
            try database.execute(
                sql: "INSERT INTO entity_key VALUES (?, ?, ?, ?)",
                arguments: [entity.id.number, position, key.name.text, key.type.name]
            )
        }
    }

    private func put(_ view: FeatureView, _ project: ProjectName) throws {
        try database.execute(
            sql: """
                INSERT INTO view (id, project, name, entity, lookback, max_age, event_time_column,
                    created_time_column, owner, description, retention_age, retention_rows_per_key)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET lookback = excluded.lookback,
                    max_age = excluded.max_age, event_time_column = excluded.event_time_column,
                    created_time_column = excluded.created_time_column, owner = excluded.owner,
                    description = excluded.description, retention_age = excluded.retention_age,
                    retention_rows_per_key = excluded.retention_rows_per_key
                """,
            arguments: [
                view.id.number, project.text, view.name.text, view.entity.id.number,
                view.lookback?.microseconds, view.maxAge?.microseconds, view.eventTimeColumn,
                view.createdTimeColumn, view.owner, view.description,
                view.retention?.age?.microseconds, view.retention?.rowsPerKey,
            ]
        )
        for (position, feature) in view.features.enumerated() {
            try database.execute(
                sql: """
                    INSERT INTO feature (id, view, position, name, type) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (id) DO UPDATE SET name = excluded.name, type = excluded.type
                    """,
                arguments: [
                    feature.id.number, view.id.number, position, feature.name.text,
                    feature.type.description,
                ]
            )
        }
        for layout in view.layouts {
            for (position, slot) in layout.slots.enumerated() {
                try database.execute(
                    sql: "INSERT OR IGNORE INTO row_layout VALUES (?, ?, ?, ?, ?)",
                    arguments: [
                        view.id.number, layout.version, position, slot.feature.number,
                        slot.type.description,
                    ]
                )
            }
        }
    }

    private func publish(_ service: FeatureService, _ project: ProjectName) throws {
        guard
            let id = try Int64.fetchOne(
                database,
                sql: "SELECT id FROM service WHERE project = ? AND name = ?",
                arguments: [project.text, service.name.text]
            )
        else { throw AlulaError.corrupt("service \(service.name) has no row") }
        try database.execute(
            sql: "INSERT INTO service_version VALUES (?, ?)",
            arguments: [id, service.version]
        )
        for (position, projection) in service.projections.enumerated() {
            try add(projection, at: position, of: service, id)
        }
        for (position, field) in service.requestFields.enumerated() {
            try database.execute(
                sql: "INSERT INTO request_field VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    id, service.version, position, field.name.text, field.type.description,
                ]
            )
        }
    }

    private func add(
        _ projection: FeatureService.Projection,
        at position: Int,
        of service: FeatureService,
        _ id: Int64
    ) throws {
        try database.execute(
            sql: "INSERT INTO projection VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                id, service.version, position, projection.view.number, projection.viewName.text,
                projection.role?.text, projection.entity.number, projection.lookback?.microseconds,
                projection.maxAge?.microseconds,
            ]
        )
        for (index, key) in projection.keyColumns.enumerated() {
            try database.execute(
                sql: "INSERT INTO projection_key VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [id, service.version, position, index, key.name.text, key.type.name]
            )
        }
        for (index, selection) in projection.features.enumerated() {
            try database.execute(
                sql: "INSERT INTO selection VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    id, service.version, position, index, selection.feature.number,
                    selection.name.text, selection.type.description, selection.column.text,
                ]
            )
        }
    }
}
