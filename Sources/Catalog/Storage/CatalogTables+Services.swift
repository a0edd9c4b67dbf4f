import Domain
import GRDB

extension CatalogTables {
    /// One published version, and one projection in it.
    private struct VersionKey: Hashable {
        var service: Int64
        var version: UInt32

        init(_ row: Row) {
            service = row["service"]
            version = row["version"]
        }
    }

    private struct ProjectionKey: Hashable {
        var version: VersionKey
        var position: Int

        init(_ row: Row) {
            version = VersionKey(row)
            position = row["projection"]
        }
    }

    /// Of services of which versions were dropped, the last of these.
    func loadDroppedServices() throws -> [ProjectName: [FeatureServiceName: UInt32]] {
        var dropped: [ProjectName: [FeatureServiceName: UInt32]] = [:]
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT project, name, dropped_through FROM service WHERE dropped_through > 0"
        )
        for row in rows {
            let name = try FeatureServiceName(row["name"], as: "service")
            dropped[try ProjectName(row["project"], as: "project"), default: [:]][name] =
                row["dropped_through"]
        }
        return dropped
    }

    /// Every published version that was not dropped, ascending within its service.
    func loadServices() throws -> [(ProjectName, FeatureService, isRetired: Bool)] {
        let projections = try loadProjections()
        var requests: [VersionKey: [FeatureService.RequestField]] = [:]
        let requestRows = try Row.fetchAll(
            database,
            sql: "SELECT * FROM request_field ORDER BY service, version, position"
        )
        for row in requestRows {
            requests[VersionKey(row), default: []].append(
                FeatureService.RequestField(
                    name: try ColumnName(row["name"], as: "request field"),
                    type: try valueType(row["type"])
                )
            )
        }
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT service, version, project, name, description, retired
                FROM service_version JOIN service ON service.id = service
                WHERE version > dropped_through
                ORDER BY service, version
                """
        )
        return try rows.map { row in
            let key = VersionKey(row)
            let service = FeatureService(
                name: try FeatureServiceName(row["name"], as: "service"),
                version: key.version,
                projections: projections[key] ?? [],
                requestFields: requests[key] ?? [],
                description: row["description"]
            )
            return (try ProjectName(row["project"], as: "project"), service, row["retired"])
        }
    }

    private func loadProjections() throws -> [VersionKey: [FeatureService.Projection]] {
        let keys = try loadKeyColumns()
        let selections = try loadSelections()
        var projections: [VersionKey: [FeatureService.Projection]] = [:]
        let rows = try Row.fetchAll(
            database,
            sql:
                "SELECT *, position AS projection FROM projection ORDER BY service, version, position"
        )
        for row in rows {
            let key = ProjectionKey(row)
            let role: String? = row["role"]
            projections[key.version, default: []].append(
                FeatureService.Projection(
                    view: FeatureViewID(row["view"]),
                    viewName: try FeatureViewName(row["view_name"], as: "view"),
                    role: try role.map { try FeatureViewName($0, as: "role") },
                    entity: EntityID(row["entity"]),
                    keyColumns: keys[key] ?? [],
                    features: selections[key] ?? [],
                    lookback: span(row["lookback"]),
                    maxAge: span(row["max_age"])
                )
            )
        }
        return projections
    }

    private func loadKeyColumns() throws -> [ProjectionKey: [FeatureService.KeyColumn]] {
        var columns: [ProjectionKey: [FeatureService.KeyColumn]] = [:]
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT * FROM projection_key ORDER BY service, version, projection, position"
        )
        for row in rows {
            columns[ProjectionKey(row), default: []].append(
                FeatureService.KeyColumn(
                    name: try ColumnName(row["column_name"], as: "key column"),
                    type: try keyType(row["type"])
                )
            )
        }
        return columns
    }

    private func loadSelections() throws -> [ProjectionKey: [FeatureService.Selection]] {
        var selections: [ProjectionKey: [FeatureService.Selection]] = [:]
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT * FROM selection ORDER BY service, version, projection, position"
        )
        for row in rows {
            selections[ProjectionKey(row), default: []].append(
                FeatureService.Selection(
                    feature: FeatureID(row["feature"]),
                    name: try FeatureName(row["name"], as: "feature"),
                    type: try valueType(row["type"]),
                    column: try ColumnName(row["column_name"], as: "column")
                )
            )
        }
        return selections
    }
}
