import Client
import Domain
import Tabular
import Wire

/// `NAME=VALUE` words: `zipcode=94109`, `zipcode=94109,94110`.
struct KeyValues {
    private var cells: [(name: String, cells: [String])] = []

    init(_ words: [String]) throws(AlulaError) {
        for word in words {
            let (name, value) = try Self.pair(word)
            guard !cells.contains(where: { $0.name == name }) else {
                throw .invalid("\(name) is there twice", help: "several entities: \(name)=A,B,C")
            }
            cells.append((name, CellText.split(value)))
        }
    }

    static func pair(_ word: String) throws(AlulaError) -> (name: String, value: String) {
        guard let equals = word.firstIndex(of: "="), equals > word.startIndex else {
            throw .invalid("\"\(word)\" is not NAME=VALUE")
        }
        return (String(word[..<equals]), String(word[word.index(after: equals)...]))
    }

    static func wire(_ words: [String]) throws(AlulaError) -> [WireKeyValue] {
        try words.map { (word) throws(AlulaError) in
            var wire = WireKeyValue()
            (wire.key, wire.value) = try pair(word)
            return wire
        }
    }

    /// A batch of exactly these columns; a single value stands for all rows.
    ///
    /// Keys are never null.
    func batch(keys: [WireField], others: [WireField] = []) throws(AlulaError) -> RecordBatch {
        let fields = keys + others
        for (name, _) in cells where !fields.contains(where: { $0.name == name }) {
            throw .invalid(
                "there is no key or request field \"\(name)\""
                    + hint(name, among: fields.map(\.name)),
                help: "expected " + fields.map(\.name).joined(separator: ", ")
            )
        }
        let rows = cells.map(\.cells.count).max() ?? 1
        var columns: [Column] = []
        var schema: [Schema.Field] = []
        for (index, field) in fields.enumerated() {
            let field = Schema.Field(name: field.name, type: try ValueType(wire: field.type))
            let isKey = index < keys.count
            guard let given = cells.first(where: { $0.name == field.name }) else {
                throw .invalid(
                    "\(field.name) is missing: expected \(field.name)=VALUE (\(field.type))",
                    help: isKey ? "" : "it is a request field; \(field.name)= leaves it null"
                )
            }
            guard given.cells.count == rows || given.cells.count == 1 else {
                throw .invalid(
                    "\(field.name) has \(given.cells.count) values where others have \(rows)",
                    help: "give one for all, or \(rows)"
                )
            }
            let all =
                given.cells.count == rows
                ? given.cells : Array(repeating: given.cells[0], count: rows)
            columns.append(
                try CellText.column(
                    all,
                    TabularColumn(
                        names: [field.name],
                        field: field,
                        nulls: isKey ? .refused("a key is never null") : .taken
                    )
                )
            )
            schema.append(field)
        }
        return RecordBatch(schema: Schema(fields: schema), columns: columns, rowCount: rows)
    }
}
