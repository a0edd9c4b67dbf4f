import Domain
import Tabular
import Wire

extension WireCatalogResponse {
    func view(_ name: String) throws(AlulaError) -> WireViewDefinition {
        guard let view = views.first(where: { $0.name == name }) else {
            throw .notFound(
                "there is no view \"\(name)\" in project \(project)"
                    + hint(name, among: views.map(\.name))
            )
        }
        return view
    }

    func entity(_ name: String) throws(AlulaError) -> WireEntityDefinition {
        guard let entity = entities.first(where: { $0.name == name }) else {
            throw .notFound(
                "there is no entity \"\(name)\" in project \(project)"
                    + hint(name, among: entities.map(\.name))
            )
        }
        return entity
    }

    /// The version of `name@version`, or the newest of `name`.
    func service(_ reference: FeatureServiceReference) throws(AlulaError) -> WireServiceDefinition {
        let versions = services.filter { $0.name == reference.name.text }
        let newest = versions.max { $0.version < $1.version }
        guard let newest else {
            throw .notFound(
                "there is no service \"\(reference.name)\" in project \(project)"
                    + hint(reference.name.text, among: services.map(\.name))
            )
        }
        guard let number = reference.version else { return newest }
        guard let version = versions.first(where: { $0.version == number }) else {
            throw .notFound(
                "service \(reference.name) has no version \(number): the newest is \(newest.version)"
            )
        }
        return version
    }
}

extension WireViewDefinition {
    private static let greatestSkew = "the event time lies more than \(Limits.maxSkew) ahead of now"

    /// What a file of this view's history holds.
    ///
    /// `latest` is the greatest event time taken.
    func importColumns(
        latest: Timestamp?,
        integerTimes: IntegerTimes
    ) throws(AlulaError) -> [TabularColumn] {
        try columns(
            latest: latest,
            integerTimes: integerTimes,
            createdPresence: createdTimeColumn.isEmpty ? .optional : .required
        )
    }

    /// What a pushed row holds; everything but keys and event time may be left out.
    func pushColumns(integerTimes: IntegerTimes) throws(AlulaError) -> [TabularColumn] {
        try columns(latest: nil, integerTimes: integerTimes, createdPresence: .optional)
    }

    private func columns(
        latest: Timestamp?,
        integerTimes: IntegerTimes,
        createdPresence: TabularColumn.Presence
    ) throws(AlulaError) -> [TabularColumn] {
        var columns: [TabularColumn] = []
        for key in keys {
            columns.append(
                TabularColumn(
                    key.name,
                    try ValueType(wire: key.type),
                    nulls: .refused("a key is never null")
                )
            )
        }
        let eventName =
            eventTimeColumn.isEmpty ? FeatureView.defaultEventTimeColumn : eventTimeColumn
        var event = TabularColumn(
            names: [eventName, RowColumn.eventTime],
            field: .init(name: RowColumn.eventTime, type: .timestamp),
            nulls: .refused("every row has an event time")
        )
        event.latest = latest.map { ($0, Self.greatestSkew) }
        columns.append(event)
        let createdName =
            createdTimeColumn.isEmpty ? FeatureView.defaultCreatedTimeColumn : createdTimeColumn
        if !features.contains(where: { $0.name == createdName }) {
            columns.append(
                TabularColumn(
                    names: [createdName, RowColumn.createdTime],
                    field: .init(name: RowColumn.createdTime, type: .timestamp),
                    presence: createdPresence
                )
            )
        }
        for feature in features {
            columns.append(TabularColumn(feature.name, try ValueType(wire: feature.type)))
        }
        for index in columns.indices { columns[index].integerTimes = integerTimes }
        return columns
    }
}
