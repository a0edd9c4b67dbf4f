package import Domain

/// The point-in-time rule of DESIGN §3.1 as nested loops: slow, and obviously right.
package enum NaivePointInTimeJoin {
    package struct Row: Sendable {
        package var key: EntityKey
        package var event: Timestamp
        /// Nil for an imported row without a created time.
        package var created: Timestamp?
        package var position: LogPosition

        package init(key: EntityKey, event: Timestamp, created: Timestamp?, position: LogPosition) {
            self.key = key
            self.event = event
            self.created = created
            self.position = position
        }
    }

    package enum Answer: Sendable, Hashable {
        case matched(Int)
        case nullKey
        case notFound
        case expired
    }

    /// What a spine row of this key and time is joined with: an index of `rows`, or why there is
    /// none.
    package static func answer(
        key: EntityKey?,
        time: Timestamp?,
        in rows: [Row],
        lookback: TimeSpan?,
        through: UInt64,
        asKnown: Bool,
        hiding: NaiveHiding = NaiveHiding()
    ) -> Answer {
        guard let key, let time else { return .nullKey }
        var best: Int?
        var anyOlder = false
        for (index, row) in rows.enumerated() {
            if row.key != key || row.event > time || row.position.entry > through { continue }
            if hiding.hides(row, through: through) { continue }
            if asKnown, let created = row.created, created > time { continue }
            if let lookback, row.event < time - lookback {
                anyOlder = true
                continue
            }
            if let held = best, order(row) < order(rows[held]) { continue }
            best = index
        }
        return best.map(Answer.matched) ?? (anyOlder ? .expired : .notFound)
    }

    private static func order(_ row: Row) -> RowOrder {
        RowOrder(event: row.event, created: row.created, position: row.position)
    }
}
