package import Domain

/// Writes record batches as CSV or NDJSON that the reader of this module reads back.
package struct TextWriter {
    private let format: TabularFormat
    private let schema: Schema
    private let jsonNames: [[UInt8]]

    package init(_ format: TabularFormat, schema: Schema) {
        self.format = format
        self.schema = schema
        jsonNames = schema.fields.map { field in
            var name: [UInt8] = []
            JSONText.append(string: field.name.utf8, to: &name)
            return name
        }
    }

    /// Appends what stands before the first row.
    package func appendHeader(to text: inout [UInt8]) {
        guard format == .csv else { return }
        for (index, field) in schema.fields.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            Self.append(csv: Array(field.name.utf8)[...], to: &text)
        }
        text.append(0x0A)
    }

    /// Appends one line for each row of a batch of this schema.
    package func append(_ batch: RecordBatch, to text: inout [UInt8]) {
        for row in 0..<batch.rowCount {
            switch format {
            case .csv: appendCSV(batch, row, to: &text)
            case .ndjson: appendJSON(batch, row, to: &text)
            }
            text.append(0x0A)
        }
    }

    private func appendCSV(_ batch: RecordBatch, _ row: Int, to text: inout [UInt8]) {
        for (index, column) in batch.columns.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            guard column.isValid(row) else { continue }
            switch column.type {
            case .scalar(.string): Self.append(csv: column.slice(row), to: &text)
            case .scalar(.bytes):
                if column.slice(row).isEmpty { text.append(contentsOf: "\"\"".utf8) }
                Base64.append(column.slice(row), to: &text)
            case .scalar: text.append(contentsOf: ValueText.plain(column[row]).utf8)
            case .list, .fixedList:
                var json: [UInt8] = []
                JSONText.append(column[row], to: &json)
                Self.append(csv: json[...], to: &text)
            }
        }
    }

    private func appendJSON(_ batch: RecordBatch, _ row: Int, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "{"))
        for (index, column) in batch.columns.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text.append(contentsOf: jsonNames[index])
            text.append(UInt8(ascii: ":"))
            if column.type == .string, column.isValid(row) {
                JSONText.append(string: column.slice(row), to: &text)
            } else {
                JSONText.append(column[row], to: &text)
            }
        }
        text.append(UInt8(ascii: "}"))
    }

    /// A field, in quotes where it needs them; an empty text too, for without quotes it would be
    /// null.
    private static func append(csv field: ArraySlice<UInt8>, to text: inout [UInt8]) {
        let needsQuotes =
            field.isEmpty
            || field.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D || $0 == 0xEF }
        guard needsQuotes else { return text.append(contentsOf: field) }
        text.append(0x22)
        for byte in field {
            if byte == 0x22 { text.append(0x22) }
            text.append(byte)
        }
        text.append(0x22)
    }
}

/// Single values as text.
package enum ValueText {
    /// As a CSV field has it, without quotes; a list as JSON; null is empty.
    package static func plain(_ value: FeatureValue) -> String {
        switch value {
        case .null: return ""
        case .bool(let bit): return bit ? "true" : "false"
        case .int32(let number): return String(number)
        case .int64(let number): return String(number)
        case .float32(let number): return special(Double(number)) ?? number.description
        case .float64(let number): return special(number) ?? number.description
        case .string(let text): return text
        case .bytes(let bytes):
            var text: [UInt8] = []
            Base64.append(bytes, to: &text)
            return String(decoding: text, as: UTF8.self)
        case .timestamp(let moment): return time(moment)
        case .list:
            var text: [UInt8] = []
            JSONText.append(value, to: &text)
            return String(decoding: text, as: UTF8.self)
        }
    }

    /// From 0000-01-01 to the end of 9999.
    static let fourDigitYears: ClosedRange<Int64> =
        -62_167_219_200_000_000...253_402_300_799_999_999

    /// ISO 8601 where four digits of year are enough, else integer microseconds.
    package static func time(_ moment: Timestamp) -> String {
        fourDigitYears.contains(moment.microseconds)
            ? moment.description : String(moment.microseconds)
    }

    /// The words for what has no digits.
    static func special(_ number: Double) -> String? {
        guard !number.isFinite else { return nil }
        return number.isNaN ? "NaN" : number > 0 ? "Infinity" : "-Infinity"
    }
}

/// Single values as JSON.
package enum JSONText {
    package static func append(_ value: FeatureValue, to text: inout [UInt8]) {
        switch value {
        case .null: text.append(contentsOf: "null".utf8)
        case .bool, .int32, .int64: text.append(contentsOf: ValueText.plain(value).utf8)
        case .float32(let number):
            append(number.description, special: ValueText.special(Double(number)), to: &text)
        case .float64(let number):
            append(number.description, special: ValueText.special(number), to: &text)
        case .string(let string): append(string: string.utf8, to: &text)
        case .bytes(let bytes):
            text.append(0x22)
            Base64.append(bytes, to: &text)
            text.append(0x22)
        case .timestamp(let moment):
            let time = ValueText.time(moment)
            let isISO = time.hasSuffix("Z")
            text.append(contentsOf: (isISO ? "\"\(time)\"" : time).utf8)
        case .list(let items):
            text.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                append(item, to: &text)
            }
            text.append(UInt8(ascii: "]"))
        }
    }

    /// Appends a text in quotes, with what JSON wants escaped.
    package static func append(string: some Sequence<UInt8>, to text: inout [UInt8]) {
        text.append(0x22)
        for byte in string {
            switch byte {
            case 0x22: text.append(contentsOf: "\\\"".utf8)
            case 0x5C: text.append(contentsOf: "\\\\".utf8)
            case 0x0A: text.append(contentsOf: "\\n".utf8)
            case 0x0D: text.append(contentsOf: "\\r".utf8)
            case 0x09: text.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                text.append(contentsOf: ("\\u00" + (byte < 16 ? "0" : "") + digits).utf8)
            default: text.append(byte)
            }
        }
        text.append(0x22)
    }

    /// NaN and the infinities are strings: JSON has no numbers for them.
    private static func append(_ number: String, special: String?, to text: inout [UInt8]) {
        text.append(contentsOf: (special.map { "\"\($0)\"" } ?? number).utf8)
    }
}
