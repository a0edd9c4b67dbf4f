package import Domain

/// Retraction and deletion of DESIGN §3.1 and §3.3 as plain lists: which rows nobody sees.
package struct NaiveHiding: Sendable {
    package struct Retraction: Sendable {
        /// Its own log entry.
        package var entry: UInt64
        package var hides: ClosedRange<UInt64>

        package init(entry: UInt64, hides: ClosedRange<UInt64>) {
            self.entry = entry
            self.hides = hides
        }
    }

    package struct Deletion: Sendable {
        package var entry: UInt64
        package var key: EntityKey
        /// Where rows of the key that were staged then have come to stand.
        package var staged: Set<LogPosition>

        package init(entry: UInt64, key: EntityKey, staged: Set<LogPosition> = []) {
            self.entry = entry
            self.key = key
            self.staged = staged
        }
    }

    package var retractions: [Retraction] = []
    package var deletions: [Deletion] = []

    package init() {}

    /// A retraction hides from its entry on; a deletion hides at every position.
    package func hides(_ row: NaivePointInTimeJoin.Row, through: UInt64) -> Bool {
        for retraction in retractions
        where retraction.entry <= through && retraction.hides.contains(row.position.entry) {
            return true
        }
        return isDeleted(row)
    }

    package func isDeleted(_ row: NaivePointInTimeJoin.Row) -> Bool {
        for deletion in deletions where deletion.key == row.key {
            if row.position.entry <= deletion.entry { return true }
            if deletion.staged.contains(row.position) { return true }
        }
        return false
    }
}
