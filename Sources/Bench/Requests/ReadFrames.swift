package import Domain
package import Wire

/// Reads of a service, all of the same number of entities.
package struct ReadFrames: Sendable {
    /// Names the service, or a model.
    package var request: WireReadRequest
    package var keys: [Schema.Field]
    /// One row of request fields, which stands for every entity.
    package var requestValues: RecordBatch
    package var entities: Int
    package var source: KeySource
    package var seed: UInt64

    package init(
        request: WireReadRequest,
        keys: [Schema.Field],
        requestValues: RecordBatch,
        entities: Int,
        source: KeySource,
        seed: UInt64
    ) {
        self.request = request
        self.keys = keys
        self.requestValues = requestValues
        self.entities = entities
        self.source = source
        self.seed = seed
    }

    /// The requests, for answers that leave out what is known of this plan; 0: of none.
    package func make(knownPlan: UInt64) throws(AlulaError) -> RequestFrames {
        try source.check(keys)
        guard entities >= 1 else {
            throw .invalid("a request has at least 1 entity: found \(entities)")
        }
        guard entities <= Limits.frameBytes / 8 else {
            throw .invalid(
                "\(entities) entities do not fit a request of \(Limits.frameBytes) bytes",
                help: "ask for fewer at once"
            )
        }
        var request = request
        let schema = Schema(fields: keys + requestValues.schema.fields)
        request.schema = WireSchema(schema)
        request.knownPlan = knownPlan
        let control = try Messages.encode(request)
        let values = requestValues.columns.map { value in
            var builder = ColumnBuilder(value.type, reservingRows: entities)
            for _ in 0..<entities { builder.append(row: 0, of: value) }
            return builder.finish()
        }
        var random = RandomStream(seed: seed)
        var table: IDTable?
        if case .ids(let drawn) = source { table = drawn }
        let count = table == nil ? RequestFrames.frameCount(rows: entities) : 1
        var templates: [RequestFrames.Template] = []
        for _ in 0..<count {
            let columns = source.columns(keys, rows: entities, &random) + values
            let batch = RecordBatch(schema: schema, columns: columns, rowCount: entities)
            let frame = try RequestFrames.frame(.read, control: control, batch)
            var template = RequestFrames.Template(bytes: frame)
            if table != nil {
                template.ids = try RequestFrames.place(of: Marks.bytes(Marks.ids), in: frame)
            }
            templates.append(template)
        }
        return RequestFrames(
            templates: templates,
            operation: .read,
            rows: entities,
            table: table
        )
    }
}
