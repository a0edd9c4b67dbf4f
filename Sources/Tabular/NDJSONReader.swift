import Domain

/// Rows of NDJSON, one object a line; fields that are left out are null.
struct NDJSONReader: RecordReading {
    static let lineBytes = Limits.frameBytes

    private let name: String
    private let titles: [String]
    private let places: [[UInt8]: Int]
    private let names: [[UInt8]]
    private let ignored: Set<[UInt8]>
    private var reader: ByteReader
    private var line: [UInt8] = []
    private var number = 0
    private var key: [UInt8] = []

    init(
        _ source: ByteSource,
        columns: [TabularColumn],
        ignored: Set<String> = []
    ) throws(AlulaError) {
        name = source.name
        self.ignored = Set(ignored.map { Array($0.utf8) })
        titles = columns.map(\.title)
        names = titles.map { Array($0.utf8) }
        var places: [[UInt8]: Int] = [:]
        for (index, column) in columns.enumerated() {
            for name in column.names { places[Array(name.utf8)] = index }
        }
        self.places = places
        reader = try ByteReader(source)
    }

    var bytesRead: UInt64 { reader.bytesRead }

    mutating func advance() throws(AlulaError) -> Int? {
        while true {
            line.removeAll(keepingCapacity: true)
            number += 1
            switch try reader.line(into: &line, limit: Self.lineBytes) {
            case .end: return nil
            case .tooLong:
                throw .invalid("\(name) line \(number): longer than \(Self.lineBytes) bytes")
            case .line: if line.contains(where: { $0 > 0x20 }) { return line.count }
            }
        }
    }

    mutating func read(into rows: inout RowBuilder) -> String? {
        let size = rows.bytes
        var scanner = JSONScanner(line)
        if let problem = readObject(&scanner, into: &rows) {
            rows.dropRow(line: number)
            return "\(name) line \(number)\(problem)"
        }
        return rows.endRow(sizeBefore: size, line: number).map { "\(name) line \(number): \($0)" }
    }

    /// Reads all members; gives place and reason of the first problem.
    private mutating func readObject(
        _ scanner: inout JSONScanner,
        into rows: inout RowBuilder
    ) -> String? {
        do {
            try scanner.expect("{")
            var guess = 0
            var isFirst = true
            while !scanner.skip("}") {
                if !isFirst { try scanner.expect(",") }
                isFirst = false
                key.removeAll(keepingCapacity: true)
                try scanner.string(into: &key)
                try scanner.expect(":")
                guard let column = place(guess) else {
                    if ignored.contains(key) {
                        try scanner.skipScalar()
                        continue
                    }
                    let title = String(decoding: key.prefix(64), as: UTF8.self)
                    return ": unknown column \"\(title)\"" + hint(title, among: titles)
                }
                guard !rows.isFilled(column) else {
                    return ", column \"\(titles[column])\": there twice"
                }
                do { try rows.append(json: &scanner, column: column) } catch {
                    return ", column \"\(titles[column])\": \(error.message)"
                }
                guess = column + 1
            }
            guard scanner.atEnd() else { return ": something stands behind the object" }
        } catch {
            return ", character \(scanner.position + 1): \(error.message)"
        }
        return rows.fillNulls().map { ", column \"\(titles[$0.column])\": \($0.problem.message)" }
    }

    /// The column of `key`, most often the one behind the last.
    private func place(_ guess: Int) -> Int? {
        guess < names.count && names[guess] == key ? guess : places[key]
    }
}
