package import Domain

/// By what an answer is sorted; what is equal in it, and what lacks it, is newest first.
package struct SearchOrder: Sendable, Hashable, CustomStringConvertible {
    package var field: SearchField
    package var isDescending: Bool

    package init(_ field: SearchField, isDescending: Bool = false) {
        self.field = field
        self.isDescending = isDescending
    }

    /// Reads `FIELD`, `FIELD asc` or `FIELD desc`.
    package init(parsing text: String) throws(AlulaError) {
        var parser = try SearchParser(text)
        field = try parser.field()
        if try parser.takeWord("desc") {
            isDescending = true
        } else {
            isDescending = false
            _ = try parser.takeWord("asc")
        }
        guard parser.token.kind == .end else {
            throw parser.mistake("expected asc, desc or the end behind \(field)")
        }
    }

    package var description: String { "\(field) \(isDescending ? "desc" : "asc")" }
}
