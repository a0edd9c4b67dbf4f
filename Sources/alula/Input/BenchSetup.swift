import Bench
import Client
import Domain
import Tabular
import Wire

/// The requests of a load, made after the server's definitions.
struct BenchSetup {
    let client: AlulaClient
    let catalog: WireCatalogResponse
    let keys: BenchKeyOptions
    let seed: UInt64

    /// Reads of a service; of a model where a stage or a version is named.
    func reads(
        _ target: String,
        stage: String?,
        version: UInt32?,
        log: Bool,
        entities: Int
    ) async throws -> ReadFrames {
        var request = WireReadRequest()
        request.head.project = client.project
        request.log = log
        var reference = target
        if let version {
            request.model = target
            request.version = version
            reference = try await client.version(version, of: target).service
        } else if let stage {
            request.model = target
            request.stage = stage
            reference = try await client.version(in: stage, of: target).service
        } else {
            request.service = target
        }
        let service = try catalog.service(try FeatureServiceReference(text: reference))
        let fields = try Self.fields(service.keyColumns)
        return ReadFrames(
            request: request,
            keys: fields,
            requestValues: try values(service.requestFields),
            entities: entities,
            source: try source(fields),
            seed: seed
        )
    }

    /// Pushes of rows with all features of a view.
    func pushes(to view: String, rows: Int) throws -> RequestFrames {
        let definition = try catalog.view(view)
        let fields = try Self.fields(definition.keys)
        return try PushFrames(
            project: client.project,
            view: view,
            keys: fields,
            features: try Self.fields(definition.features),
            rows: rows,
            source: try source(fields),
            seed: seed &+ 7
        )
        .make()
    }

    private static func fields(_ wire: [WireField]) throws(AlulaError) -> [Schema.Field] {
        try wire.map { (field) throws(AlulaError) in
            Schema.Field(name: field.name, type: try ValueType(wire: field.type))
        }
    }

    private func source(_ fields: [Schema.Field]) throws(AlulaError) -> KeySource {
        if let path = keys.keyFile { return .rows(try rows(path, fields), keys.distribution) }
        let (first, count) = try keys.idRange()
        return .ids(first: first, count: count, keys.distribution, seed: seed)
    }

    /// All rows of a file of keys.
    private func rows(_ path: String, _ fields: [Schema.Field]) throws(AlulaError) -> RecordBatch {
        let columns = fields.map {
            TabularColumn($0.name, $0.type, nulls: .refused("a key is never null"))
        }
        var reader = try TabularReader(
            try .file(path),
            format: try TabularFormat(fileName: path),
            columns: columns
        )
        var builders = fields.map { ColumnBuilder($0.type) }
        var count = 0
        while let chunk = try reader.next() {
            for (index, column) in chunk.batch.columns.enumerated() {
                for row in 0..<chunk.batch.rowCount { builders[index].append(row: row, of: column) }
            }
            count += chunk.batch.rowCount
        }
        return RecordBatch(
            schema: Schema(fields: fields),
            columns: builders.map { $0.finish() },
            rowCount: count
        )
    }

    private func values(_ fields: [WireField]) throws(AlulaError) -> RecordBatch {
        let given = keys.value
        let missing = fields.filter { field in
            !given.contains { $0.hasPrefix(field.name + "=") }
        }
        guard !fields.isEmpty || !given.isEmpty else {
            return RecordBatch(schema: Schema(fields: []), columns: [], rowCount: 1)
        }
        let batch = try KeyValues(given + missing.map { $0.name + "=" })
            .batch(keys: [], others: fields)
        guard batch.rowCount == 1 else {
            throw .invalid("--value: one value for each request field stands for every entity")
        }
        return batch
    }
}
