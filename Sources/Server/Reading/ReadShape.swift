import Codec
import Domain

/// Where the key columns of a plan and its request fields stand in the batch that comes with a read.
struct ReadShape {
    let keys: [Int]
    let requestFields: [Int]

    /// Refuses a column that is missing, unknown or of another type, naming it; what one of the
    /// others takes is not unknown.
    init(
        _ schema: Schema,
        plan: FeaturePlan,
        others: [FeaturePlan] = []
    ) throws(AlulaError) {
        let wanted = plan.keyColumns
        let fields = plan.requestFields
        var known = Set(wanted.map(\.name.text) + fields.map(\.name.text))
        for other in others {
            known.formUnion(other.keyColumns.map(\.name.text))
            known.formUnion(other.requestFields.map(\.name.text))
        }
        if let stranger = schema.fields.first(where: { !known.contains($0.name) }) {
            throw .invalid(
                "column \"\(stranger.name)\" is neither a key nor a request field of \(plan.service)"
                    + hint(stranger.name, among: known.sorted()),
                help: Self.help(plan)
            )
        }
        var keys: [Int] = []
        for key in wanted {
            guard let place = schema.fields.firstIndex(where: { $0.name == key.name.text }) else {
                throw .invalid("key column \"\(key.name)\" is missing", help: Self.help(plan))
            }
            let (given, wanted) = (schema.fields[place].type, key.type.valueType)
            guard given == wanted || given.widens(to: wanted) else {
                throw .invalid(
                    "key column \"\(key.name)\" is \(given): expected \(key.type.name)",
                    help: Self.help(plan)
                )
            }
            keys.append(place)
        }
        var requestFields: [Int] = []
        for field in fields {
            guard let place = schema.fields.firstIndex(where: { $0.name == field.name.text }) else {
                throw .invalid(
                    "request field \"\(field.name)\" (\(field.type)) is missing",
                    help: Self.help(plan)
                )
            }
            let given = schema.fields[place].type
            guard given == field.type || given.widens(to: field.type) else {
                throw .invalid(
                    "request field \"\(field.name)\" is \(given): expected \(field.type)",
                    help: Self.help(plan)
                )
            }
            requestFields.append(place)
        }
        self.keys = keys
        self.requestFields = requestFields
    }

    private static func help(_ plan: FeaturePlan) -> String {
        let keys = plan.keyColumns.map { "\($0.name) (\($0.type.name))" }
        let fields = plan.requestFields.map { "\($0.name) (\($0.type))" }
        return "\(plan.service) takes keys \(keys.joined(separator: ", "))"
            + (fields.isEmpty ? "" : " and request fields \(fields.joined(separator: ", "))")
    }
}

/// Key columns out of a batch that came from a client.
enum KeyColumns {
    /// The columns of an entity's join keys, in their order.
    static func of(_ entity: Entity, in batch: RecordBatch) throws(AlulaError) -> [Column] {
        var columns: [Column] = []
        for key in entity.keys {
            guard let column = batch[key.name.text] else {
                throw .invalid("key column \"\(key.name)\" is missing")
            }
            columns.append(try cast(column, to: key.type, named: key.name.text))
        }
        return columns
    }

    /// The key of an entity in a batch of exactly one row; `what` is asked about it.
    static func one(
        _ entity: Entity,
        in batch: RecordBatch,
        for what: String
    ) throws(AlulaError) -> EntityKey {
        let keys = try of(entity, in: batch)
        guard batch.rowCount == 1 else {
            throw .invalid("\(what) is of one entity: \(batch.rowCount) rows of keys came")
        }
        return try KeyCodec.decode(KeyCodec.encode(keys, row: 0), parts: keys.count)
    }

    /// An int32 is taken for an int64; a null or another type is refused.
    static func cast(
        _ column: Column,
        to type: KeyType,
        named name: String
    ) throws(AlulaError) -> Column {
        if !column.validity.isEmpty,
            let row = (0..<column.count).first(where: { !column.isValid($0) })
        {
            throw .invalid("key column \"\(name)\", row \(row): a key is wanted, found null")
        }
        guard let widened = column.widened(to: type.valueType) else {
            throw .invalid("key column \"\(name)\" is \(column.type): expected \(type.name)")
        }
        return widened
    }
}
