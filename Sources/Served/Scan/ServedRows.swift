import Codec
package import Domain

/// What was served of one service version, as the rows of a training set: keys, event time, the id as text,
/// the vector, the prediction, the outcome; by prediction id.
package struct ServedRows {
    package static let eventTime = "event_time"
    package static let predictionID = "prediction_id"
    package static let prediction = "prediction"
    package static let outcome = "outcome"

    package let schema: Schema
    private var sorted: SortedServed
    private let takesAll: Bool
    /// For each column, its number in a batch of the scan.
    private let places: [Int]
    private var first: RecordBatch?

    /// Throws where a column of the vector has one of those names.
    package init(
        _ log: ServedLog,
        _ query: ServedQuery,
        withoutOutcome takesAll: Bool
    ) throws {
        sorted = SortedServed(try ServedScan(log).cursor(query))
        self.takesAll = takesAll
        guard let batch = try sorted.next(isCancelled: { false }) else {
            throw AlulaError.notFound("the vectors that were asked for are gone")
        }
        first = batch
        let renamed = [
            ServedColumn.servedTime: Self.eventTime, ServedColumn.predictionID: Self.predictionID,
            ServedColumn.prediction: Self.prediction, ServedColumn.outcome: Self.outcome,
        ]
        var fields: [Schema.Field] = []
        var places: [Int] = []
        for (place, field) in batch.schema.fields.enumerated() {
            var field = field
            if let name = renamed[field.name] {
                field.name = name
                if name == Self.predictionID { field.type = .string }
            } else if field.name.contains("@") {
                continue
            } else {
                guard !renamed.values.contains(field.name) else {
                    throw AlulaError.refused(
                        "column \"\(field.name)\" of the vector has the name of a column of the log",
                        help: "publish the service with another name for it"
                    )
                }
            }
            fields.append(field)
            places.append(place)
        }
        schema = Schema(fields: fields)
        self.places = places
    }

    package mutating func next(isCancelled: () -> Bool) throws -> RecordBatch? {
        while let batch = try first ?? sorted.next(isCancelled: isCancelled) {
            first = nil
            var rows = Array(0..<Int32(batch.rowCount))
            if !takesAll, let outcome = batch[ServedColumn.outcome] {
                rows = rows.filter { outcome.isValid(Int($0)) }
            }
            guard !rows.isEmpty else { continue }
            let columns = zip(schema.fields, places).map { field, place in
                let column = batch.columns[place].taking(rows[...])
                return field.name == Self.predictionID ? Self.text(column) : column
            }
            return RecordBatch(schema: schema, columns: columns, rowCount: rows.count)
        }
        return nil
    }

    private static func text(_ ids: Column) -> Column {
        var texts = ColumnBuilder(.string, reservingRows: ids.count)
        for row in 0..<ids.count {
            texts.append(variable: (PredictionID(ids.slice(row))?.description ?? "").utf8)
        }
        return texts.finish()
    }
}
