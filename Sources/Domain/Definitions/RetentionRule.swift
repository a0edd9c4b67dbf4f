/// Which rows of a view are kept: the rest is taken out of every answer; always the oldest of a key.
///
/// At least one of the two is set; where both are, a row goes that either takes.
public struct RetentionRule: Sendable, Hashable, CustomStringConvertible {
    /// Rows whose event time is longer ago are taken.
    public var age: TimeSpan?
    /// Of each key, this many rows are kept: the newest.
    public var rowsPerKey: Int?

    public init(age: TimeSpan? = nil, rowsPerKey: Int? = nil) {
        self.age = age
        self.rowsPerKey = rowsPerKey
    }

    /// As it stands in a definitions file: `{age: 365d, rows_per_key: 100}`.
    public var description: String {
        let parts = [age.map { "age: \($0)" }, rowsPerKey.map { "rows_per_key: \($0)" }]
        return "{" + parts.compactMap { $0 }.joined(separator: ", ") + "}"
    }
}
