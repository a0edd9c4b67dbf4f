import Domain

/// One record of a CSV file, with quotes taken away.
struct CSVRecord {
    /// All fields on end.
    private(set) var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var quotes: [Bool] = []
    /// The line it begins on, from 1.
    fileprivate(set) var line = 1

    var fieldCount: Int { ends.count }

    func field(_ index: Int) -> ArraySlice<UInt8> {
        bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    func isQuoted(_ index: Int) -> Bool { quotes[index] }

    fileprivate mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        quotes.removeAll(keepingCapacity: true)
    }

    fileprivate mutating func append(_ byte: UInt8) { bytes.append(byte) }

    fileprivate mutating func endField(quoted: Bool) {
        ends.append(bytes.count)
        quotes.append(quoted)
    }
}

/// Cuts the bytes of a CSV file into records, after RFC 4180:
/// https://www.rfc-editor.org/rfc/rfc4180.
struct CSVScanner {
    enum Outcome {
        case record
        /// The record is broken; the scanner stands behind its line.
        case malformed(String)
        case end
    }

    private enum State { case fieldStart, plain, quoted, quoteInQuoted }

    static let recordBytes = Limits.frameBytes

    private(set) var reader: ByteReader
    private var line = 1

    init(_ source: ByteSource) throws(AlulaError) { reader = try ByteReader(source) }

    /// Reads the next record that is not a blank line.
    mutating func next(_ record: inout CSVRecord) throws(AlulaError) -> Outcome {
        record.clear()
        record.line = line
        var state = State.fieldStart
        while let byte = try reader.next() {
            switch (state, byte) {
            case (.quoted, UInt8(ascii: "\"")): state = .quoteInQuoted
            case (.quoted, _):
                if byte == 0x0A { line += 1 }
                try append(byte, to: &record)
            case (.quoteInQuoted, UInt8(ascii: "\"")):
                try append(byte, to: &record)
                state = .quoted
            case (_, UInt8(ascii: ",")):
                record.endField(quoted: state == .quoteInQuoted)
                state = .fieldStart
            case (_, 0x0A), (_, 0x0D):
                if byte == 0x0D, let next = try reader.peek() {
                    guard next == 0x0A else {
                        return try malformed("a carriage return within a line")
                    }
                    _ = try reader.next()
                }
                line += 1
                guard state == .fieldStart, record.fieldCount == 0 else {
                    record.endField(quoted: state == .quoteInQuoted)
                    return .record
                }
                record.line = line
            case (.fieldStart, UInt8(ascii: "\"")): state = .quoted
            case (.plain, UInt8(ascii: "\"")):
                return try malformed("a quote within a field that does not begin with one")
            case (.quoteInQuoted, _):
                return try malformed(
                    "something behind a closing quote: expected a comma or the line's end"
                )
            case (.fieldStart, _), (.plain, _):
                try append(byte, to: &record)
                state = .plain
            }
        }
        guard state != .quoted else {
            throw .invalid(
                "\(reader.source.name) line \(record.line): a quote is opened and never closed"
            )
        }
        guard state != .fieldStart || record.fieldCount > 0 else { return .end }
        record.endField(quoted: state == .quoteInQuoted)
        return .record
    }

    @inline(__always)
    private func append(_ byte: UInt8, to record: inout CSVRecord) throws(AlulaError) {
        guard record.bytes.count < Self.recordBytes else {
            throw .invalid(
                "\(reader.source.name) line \(record.line): longer than \(Self.recordBytes) bytes",
                help: "look for a quote that is not closed"
            )
        }
        record.append(byte)
    }

    private mutating func malformed(_ problem: String) throws(AlulaError) -> Outcome {
        while let byte = try reader.next(), byte != 0x0A {}
        line += 1
        return .malformed(problem)
    }
}
