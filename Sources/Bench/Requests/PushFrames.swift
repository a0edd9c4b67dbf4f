package import Domain
import FoundationEssentials
import Wire

/// Pushes of rows of a view, whose event time is the time they are sent, so that each row is the
/// newest of its key.
package struct PushFrames: Sendable {
    package var project: String
    package var view: String
    package var keys: [Schema.Field]
    package var features: [Schema.Field]
    package var rows: Int
    package var source: KeySource
    package var seed: UInt64

    package init(
        project: String,
        view: String,
        keys: [Schema.Field],
        features: [Schema.Field],
        rows: Int,
        source: KeySource,
        seed: UInt64
    ) {
        self.project = project
        self.view = view
        self.keys = keys
        self.features = features
        self.rows = rows
        self.source = source
        self.seed = seed
    }

    /// The requests, with random values of every feature.
    package func make() throws(AlulaError) -> RequestFrames {
        try source.check(keys)
        guard rows >= 1, rows <= Limits.batchRows else {
            throw .invalid("a push has 1 to \(Limits.batchRows) rows: found \(rows)")
        }
        let event = Schema.Field(name: RowColumn.eventTime, type: .timestamp)
        let schema = Schema(fields: [event] + keys + features)
        var request = WirePushRequest()
        request.head.project = project
        request.head.requestID = .init(Marks.requestID)
        request.view = view
        request.schema = WireSchema(schema)
        let control = try Messages.encode(request)
        var random = RandomStream(seed: seed)
        var table: IDTable?
        if case .ids(let drawn) = source { table = drawn }
        let count = table == nil ? RequestFrames.frameCount(rows: 16 * rows) : 16
        var templates: [RequestFrames.Template] = []
        for _ in 0..<count {
            var columns = [Marks.column(.timestamp, Marks.times, rows: rows)]
            columns += source.columns(keys, rows: rows, &random)
            for field in features {
                columns.append(try Self.column(field.type, rows: rows, &random))
            }
            let batch = RecordBatch(schema: schema, columns: columns, rowCount: rows)
            let frame = try RequestFrames.frame(.push, control: control, batch)
            var template = RequestFrames.Template(bytes: frame)
            template.requestID = try RequestFrames.place(of: Marks.requestID, in: frame)
            template.times = try RequestFrames.place(of: Marks.bytes(Marks.times), in: frame)
            if table != nil {
                template.ids = try RequestFrames.place(of: Marks.bytes(Marks.ids), in: frame)
            }
            templates.append(template)
        }
        return RequestFrames(templates: templates, operation: .push, rows: rows, table: table)
    }

    private static func column(
        _ type: ValueType,
        rows: Int,
        _ random: inout RandomStream
    ) throws(AlulaError) -> Column {
        var builder = ColumnBuilder(type, reservingRows: rows)
        for _ in 0..<rows {
            let value: FeatureValue =
                switch type {
                case .scalar(let item): Self.value(item, &random)
                case .list(let item): .list((0..<3).map { _ in Self.value(item, &random) })
                case .fixedList(let item, let length):
                    .list((0..<length).map { _ in Self.value(item, &random) })
                }
            try builder.append(value)
        }
        return builder.finish()
    }

    private static func value(_ type: ScalarType, _ random: inout RandomStream) -> FeatureValue {
        switch type {
        case .bool: .bool(random.below(2) == 1)
        case .int32: .int32(Int32(random.below(1_000_000)))
        case .int64: .int64(Int64(random.below(1_000_000)))
        case .float32: .float32(Float(random.fraction()))
        case .float64: .float64(random.fraction())
        case .string: .string("value \(random.below(20_000))")
        case .bytes: .bytes(Array("value \(random.below(20_000))".utf8))
        case .timestamp: .timestamp(Timestamp(microseconds: Int64(random.below(1 << 50))))
        }
    }
}
