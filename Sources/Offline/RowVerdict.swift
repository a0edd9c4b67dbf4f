package import Domain

/// From where one key is looked at: what a spine row of this event time would see.
package struct HistoryMoment: Sendable, Hashable {
    package var time: Timestamp
    package var lookback: TimeSpan?
    /// Hides what was created after `time`.
    package var asKnown: Bool

    package init(time: Timestamp, lookback: TimeSpan? = nil, asKnown: Bool = false) {
        self.time = time
        self.lookback = lookback
        self.asKnown = asKnown
    }
}

/// What the point-in-time rule says of one row of a key.
enum RowVerdict: Sendable, Hashable {
    case taken
    /// Its event time is after the moment.
    case later
    /// It was created after the moment, and the look is `asKnown`.
    case notKnown
    /// It is older than the look-back.
    case expired
    /// The row taken has a later event time.
    case older
    /// The event times are equal; the row taken was created later, or this one has no created time.
    case earlierCreated
    case earlierPosition

    /// The verdicts on all visible rows of one key, in any order, and which of them is taken.
    static func verdicts(
        on rows: [RowOrder],
        at moment: HistoryMoment
    ) -> (verdicts: [RowVerdict], taken: Int?) {
        var verdicts = rows.map { verdict(on: $0, at: moment) }
        let candidates = rows.indices.filter { verdicts[$0] == nil }
        guard let taken = candidates.max(by: { rows[$0] < rows[$1] }) else {
            return (verdicts.compactMap(\.self), nil)
        }
        for row in candidates where row != taken {
            verdicts[row] = verdict(on: rows[row], against: rows[taken])
        }
        verdicts[taken] = .taken
        return (verdicts.compactMap(\.self), taken)
    }

    /// Nil for a candidate.
    private static func verdict(on row: RowOrder, at moment: HistoryMoment) -> RowVerdict? {
        if row.event > moment.time { return .later }
        if moment.asKnown, let created = row.created, created > moment.time { return .notKnown }
        if let lookback = moment.lookback, row.event < moment.time - lookback { return .expired }
        return nil
    }

    private static func verdict(on row: RowOrder, against taken: RowOrder) -> RowVerdict {
        if row.event != taken.event { return .older }
        return row.created != taken.created ? .earlierCreated : .earlierPosition
    }

    /// For people.
    func text(of row: RowOrder, at moment: HistoryMoment, taken: RowOrder?) -> String {
        switch self {
        case .taken: return "taken"
        case .later: return "later: its event time is after \(moment.time)"
        case .notKnown:
            return "not known then: created \(row.created.map(\.description) ?? "later")"
        case .expired:
            return "expired: older than the look-back of "
                + (moment.lookback.map(\.description) ?? "the view")
        case .older:
            return "older: event time \(row.event), the one taken "
                + (taken.map(\.event.description) ?? "later")
        case .earlierCreated: return "earlier created time"
        case .earlierPosition: return "earlier log position"
        }
    }
}
