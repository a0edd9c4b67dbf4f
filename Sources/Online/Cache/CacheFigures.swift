/// What the row cache holds and what it has answered since it was made.
package struct CacheFigures: Sendable, Hashable {
    /// Rows and absences.
    package var entries = 0
    package var absences = 0
    /// All memory that is taken, tables too; at most `budget`.
    package var bytes = 0
    package var budget = 0
    package var hits: UInt64 = 0
    /// Look-ups answered by the knowledge that there is no row.
    package var absentHits: UInt64 = 0
    package var misses: UInt64 = 0
    /// Rows that went to make room.
    package var evictions: UInt64 = 0

    package init() {}
}
