import Client
import Domain
import Tabular
import Wire

/// A spine in a file: its columns typed by the service where it knows them, else by what they hold.
struct SpineFile {
    let path: String
    let schema: Schema
    let eventTime: String
    private let format: TabularFormat
    private let keys: Set<String>
    private let timeUnit: TimeUnit?

    /// Reads the whole file for the types of its carried columns.
    init(
        path: String,
        service: WireServiceDefinition,
        eventTime: String?,
        timeUnit: TimeUnit?,
        catalog: WireCatalogResponse
    ) throws(AlulaError) {
        self.path = path
        self.timeUnit = timeUnit
        format = try TabularFormat(fileName: path)
        keys = Set(service.keyColumns.map(\.name))
        var known: [String: ValueType] = [:]
        for field in service.keyColumns + service.requestFields {
            known[field.name] = try ValueType(wire: field.type)
        }
        if let eventTime { known[eventTime] = .timestamp }
        let found = try TypeInference.schema(of: try .file(path), format: format, known: known)
        self.eventTime = try Self.eventTime(eventTime, in: found, service, catalog, path)
        let missing = service.keyColumns.filter { found.index(of: $0.name) == nil }
        guard missing.isEmpty else {
            throw .invalid(
                "\(path) lacks key columns of service \(service.name)@\(service.version)",
                details: missing.map { "missing column \"\($0.name)\" (\(typeText($0.type)))" }
            )
        }
        let name = self.eventTime
        schema = Schema(
            fields: found.fields.map { field in
                field.name == name ? Schema.Field(name: name, type: .timestamp) : field
            }
        )
    }

    /// The last part of the path.
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Sends all rows, from the first.
    func send(_ upload: AlulaClient.SpineUpload, _ progress: Progress) async throws {
        var reader = try reader()
        let size = SourceFile.size(path)
        while let chunk = try reader.next() {
            progress.show(
                "sending",
                done: reader.bytesRead,
                total: size,
                note: counted(reader.rowsRead, "row"),
                counting: .bytes
            )
            guard try await upload.send(chunk.batch) else { return }
        }
    }

    /// The row of this number, from 1.
    func row(_ number: UInt64) throws(AlulaError) -> RecordBatch {
        var reader = try reader()
        while let chunk = try reader.next() {
            guard number >= chunk.firstRow, number < chunk.firstRow + UInt64(chunk.batch.rowCount)
            else { continue }
            let row = Int(number - chunk.firstRow)
            let columns = chunk.batch.columns.map { column in
                var builder = ColumnBuilder(column.type, reservingRows: 1)
                builder.append(row: row, of: column)
                return builder.finish()
            }
            return RecordBatch(schema: chunk.batch.schema, columns: columns, rowCount: 1)
        }
        throw .invalid(
            "\(path) has no row \(number): it has \(counted(reader.rowsRead, "row"))",
            help: "rows are counted from 1, without the header"
        )
    }

    private func reader() throws(AlulaError) -> TabularReader {
        let columns = schema.fields.map { field in
            var column = TabularColumn(
                names: [field.name],
                field: field,
                rounding: .down,
                takesIntegralFloats: keys.contains(field.name)
            )
            column.integerTimes = .option(timeUnit)
            return column
        }
        return try TabularReader(try .file(path), format: format, columns: columns)
    }

    /// The column asked for, or one whose name says it.
    private static func eventTime(
        _ asked: String?,
        in schema: Schema,
        _ service: WireServiceDefinition,
        _ catalog: WireCatalogResponse,
        _ path: String
    ) throws(AlulaError) -> String {
        if let asked {
            guard schema.index(of: asked) != nil else {
                throw .invalid("\(path) has no column \"\(asked)\" for event times")
            }
            return asked
        }
        let views = service.projections.map(\.view)
        let usual =
            [FeatureView.defaultEventTimeColumn, "event_timestamp"]
            + catalog.views.filter { views.contains($0.name) }.map(\.eventTimeColumn)
        guard let name = usual.first(where: { schema.index(of: $0) != nil }) else {
            throw .invalid(
                "\(path): which column holds the event times?",
                help: "name it with --event-time",
                details: schema.fields.map { "column \"\($0.name)\" (\($0.type))" }
            )
        }
        return name
    }
}
