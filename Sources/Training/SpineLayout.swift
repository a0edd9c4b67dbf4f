import Codec
import Domain

/// A spine's schema checked against a plan: every column it needs is there, and no name stands
/// twice.
struct SpineLayout: Sendable {
    let schema: Schema
    let plan: FeaturePlan
    let eventTime: Int

    /// Throws with all mistakes at once.
    init(_ schema: Schema, plan: FeaturePlan, eventTime: String, label: String) throws(AlulaError) {
        var problems = SpineLayout.duplicates(in: schema)
        problems += SpineLayout.keyProblems(schema, plan)
        problems += SpineLayout.requestProblems(schema, plan)
        let index = schema.index(of: eventTime)
        if let index {
            let type = schema.fields[index].type
            if type != .timestamp {
                problems.append(
                    "event time column \"\(eventTime)\" is \(type): a timestamp is expected"
                )
            }
        } else {
            problems.append(
                "event time column \"\(eventTime)\" is missing"
                    + hint(eventTime, among: schema.fields.map(\.name))
            )
        }
        if !label.isEmpty, schema.index(of: label) == nil {
            problems.append(
                "label column \"\(label)\" is missing"
                    + hint(label, among: schema.fields.map(\.name))
            )
        }
        problems += SpineLayout.clashes(schema, plan)
        if schema.fields.count > Limits.columns {
            problems.append("\(schema.fields.count) columns: at most \(Limits.columns) are taken")
        }
        guard problems.isEmpty, let index else {
            throw .invalid(
                "the spine does not fit service \(plan.service)",
                help: "rename, add or convert these columns of the spine",
                details: problems
            )
        }
        self.schema = schema
        self.plan = plan
        self.eventTime = index
    }

    /// The columns of the spine, then the features.
    var answerSchema: Schema {
        Schema(
            fields: schema.fields
                + plan.views.flatMap { part in
                    part.features.map { Schema.Field(name: $0.column.text, type: $0.type) }
                }
        )
    }

    private static func duplicates(in schema: Schema) -> [String] {
        var seen: Set<String> = []
        return schema.fields.filter { !seen.insert($0.name).inserted }.map {
            "column \"\($0.name)\" stands twice in the spine"
        }
    }

    private static func keyProblems(_ schema: Schema, _ plan: FeaturePlan) -> [String] {
        plan.keyColumns.compactMap { key in
            guard let index = schema.index(of: key.name.text) else {
                return "key column \"\(key.name)\" (\(key.type.name)) is missing"
                    + hint(key.name.text, among: schema.fields.map(\.name))
            }
            let type = schema.fields[index].type
            guard SpineKey.accepts(type, as: key.type) else {
                return "key column \"\(key.name)\" is \(type): \(key.type.name) is expected"
            }
            return nil
        }
    }

    private static func requestProblems(_ schema: Schema, _ plan: FeaturePlan) -> [String] {
        plan.requestFields.compactMap { field in
            guard let index = schema.index(of: field.name.text) else {
                return "request field \"\(field.name)\" (\(field.type)) is missing"
                    + hint(field.name.text, among: schema.fields.map(\.name))
            }
            let type = schema.fields[index].type
            guard type.widens(to: field.type) else {
                return "request field \"\(field.name)\" is \(type): \(field.type) is expected"
            }
            return nil
        }
    }

    private static func clashes(_ schema: Schema, _ plan: FeaturePlan) -> [String] {
        let names = Set(schema.fields.map(\.name))
        return plan.views.flatMap { part in
            part.features.filter { names.contains($0.column.text) }.map {
                "column \"\($0.column)\" of the spine has the name of a feature of \(part.label)"
            }
        }
    }
}

/// A key column of a spine, made the type of the key.
enum SpineKey {
    static func accepts(_ type: ValueType, as key: KeyType) -> Bool {
        switch key {
        case .int64: [.int64, .int32, .float64].contains(type)
        case .string: type == .string
        case .bytes: type == .bytes
        }
    }

    /// NaN is null.
    ///
    /// Throws where a float64 is not integral; `firstRow` is for the message.
    static func column(
        _ column: Column,
        as key: FeatureService.KeyColumn,
        firstRow: Int
    ) throws(AlulaError) -> Column {
        switch column.type {
        case .float64: break
        case .int32: return column.widened(to: .int64) ?? column
        default: return column
        }
        var builder = ColumnBuilder(.int64, reservingRows: column.count)
        for row in 0..<column.count {
            let value = column.load(row, as: Double.self)
            guard column.isValid(row), !value.isNaN else {
                builder.appendNull()
                continue
            }
            guard let whole = Int64(exactly: value) else {
                throw .invalid(
                    "row \(firstRow + row): key \"\(key.name)\" is not a whole number of int64",
                    help: "an int64 key is taken as float64 only where it is integral"
                )
            }
            builder.append(fixed: whole)
        }
        return builder.finish()
    }
}
