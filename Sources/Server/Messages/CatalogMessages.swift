import Catalog
import Domain
import Releases
import Wire

extension WireApplyResponse {
    init(_ outcome: ApplyOutcome) {
        self.init()
        breaks = outcome.breaks
        loses = outcome.loses
        catalogRevision = outcome.revision
        changes = outcome.changes.map { change in
            var wire = WireDefinitionChange()
            wire.kind = change.kind.rawValue
            wire.name = change.name
            wire.action = change.action.rawValue
            wire.lines = change.lines
            return wire
        }
    }
}

extension WireCatalogResponse {
    /// The definitions of one project, by name.
    init(_ project: CatalogSnapshot.Project, revision: UInt64, gates: [VersionedGate]) {
        self.init()
        self.project = project.name.text
        catalogRevision = revision
        entities = project.entities.values.sorted { $0.name < $1.name }.map(
            WireEntityDefinition.init
        )
        views = project.views.values.sorted { $0.name < $1.name }.map(WireViewDefinition.init)
        services = project.services.keys.sorted().flatMap { name in
            (project.services[name] ?? []).map { service in
                var definition = WireServiceDefinition(service, in: project)
                definition.retired = project.retiredServices.contains(name)
                return definition
            }
        }
        self.gates = gates.map(WireGateDefinition.init)
    }
}

extension WireEntityDefinition {
    init(_ entity: Entity) {
        self.init()
        name = entity.name.text
        keys = entity.wireKeys
    }
}

extension Entity {
    var wireKeys: [WireField] { keys.map { WireField($0.name.text, $0.type.valueType) } }
}

extension WireViewDefinition {
    init(_ view: FeatureView) {
        self.init()
        name = view.name.text
        entity = view.entity.name.text
        keys = view.entity.wireKeys
        features = view.features.map { WireField($0.name.text, $0.type) }
        lookbackUs = view.lookback?.microseconds ?? 0
        maxAgeUs = view.maxAge?.microseconds ?? 0
        eventTimeColumn = view.eventTimeColumn
        createdTimeColumn = view.createdTimeColumn ?? ""
        owner = view.owner
        description_p = view.description
        schemaVersion = view.schemaVersion
        retired = view.isRetired
        retentionAgeUs = view.retention?.age?.microseconds ?? 0
        retentionRowsPerKey = UInt32(clamping: view.retention?.rowsPerKey ?? 0)
    }
}

extension WireServiceDefinition {
    init(_ service: FeatureService, in project: CatalogSnapshot.Project) {
        self.init()
        name = service.name.text
        version = service.version
        description_p = service.description
        requestFields = service.requestFields.map { WireField($0.name.text, $0.type) }
        var seen: Set<ColumnName> = []
        for projection in service.projections {
            var part = WireProjectionDefinition()
            part.view = projection.viewName.text
            part.role = projection.role?.text ?? ""
            part.keyColumns = projection.keyColumns.map(\.name.text)
            part.features = projection.features.map(\.name.text)
            part.columns = projection.features.map(\.column.text)
            projections.append(part)
            for key in projection.keyColumns where seen.insert(key.name).inserted {
                keyColumns.append(WireField(key.name.text, key.type.valueType))
            }
        }
    }
}

extension WireGateDefinition {
    init(_ versioned: VersionedGate) {
        self.init()
        let gate = versioned.gate
        version = versioned.version
        model = gate.model.text
        to = gate.to.text
        from = gate.from.map(\.text)
        rules = gate.rules.flatMap(\.descriptions)
    }
}
