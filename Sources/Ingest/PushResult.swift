package import Domain

/// Why one row was refused.
package struct RowProblem: Sendable, Hashable {
    /// The number of the row in its batch.
    package var row: Int
    /// Which field, and what was expected of it.
    package var reason: String

    package init(row: Int, reason: String) {
        self.row = row
        self.reason = reason
    }
}

/// What became of a push.
package struct PushResult: Sendable, Hashable {
    /// The log entry that holds the rows taken; 0 where none was.
    package var logEntry: UInt64
    /// One for each row of the batch, in its order.
    package var statuses: [PushStatus]
    /// One for each row refused, ascending by row.
    package var problems: [RowProblem]

    package init(logEntry: UInt64, statuses: [PushStatus], problems: [RowProblem]) {
        self.logEntry = logEntry
        self.statuses = statuses
        self.problems = problems
    }
}
