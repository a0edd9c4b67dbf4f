import Domain

/// Rows of a CSV file by the columns its header names.
struct CSVReader: RecordReading {
    /// The columns that the header has, by their place in what was asked for, ascending.
    let present: [Int]
    private let titles: [String]
    /// For each field of a record, its place among the present columns; nil where it is ignored.
    private let places: [Int?]
    private var scanner: CSVScanner
    private var record = CSVRecord()
    private var malformed: String?
    private let name: String

    init(
        _ source: ByteSource,
        columns: [TabularColumn],
        ignored: Set<String> = []
    ) throws(AlulaError) {
        name = source.name
        scanner = try CSVScanner(source)
        let header = try CSVReader.header(&scanner, name: name)
        let matches = try HeaderMatch(
            header: header,
            columns: columns,
            ignored: ignored,
            name: name
        )
        let present = matches.columns.compactMap(\.self).sorted()
        titles = present.map { columns[$0].title }
        places = matches.columns.map { column in
            column.flatMap { present.firstIndex(of: $0) }
        }
        self.present = present
    }

    var bytesRead: UInt64 { scanner.reader.bytesRead }

    mutating func advance() throws(AlulaError) -> Int? {
        malformed = nil
        switch try scanner.next(&record) {
        case .record: return record.bytes.count
        case .malformed(let problem):
            malformed = problem
            return 0
        case .end: return nil
        }
    }

    mutating func read(into rows: inout RowBuilder) -> String? {
        if let malformed {
            rows.dropRow(line: record.line)
            return "\(name) line \(record.line): \(malformed)"
        }
        guard record.fieldCount == places.count else {
            rows.dropRow(line: record.line)
            return "\(name) line \(record.line): expected \(places.count) fields as in the header, "
                + "found \(record.fieldCount)"
        }
        let size = rows.bytes
        for (field, place) in places.enumerated() {
            guard let place else { continue }
            do {
                try rows.append(
                    field: record.field(field),
                    isQuoted: record.isQuoted(field),
                    column: place
                )
            } catch {
                rows.dropRow(line: record.line)
                return
                    "\(name) line \(record.line), column \"\(titles[place])\": \(error.message)"
            }
        }
        let line = record.line
        return rows.endRow(sizeBefore: size, line: line).map { "\(name) line \(line): \($0)" }
    }

    /// The names in the first line.
    static func header(_ scanner: inout CSVScanner, name: String) throws(AlulaError) -> [String] {
        var record = CSVRecord()
        switch try scanner.next(&record) {
        case .end: throw .invalid("\(name) is empty: expected a line with the names of the columns")
        case .malformed(let problem): throw .invalid("\(name) line \(record.line): \(problem)")
        case .record: break
        }
        var names: [String] = []
        for index in 0..<record.fieldCount {
            guard let name = String(validating: record.field(index), as: UTF8.self) else {
                throw .invalid(
                    "\(name) line \(record.line): the name of column \(index + 1) is not UTF-8"
                )
            }
            names.append(name)
        }
        return names
    }
}

/// Which column each field of a header is.
struct HeaderMatch {
    /// For each field, its place in what was asked for; nil where it is ignored.
    let columns: [Int?]

    /// Throws with every name that is unknown, missing or there twice.
    init(
        header: [String],
        columns asked: [TabularColumn],
        ignored: Set<String>,
        name: String
    ) throws(AlulaError) {
        var places: [String: Int] = [:]
        for (index, column) in asked.enumerated() {
            for name in column.names { places[name] = index }
        }
        var found: [Int?] = []
        var problems: [String] = []
        for title in header {
            guard let place = places[title] else {
                guard !ignored.contains(title) else {
                    found.append(nil)
                    continue
                }
                problems.append(
                    "unknown column \"\(title.prefix(64))\""
                        + hint(title, among: asked.map(\.title))
                )
                continue
            }
            if found.contains(place) { problems.append("column \"\(title)\" is there twice") }
            found.append(place)
        }
        for (index, column) in asked.enumerated() {
            guard case .required = column.presence, !found.contains(index) else { continue }
            problems.append("missing column \"\(column.title)\" (\(column.field.type))")
        }
        guard problems.isEmpty else {
            if let separator = Self.separator(of: header, among: places) {
                throw .invalid(
                    "\(name): its columns are separated by \(separator)",
                    help: "expected commas: write it again with commas between the columns"
                )
            }
            throw .invalid(
                "\(name): the header does not match",
                help: "expected the columns " + asked.map(\.title).joined(separator: ", "),
                details: problems
            )
        }
        columns = found
    }

    /// What stands between the names instead of commas; nil where it is nothing usual.
    private static func separator(of header: [String], among places: [String: Int]) -> String? {
        guard header.count == 1, let line = header.first else { return nil }
        let usual: [(Character, String)] = [
            (";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars"),
        ]
        return usual.first { separator, _ in
            let names = line.split(separator: separator).map(String.init)
            return names.count > 1 && names.contains { places[$0] != nil }
        }?.1
    }
}
