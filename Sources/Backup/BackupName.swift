package import Domain

/// The name of a backup: one component of a path, and never a way out of its directory.
package struct BackupName: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let text: String

    package static let length = 64
    /// What else lies in a directory of backups.
    static let taken: Set<String> = ["objects", "tmp", "lock", "deletions"]

    package init(_ text: String) throws(AlulaError) {
        let isPlain = text.utf8.allSatisfy { byte in
            Self.isLetterOrDigit(byte) || "-_.".utf8.contains(byte)
        }
        guard let first = text.utf8.first, Self.isLetterOrDigit(first), isPlain,
            text.utf8.count <= Self.length, !Self.taken.contains(text)
        else {
            throw .invalid(
                "\"\(text.prefix(Self.length))\" cannot be the name of a backup: expected letters, digits, "
                    + "- _ and ., a letter or a digit first, at most \(Self.length) characters",
                help: "names taken otherwise: " + Self.taken.sorted().joined(separator: ", ")
            )
        }
        self.text = text
    }

    /// Named for a moment, such as `20261121-201455`.
    package init(of time: Timestamp) {
        let digits = time.description.filter(\.isNumber).prefix(14)
        text = "\(digits.prefix(8))-\(digits.dropFirst(8))"
    }

    package var description: String { text }

    package static func < (left: Self, right: Self) -> Bool { left.text < right.text }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
