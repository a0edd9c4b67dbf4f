package import Domain

/// How rows are written as text.
package enum TabularFormat: String, Sendable, CaseIterable {
    /// RFC 4180: a header line, commas, quotes doubled within quotes.
    case csv
    /// One JSON object a line.
    case ndjson

    /// The format that a file's name tells: `.csv`; `.ndjson`, `.jsonl` and `.json`.
    package init(fileName: String) throws(AlulaError) {
        let ending = fileName.split(separator: "/").last?.split(separator: ".").last?.lowercased()
        switch ending {
        case "csv": self = .csv
        case "ndjson", "jsonl", "json": self = .ndjson
        case .some, .none:
            throw .invalid(
                "\(fileName): its ending does not tell the format",
                help: "name the format: --format csv or --format ndjson (Parquet: from Python)"
            )
        }
    }
}

/// What happens where a row cannot be read.
package enum BadRowPolicy: String, Sendable, CaseIterable {
    /// The first bad row is an error.
    case stop
    /// Bad rows are left out and reported.
    case skip
}

/// One column that is read, and what is taken for it.
package struct TabularColumn: Sendable {
    package enum Presence: Sendable {
        case required
        /// Null in every row where the source does not have it.
        case optional
    }

    package enum Nulls: Sendable, Equatable {
        case taken
        /// With the reason, such as `a key is never null`.
        case refused(String)
    }

    /// Its names in the source; the first is the one that messages use.
    package var names: [String]
    /// Its name and type in the batches.
    package var field: Schema.Field
    package var presence: Presence
    package var nulls: Nulls
    /// Which way times finer than a microsecond go.
    package var rounding: Timestamp.Rounding
    /// Whether `94109.0` is taken for an integer, as in spines that were written from floats.
    package var takesIntegralFloats: Bool
    /// What a bare integer is where a time is expected.
    package var integerTimes = IntegerTimes.far(hint: "")
    /// Times behind this one are bad, with the reason; nil takes all.
    package var latest: (moment: Timestamp, reason: String)?

    package init(
        names: [String],
        field: Schema.Field,
        presence: Presence = .required,
        nulls: Nulls = .taken,
        rounding: Timestamp.Rounding = .up,
        takesIntegralFloats: Bool = false
    ) {
        self.names = names
        self.field = field
        self.presence = presence
        self.nulls = nulls
        self.rounding = rounding
        self.takesIntegralFloats = takesIntegralFloats
    }

    /// A column with the same name in the source and in the batches.
    package init(_ name: String, _ type: ValueType, nulls: Nulls = .taken) {
        self.init(names: [name], field: Schema.Field(name: name, type: type), nulls: nulls)
    }

    var title: String { names.first ?? field.name }
}

/// The rows that were left out.
package struct BadRows: Sendable, Equatable {
    package private(set) var count = 0
    /// The first hundred, each with its line and the reason.
    package private(set) var messages: [String] = []

    package init() {}

    mutating func add(_ message: String) {
        count += 1
        if messages.count < 100 { messages.append(message) }
    }
}

/// Why one value cannot be read; the reader adds where.
struct CellProblem: Error {
    var message: String

    init(_ message: String) { self.message = message }
}
