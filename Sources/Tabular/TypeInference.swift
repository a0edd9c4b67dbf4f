package import Domain

/// Finds the types of columns that nobody has given one, over a whole source.
///
/// A CSV column is int64, float64, bool (`true`, `false`), timestamp or, where it is none of these
/// in every row, string; integers with leading zeros and integers that neither type holds exactly
/// are text, so that nothing is lost. NDJSON tells most types itself; strings are timestamps where
/// all of them are, and `"NaN"` and the infinities are numbers where all others are.
package enum TypeInference {
    /// The columns of the source in their order, typed; `known` types are taken as they are.
    package static func schema(
        of source: ByteSource,
        format: TabularFormat,
        known: [String: ValueType]
    ) throws(AlulaError) -> Schema {
        switch format {
        case .csv: try csv(source, known: known)
        case .ndjson: try ndjson(source, known: known)
        }
    }

    private static func csv(
        _ source: ByteSource,
        known: [String: ValueType]
    ) throws(AlulaError) -> Schema {
        var scanner = try CSVScanner(source)
        let names = try CSVReader.header(&scanner, name: source.name)
        var record = CSVRecord()
        var candidates = [Candidate](repeating: Candidate(), count: names.count)
        let open = names.indices.filter { known[names[$0]] == nil }
        guard !open.isEmpty else { return schema(names, known) { _ in .string } }
        scan: while true {
            switch try scanner.next(&record) {
            case .end: break scan
            case .malformed: continue  // the reader says so
            case .record: break
            }
            for column in open where column < record.fieldCount {
                candidates[column].meet(record.field(column))
            }
        }
        return schema(names, known) { candidates[$0].type }
    }

    private static func ndjson(
        _ source: ByteSource,
        known: [String: ValueType]
    ) throws(AlulaError) -> Schema {
        var reader = try ByteReader(source)
        var columns = JSONColumns(known: known)
        var line: [UInt8] = []
        var number = 0
        while true {
            line.removeAll(keepingCapacity: true)
            number += 1
            let end = try reader.line(into: &line, limit: NDJSONReader.lineBytes)
            guard end == .line else { break }
            guard line.contains(where: { $0 > 0x20 }) else { continue }
            do { try columns.meet(line) } catch {
                throw .invalid("\(source.name) line \(number): \(error.message)")
            }
        }
        return schema(columns.names, known) { columns.type($0) }
    }

    private static func schema(
        _ names: [String],
        _ known: [String: ValueType],
        _ inferred: (Int) -> ValueType
    ) -> Schema {
        Schema(
            fields: names.enumerated().map { index, name in
                Schema.Field(name: name, type: known[name] ?? inferred(index))
            }
        )
    }
}

/// What a column of text may still be, after the values met so far.
private struct Candidate {
    private var isEmpty = true
    private var isInteger = true
    private var isFloat = true
    private var isBool = true
    private var isTime = true

    var type: ValueType {
        if isEmpty { return .string }
        if isInteger { return .int64 }
        if isFloat { return .float64 }
        if isBool { return .bool }
        return isTime ? .timestamp : .string
    }

    mutating func meet(_ field: ArraySlice<UInt8>) {
        guard !field.isEmpty, isInteger || isFloat || isBool || isTime else { return }
        isEmpty = false
        let hasLeadingZero = Self.hasLeadingZero(field)
        if isInteger {
            if case .number = NumberText.whole(field), !hasLeadingZero {} else { isInteger = false }
        }
        if isFloat, hasLeadingZero || !Self.isExactFloat(field) { isFloat = false }
        if isBool {
            let text = String(decoding: field.prefix(6), as: UTF8.self).lowercased()
            isBool = text == "true" || text == "false"
        }
        if isTime {
            isTime = field.count > 4 && Timestamp.parse(Array(field), rounding: .down) != nil
        }
    }

    /// Whether float64 holds the number, and an integer in every digit.
    private static func isExactFloat(_ field: ArraySlice<UInt8>) -> Bool {
        guard let value = NumberText.double(field) else { return false }
        switch NumberText.whole(field) {
        case .number(let whole): return Int64(exactly: value) == whole
        case .outOfRange: return false
        case .notWhole: return value.isFinite || !NumberText.saysDigits(field)
        }
    }

    private static func hasLeadingZero(_ field: ArraySlice<UInt8>) -> Bool {
        let digits = field.first == 0x2D || field.first == 0x2B ? field.dropFirst() : field
        guard digits.count > 1, digits.first == 0x30, let second = digits.dropFirst().first else {
            return false
        }
        return second >= 0x30 && second <= 0x39
    }
}

/// The members that objects have had so far, and what they held.
private struct JSONColumns {
    let known: [String: ValueType]
    private(set) var names: [String] = []
    private var places: [[UInt8]: Int] = [:]
    private var shapes: [Shape?] = []

    private enum Shape: Equatable {
        case int64, float64, notFinite, bool, time, string
        indirect case list(Shape?)

        var type: ValueType {
            switch self {
            case .int64: .int64
            case .float64, .notFinite: .float64
            case .bool: .bool
            case .time: .timestamp
            case .string: .string
            case .list(let item): .list((item?.type ?? .string).item)
            }
        }

        /// The shape that holds both; nil where there is none.
        static func join(_ old: Shape?, _ new: Shape?) -> Shape?? {
            guard let old, let new else { return .some(old ?? new) }
            switch (old, new) {
            case (.int64, .float64), (.float64, .int64), (.int64, .notFinite), (.notFinite, .int64),
                (.float64, .notFinite), (.notFinite, .float64):
                return .float64
            case (.time, .string), (.string, .time), (.notFinite, .string), (.string, .notFinite),
                (.notFinite, .time), (.time, .notFinite):
                return .string
            case (.list(let left), .list(let right)): return join(left, right).map { .list($0) }
            default: return old == new ? .some(old) : nil
            }
        }
    }

    /// How numbers are written that JSON has none for.
    private static let notFiniteTexts = ["NaN", "Infinity", "-Infinity"].map { Array($0.utf8) }

    init(known: [String: ValueType]) { self.known = known }

    func type(_ index: Int) -> ValueType { shapes[index]?.type ?? .string }

    mutating func meet(_ line: [UInt8]) throws(CellProblem) {
        var scanner = JSONScanner(line)
        var key: [UInt8] = []
        try scanner.expect("{")
        guard !scanner.skip("}") else { return }
        repeat {
            key.removeAll(keepingCapacity: true)
            try scanner.string(into: &key)
            try scanner.expect(":")
            let place = place(of: key)
            let shape = try Self.shape(&scanner)
            guard known[names[place]] == nil else { continue }
            guard let joined = Shape.join(shapes[place], shape) else {
                throw CellProblem("column \"\(names[place])\" holds values of different types")
            }
            shapes[place] = joined
        } while scanner.skip(",")
        try scanner.expect("}")
    }

    private mutating func place(of key: [UInt8]) -> Int {
        if let place = places[key] { return place }
        places[key] = names.count
        names.append(String(decoding: key, as: UTF8.self))
        shapes.append(nil)
        return names.count - 1
    }

    /// Takes a value and tells its shape; nil for null.
    private static func shape(_ scanner: inout JSONScanner) throws(CellProblem) -> Shape? {
        switch try scanner.kind() {
        case .null:
            try scanner.null()
            return nil
        case .bool:
            _ = try scanner.bool()
            return .bool
        case .number:
            switch NumberText.whole(try scanner.number()) {
            case .number: return .int64
            case .notWhole: return .float64
            case .outOfRange:
                throw CellProblem("an integer is out of the range of int64: write it as a string")
            }
        case .string:
            var text: [UInt8] = []
            try scanner.string(into: &text)
            if notFiniteTexts.contains(text) { return .notFinite }
            let isTime = text.count > 4 && Timestamp.parse(text, rounding: .down) != nil
            return isTime ? .time : .string
        case .array:
            try scanner.expect("[")
            var item: Shape?
            guard !scanner.skip("]") else { return .list(nil) }
            repeat {
                guard try scanner.kind() != .array else {
                    throw CellProblem("a list within a list")
                }
                guard let joined = Shape.join(item, try shape(&scanner)) else {
                    throw CellProblem("a list holds values of different types")
                }
                item = joined
            } while scanner.skip(",")
            try scanner.expect("]")
            return .list(item)
        case .object: throw CellProblem("an object within an object is not taken: expected a value")
        }
    }
}
