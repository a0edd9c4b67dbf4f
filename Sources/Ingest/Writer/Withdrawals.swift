import Domain

/// What was taken back: rows of retracted entries that may still be online, and, for rows read from
/// history a while ago, what was taken back since.
struct Withdrawals: Sendable {
    /// Rows of these entries of a view, or of all, are hidden from a log entry on.
    struct Retraction: Sendable, Hashable {
        var logEntry: UInt64
        var view: FeatureViewID?
        var entries: ClosedRange<UInt64>

        func concerns(_ view: FeatureViewID) -> Bool { self.view == nil || self.view == view }
    }

    enum Withdrawal: Sendable, Hashable {
        case retraction(Retraction)
        /// The key in canonical bytes.
        case forgotten(EntityID, key: [UInt8])
        /// Rows with an earlier event time, of entries up to `through`.
        case expired(WithdrawalRecords.Expiry)
    }

    /// Retractions whose online winners are not all restored, ascending.
    private(set) var retractions: [Retraction]
    /// The online rows that retention has taken and that may still be there.
    private(set) var expiries: [FeatureViewID: WithdrawalRecords.Expiry]
    /// The newest withdrawals, ascending by log entry.
    private var recent: [(logEntry: UInt64, withdrawal: Withdrawal)] = []
    /// Withdrawals up to this entry are not remembered: rows read before it cannot be judged.
    private(set) var floor: UInt64

    private static let remembered = 1_024

    /// `last` is the newest entry of the log.
    init(retractions: [Retraction], expiries: [WithdrawalRecords.Expiry], last: UInt64) {
        self.retractions = retractions
        self.expiries = Dictionary(expiries.map { ($0.view, $0) }) { $1 }
        floor = last
    }

    mutating func add(_ withdrawal: Withdrawal, logEntry: UInt64) {
        switch withdrawal {
        case .retraction(let retraction): retractions.append(retraction)
        case .expired(let expiry): expiries[expiry.view] = expiry
        case .forgotten: break
        }
        recent.append((logEntry, withdrawal))
        if recent.count > Self.remembered { floor = recent.removeFirst().logEntry }
    }

    /// The winners of these retractions are restored.
    mutating func finish(_ entries: Set<UInt64>) {
        retractions.removeAll { entries.contains($0.logEntry) }
    }

    mutating func finish(_ expiry: WithdrawalRecords.Expiry) {
        if expiries[expiry.view] == expiry { expiries[expiry.view] = nil }
    }

    /// Log entries of this view whose online rows count as absent; only those retracted up to
    /// `through` are given.
    func retracted(
        of view: FeatureViewID,
        through: UInt64 = .max
    ) -> [ClosedRange<UInt64>] {
        retractions.filter { $0.logEntry <= through && $0.concerns(view) }.map(\.entries)
    }

    /// Whether a retraction of the view has come behind this entry.
    func retracts(_ view: FeatureViewID, after entry: UInt64) -> Bool {
        recent.reversed().prefix { $0.logEntry > entry }.contains { _, withdrawal in
            guard case .retraction(let retraction) = withdrawal else { return false }
            return retraction.concerns(view)
        }
    }

    /// What was withdrawn behind this entry of a view; nil where there is nothing.
    func since(_ entry: UInt64, of view: FeatureView) -> WithdrawnSince? {
        var since = WithdrawnSince()
        for (_, withdrawal) in recent.reversed().prefix(while: { $0.logEntry > entry }) {
            switch withdrawal {
            case .retraction(let retraction) where retraction.concerns(view.id):
                since.retracted.append(retraction.entries)
            case .forgotten(let entity, let key) where entity == view.entity.id:
                since.forgotten.insert(key)
            case .expired(let expiry) where expiry.view == view.id:
                since.expired.append(expiry)
            case .retraction, .forgotten, .expired: break
            }
        }
        return since.isEmpty ? nil : since
    }
}

/// What concerns one view of what was withdrawn behind an entry.
struct WithdrawnSince {
    var retracted: [ClosedRange<UInt64>] = []
    var forgotten: Set<[UInt8]> = []
    var expired: [WithdrawalRecords.Expiry] = []

    var isEmpty: Bool { retracted.isEmpty && forgotten.isEmpty && expired.isEmpty }

    /// Whether a row that was read before may not come online any more.
    func takes(key: [UInt8], event: Timestamp, entry: UInt64) -> Bool {
        forgotten.contains(key) || retracted.contains { $0.contains(entry) }
            || expired.contains { event < $0.before && entry <= $0.through }
    }
}
