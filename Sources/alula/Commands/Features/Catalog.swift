import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Views: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the views, or show one.")

    @Argument(help: "A view.") var view: String?
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let catalog = try await options.client().catalog()
        if let view { return show(try catalog.view(view)) }
        guard !options.json else { return Output.json(.array(catalog.views.map(Self.json))) }
        var table = TextTable([
            "view", "entity", "keys", "features", "look-back", "max age", "retention", "owner",
        ])
        for view in catalog.views {
            table.add([
                view.name + (view.retired ? " (retired)" : ""), view.entity,
                view.keys.map(\.name).joined(separator: ", "), String(view.features.count),
                Self.span(view.lookbackUs), Self.span(view.maxAgeUs), Self.retention(view),
                view.owner,
            ])
        }
        Output.table(table)
    }

    private func show(_ view: WireViewDefinition) {
        guard !options.json else { return Output.json(Self.json(view)) }
        Output.line("view \(view.name) of \(view.entity)" + (view.retired ? ", retired" : ""))
        if !view.description_p.isEmpty { Output.line(view.description_p) }
        if !view.owner.isEmpty { Output.line("owner \(view.owner)") }
        Output.line("look-back \(Self.span(view.lookbackUs)), max age \(Self.span(view.maxAgeUs))")
        Output.line("keeps \(Self.retention(view))")
        let created =
            view.createdTimeColumn.isEmpty ? "" : ", created time \(view.createdTimeColumn)"
        Output.line("in source files: event time \(view.eventTimeColumn)\(created)")
        var table = TextTable(["column", "type", ""])
        for key in view.keys { table.add([key.name, typeText(key.type), "key"]) }
        for feature in view.features { table.add([feature.name, typeText(feature.type)]) }
        Output.table(table)
    }

    private static func span(_ microseconds: Int64) -> String {
        microseconds == 0 ? "unbounded" : TimeSpan(microseconds: microseconds).description
    }

    private static func retention(_ view: WireViewDefinition) -> String {
        let parts = [
            view.retentionAgeUs == 0 ? nil : span(view.retentionAgeUs),
            view.retentionRowsPerKey == 0 ? nil : "\(view.retentionRowsPerKey) rows per key",
        ]
        let given = parts.compactMap(\.self)
        return given.isEmpty ? "everything" : given.joined(separator: ", ")
    }

    private static func json(_ view: WireViewDefinition) -> JSONValue {
        .object([
            ("name", .string(view.name)), ("entity", .string(view.entity)),
            ("keys", .fields(view.keys)), ("features", .fields(view.features)),
            ("lookback_us", view.lookbackUs == 0 ? .null : .int(view.lookbackUs)),
            ("max_age_us", view.maxAgeUs == 0 ? .null : .int(view.maxAgeUs)),
            ("retention_age_us", view.retentionAgeUs == 0 ? .null : .int(view.retentionAgeUs)),
            (
                "retention_rows_per_key",
                view.retentionRowsPerKey == 0 ? .null : .uint(UInt64(view.retentionRowsPerKey))
            ),
            ("event_time_column", .string(view.eventTimeColumn)),
            ("created_time_column", .text(view.createdTimeColumn)), ("owner", .text(view.owner)),
            ("description", .text(view.description_p)),
            ("schema_version", .uint(UInt64(view.schemaVersion))),
            ("retired", .bool(view.retired)),
        ])
    }
}

struct Services: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the services, or show one.")

    @Argument(help: "A service, such as credit or credit@2.") var service: String?
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let catalog = try await options.client().catalog()
        if let service {
            let found = try catalog.service(try FeatureServiceReference(text: service))
            return show(found, catalog)
        }
        guard !options.json else { return Output.json(.array(catalog.services.map(Self.json))) }
        var table = TextTable(["service", "keys", "features", "request fields"])
        for service in catalog.services {
            table.add([
                "\(service.name)@\(service.version)" + (service.retired ? " (retired)" : ""),
                service.keyColumns.map(\.name).joined(separator: ", "),
                String(service.projections.reduce(0) { $0 + $1.columns.count }),
                service.requestFields.map(\.name).joined(separator: ", "),
            ])
        }
        Output.table(table)
    }

    private func show(_ service: WireServiceDefinition, _ catalog: WireCatalogResponse) {
        guard !options.json else { return Output.json(Self.json(service)) }
        Output.line(
            "service \(service.name)@\(service.version)" + (service.retired ? ", retired" : "")
        )
        if !service.description_p.isEmpty { Output.line(service.description_p) }
        var table = TextTable(["column", "type", "from", ""])
        for key in service.keyColumns { table.add([key.name, typeText(key.type), "key"]) }
        for projection in service.projections {
            let view = catalog.views.first { $0.name == projection.view }
            for (feature, column) in zip(projection.features, projection.columns) {
                let type = view?.features.first { $0.name == feature }.map { typeText($0.type) }
                table.add([
                    column, type ?? "", "\(projection.view):\(feature)", projection.role,
                ])
            }
        }
        for field in service.requestFields {
            table.add([field.name, typeText(field.type), "request field"])
        }
        Output.table(table)
    }

    private static func json(_ service: WireServiceDefinition) -> JSONValue {
        .object([
            ("name", .string(service.name)), ("version", .uint(UInt64(service.version))),
            ("key_columns", .fields(service.keyColumns)),
            (
                "projections",
                .array(
                    service.projections.map { projection in
                        .object([
                            ("view", .string(projection.view)), ("role", .text(projection.role)),
                            ("key_columns", .strings(projection.keyColumns)),
                            ("features", .strings(projection.features)),
                            ("columns", .strings(projection.columns)),
                        ])
                    }
                )
            ), ("request_fields", .fields(service.requestFields)),
            ("description", .text(service.description_p)), ("retired", .bool(service.retired)),
        ])
    }
}
