import Domain

/// Reads what a view keeps of its history.
///
/// ```
/// {age: 365d, rows_per_key: 100}      either alone, or `none`
/// ```
enum RetentionReader {
    static let mostRowsPerKey = Int(UInt32.max)

    static func retention(_ node: DefinitionNode) -> Setting<RetentionRule> {
        if node.scalar == "none" { return .none }
        guard let fields = node.fields("retention", known: ["age", "rows_per_key"]) else {
            return .unsaid
        }
        guard !fields.isEmpty else {
            node.note(
                "retention: expected {age: 365d}, {rows_per_key: 100} or both; none keeps everything"
            )
            return .unsaid
        }
        let age = fields["age"].map(age)
        let rows = fields["rows_per_key"].map(rowsPerKey)
        // A part that was given and could not be read was noted.
        if case .some(nil) = age { return .unsaid }
        if case .some(nil) = rows { return .unsaid }
        return .value(RetentionRule(age: age ?? nil, rowsPerKey: rows ?? nil))
    }

    private static func age(_ node: DefinitionNode) -> TimeSpan? {
        guard let text = node.text("retention age") else { return nil }
        guard let age = TimeSpan(text: text) else {
            node.note(
                "retention age: \"\(text)\" is not a duration: expected a number greater than zero "
                    + "and a unit, such as 365d, 12h or 1d12h; leave age out where none is meant"
            )
            return nil
        }
        return age
    }

    private static func rowsPerKey(_ node: DefinitionNode) -> Int? {
        guard let text = node.text("retention rows_per_key") else { return nil }
        guard let rows = Int(text), (1...mostRowsPerKey).contains(rows) else {
            node.note(
                "retention rows_per_key: expected a whole number from 1 to \(mostRowsPerKey), "
                    + "found \"\(text)\""
            )
            return nil
        }
        return rows
    }
}
