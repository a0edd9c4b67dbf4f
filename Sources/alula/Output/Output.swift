import Domain
import Glibc
import Tabular

/// Where words for people and for machines go: answers to standard output, the rest to standard
/// error.
enum Output {
    static func line(_ text: String) { print(text) }

    /// A line of results that another program waits for: out at once, also into a pipe.
    static func announcement(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    /// A text that has its line ends.
    static func page(_ text: String) { print(text, terminator: "") }

    static func table(_ table: TextTable) { print(table.text, terminator: "") }

    static func json(_ value: JSONValue) {
        print(value.text)
    }

    /// One line on standard error.
    static func diagnostic(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// A sentence, every detail on its line, what to do about it last.
    static func error(_ error: AlulaError) {
        var text = "alula: \(error.message)\n"
        for detail in error.details { text += "  - \(detail)\n" }
        if !error.help.isEmpty { text += "\(error.help)\n" }
        write(text, to: STDERR_FILENO)
    }

    /// Text on standard error without a line's end.
    static func progress(_ text: String) { write(text, to: STDERR_FILENO) }

    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            guard sent > 0 || errno == EINTR else { return }  // nobody listens
            rest = rest.dropFirst(max(0, sent))
        }
    }
}

extension Timestamp {
    /// Empty where a message has no time.
    static func text(_ microseconds: Int64) -> String {
        microseconds == 0 ? "" : Timestamp(microseconds: microseconds).description
    }
}

/// `12.3 MiB`.
func byteText(_ bytes: UInt64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var unit = 0
    var tenths = bytes * 10
    while tenths >= 10_240, unit < units.count - 1 {
        tenths /= 1_024
        unit += 1
    }
    return unit == 0 ? "\(bytes) B" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
}

/// `1 row`, `2 rows`.
func counted(_ count: some BinaryInteger, _ noun: String) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
}
