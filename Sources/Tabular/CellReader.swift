import Domain

/// Reads single values of one column, from CSV fields and from JSON, into its builder.
///
/// A call either appends one value or throws and leaves the builder as it was.
struct CellReader {
    let type: ValueType
    let nulls: TabularColumn.Nulls
    let rounding: Timestamp.Rounding
    let takesIntegralFloats: Bool
    let latest: (moment: Timestamp, reason: String)?
    let integerTimes: IntegerTimes

    init(_ column: TabularColumn) {
        type = column.field.type
        nulls = column.nulls
        rounding = column.rounding
        takesIntegralFloats = column.takesIntegralFloats
        latest = column.latest
        integerTimes = column.integerTimes
    }

    func appendNull(to builder: inout ColumnBuilder) throws(CellProblem) {
        if case .refused(let reason) = nulls {
            throw CellProblem("expected \(type), found nothing: \(reason)")
        }
        builder.appendNull()
    }

    /// Reads a CSV field: an empty one is null, unless it is quoted and the column holds text or
    /// bytes.
    func append(
        field: ArraySlice<UInt8>,
        isQuoted: Bool,
        to builder: inout ColumnBuilder
    ) throws(CellProblem) {
        guard case .scalar(let item) = type else {
            guard !field.isEmpty else { return try appendNull(to: &builder) }
            var scanner = JSONScanner(Array(field))
            guard try scanner.kind() == .array else {
                throw expected("a JSON array of \(type.item.name)")
            }
            try append(json: &scanner, to: &builder)
            guard scanner.atEnd() else { throw CellProblem("something stands behind the list") }
            return
        }
        if field.isEmpty, !(isQuoted && (item == .string || item == .bytes)) {
            return try appendNull(to: &builder)
        }
        switch item {
        case .string:
            try checkLength(field.count)
            guard isUTF8(field) else {
                throw CellProblem("expected UTF-8 text, found invalid bytes")
            }
            builder.append(variable: field)
        case .bytes:
            guard let bytes = Base64.decode(field) else { throw expected("bytes as base64") }
            try checkLength(bytes.count)
            builder.append(variable: bytes)
        case .bool:
            guard let bit = Self.bool(field) else { throw expected("bool (true, false, 1 or 0)") }
            try append(.bool(bit), to: &builder)
        case .int32, .int64, .float32, .float64:
            try append(number: field, item, to: &builder)
        case .timestamp: builder.append(fixed: try timestamp(field).microseconds)
        }
    }

    /// Reads the next value of a JSON text.
    func append(
        json scanner: inout JSONScanner,
        to builder: inout ColumnBuilder
    ) throws(CellProblem) {
        let kind = try scanner.kind()
        if kind == .null {
            try scanner.null()
            return try appendNull(to: &builder)
        }
        switch type {
        case .scalar(let item):
            switch (item, kind) {
            case (.int32, .number), (.int64, .number), (.float32, .number), (.float64, .number):
                try append(number: try scanner.number(), item, to: &builder)
            case (.string, .string):
                var text: [UInt8] = []
                try scanner.string(into: &text)
                try checkLength(text.count)
                builder.append(variable: text)
            default: try append(try self.item(item, kind, &scanner), to: &builder)
            }
        case .list(let item): try append(try list(item, kind, &scanner), to: &builder)
        case .fixedList(let item, let length):
            let value = try list(item, kind, &scanner)
            guard case .list(let items) = value, items.count == length else {
                throw CellProblem("expected a list of \(length) items, found \(Self.size(value))")
            }
            try append(value, to: &builder)
        }
    }
}

extension CellReader {
    private func append(
        number text: ArraySlice<UInt8>,
        _ item: ScalarType,
        to builder: inout ColumnBuilder
    ) throws(CellProblem) {
        switch try number(text, item) {
        case .int32(let value): builder.append(fixed: value)
        case .int64(let value): builder.append(fixed: value)
        case .float32(let value): builder.append(fixed: value)
        case .float64(let value): builder.append(fixed: value)
        case .null, .bool, .string, .bytes, .timestamp, .list: throw expected(item.name)
        }
    }

    private func append(
        _ value: FeatureValue,
        to builder: inout ColumnBuilder
    ) throws(CellProblem) {
        do { try builder.append(value) } catch { throw CellProblem(error.message) }
    }

    private func list(
        _ item: ScalarType,
        _ kind: JSONScanner.Kind,
        _ scanner: inout JSONScanner
    ) throws(CellProblem) -> FeatureValue {
        guard kind == .array else {
            throw expected("a list of \(item.name)", found: Self.name(kind))
        }
        try scanner.expect("[")
        var items: [FeatureValue] = []
        guard !scanner.skip("]") else { return .list([]) }
        repeat {
            guard items.count < Limits.listLength else {
                throw CellProblem("a list has more than \(Limits.listLength) items")
            }
            let kind = try scanner.kind()
            guard kind != .null else {
                throw CellProblem(
                    "expected \(item.name) in a list, found null: items are never null"
                )
            }
            items.append(try self.item(item, kind, &scanner))
        } while scanner.skip(",")
        try scanner.expect("]")
        return .list(items)
    }

    /// One JSON value of a scalar type.
    private func item(
        _ item: ScalarType,
        _ kind: JSONScanner.Kind,
        _ scanner: inout JSONScanner
    ) throws(CellProblem) -> FeatureValue {
        switch (item, kind) {
        case (.bool, .bool): return .bool(try scanner.bool())
        case (.int32, .number), (.int64, .number), (.float32, .number), (.float64, .number):
            return try number(try scanner.number(), item)
        case (.timestamp, .number): return .timestamp(try timestamp(try scanner.number()))
        case (.string, .string), (.bytes, .string), (.timestamp, .string), (.float32, .string),
            (.float64, .string):
            var text: [UInt8] = []
            try scanner.string(into: &text)
            return try value(item, ofText: text)
        default: throw expected(Self.name(item), found: Self.name(kind))
        }
    }

    /// What a JSON string holds; for floats only `NaN` and the infinities, which JSON has no
    /// numbers for.
    private func value(_ item: ScalarType, ofText text: [UInt8]) throws(CellProblem) -> FeatureValue
    {
        switch item {
        case .string:
            try checkLength(text.count)
            return .string(String(decoding: text, as: UTF8.self))
        case .bytes:
            guard let bytes = Base64.decode(text) else { throw expected("bytes as base64") }
            try checkLength(bytes.count)
            return .bytes(bytes)
        case .timestamp: return .timestamp(try timestamp(text[...]))
        case .float32, .float64:
            guard let value = NumberText.double(text[...]), !value.isFinite else {
                throw expected(item.name, found: "text")
            }
            return item == .float32 ? .float32(Float(value)) : .float64(value)
        case .bool, .int32, .int64: throw expected(item.name)
        }
    }

    private func number(
        _ text: ArraySlice<UInt8>,
        _ item: ScalarType
    ) throws(CellProblem) -> FeatureValue {
        switch item {
        case .int32:
            let value = try whole(text, item)
            guard let narrow = Int32(exactly: value) else {
                throw CellProblem("expected int32, found a number out of its range")
            }
            return .int32(narrow)
        case .int64: return .int64(try whole(text, item))
        case .float32:
            guard let value = try NumberText.float(text) else {
                throw expected("float32", found: "text")
            }
            return .float32(value)
        case .float64:
            guard let value = try NumberText.finiteDouble(text) else {
                throw expected("float64", found: "text")
            }
            return .float64(value)
        case .bool, .string, .bytes, .timestamp: throw expected(item.name)
        }
    }

    private func whole(_ text: ArraySlice<UInt8>, _ item: ScalarType) throws(CellProblem) -> Int64 {
        switch NumberText.whole(text) {
        case .number(let value): return value
        case .outOfRange:
            throw CellProblem("expected \(item.name), found a number out of its range")
        case .notWhole:
            guard takesIntegralFloats, let value = NumberText.integral(text) else {
                let isNumber = NumberText.double(text) != nil
                throw CellProblem(
                    "expected \(item.name), found \(isNumber ? "a number that is not an integer" : "text")"
                )
            }
            return value
        }
    }

    private func timestamp(_ text: ArraySlice<UInt8>) throws(CellProblem) -> Timestamp {
        let moment: Timestamp
        if case .number(let count) = NumberText.whole(text) {
            moment = try time(counted: count)
        } else if let parsed = Timestamp.parse(Array(text), rounding: rounding) {
            moment = parsed
        } else {
            let isNumber = NumberText.double(text) != nil
            throw expected(Self.name(.timestamp), found: isNumber ? "a number" : "something else")
        }
        if let latest, moment > latest.moment { throw CellProblem(latest.reason) }
        return moment
    }

    private func time(counted count: Int64) throws(CellProblem) -> Timestamp {
        let told: String
        switch integerTimes {
        case .counted(let unit):
            guard let moment = unit.time(count, rounding: rounding) else {
                throw CellProblem("the time is out of range")
            }
            return moment
        case .far(let hint):
            guard ValueText.fourDigitYears.contains(count) else {
                return Timestamp(microseconds: count)
            }
            told = hint
        case .refused(let hint): told = hint
        }
        let found = "a number" + (told.isEmpty ? "" : " (\(told))")
        throw expected(Self.name(.timestamp), found: found)
    }

    private func checkLength(_ count: Int) throws(CellProblem) {
        guard count <= Limits.valueBytes else {
            throw CellProblem("a value of \(count) bytes is over the limit of \(Limits.valueBytes)")
        }
    }

    private func expected(_ what: String, found: String = "something else") -> CellProblem {
        CellProblem("expected \(what), found \(found)")
    }

    private static func name(_ kind: JSONScanner.Kind) -> String {
        switch kind {
        case .object: "an object"
        case .array: "a list"
        case .string: "text"
        case .number: "a number"
        case .bool: "true or false"
        case .null: "null"
        }
    }

    private static func size(_ value: FeatureValue) -> String {
        guard case .list(let items) = value else { return "something else" }
        return items.count == 1 ? "one of 1" : "one of \(items.count)"
    }

    private static func name(_ item: ScalarType) -> String {
        switch item {
        case .timestamp: "a time such as 2020-08-25T20:34:41Z"
        case .bytes: "bytes as a base64 string"
        case .bool, .int32, .int64, .float32, .float64, .string: item.name
        }
    }

    private static func bool(_ text: ArraySlice<UInt8>) -> Bool? {
        if text.elementsEqual([0x31]) { return true }
        if text.elementsEqual([0x30]) { return false }
        guard text.count <= 5 else { return nil }
        switch String(decoding: text, as: UTF8.self).lowercased() {
        case "true": return true
        case "false": return false
        default: return nil
        }
    }
}
