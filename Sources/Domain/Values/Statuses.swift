/// What is known of one value in an answer.
///
/// The raw value is its code on the wire.
public enum FeatureStatus: UInt8, Sendable, Hashable, CaseIterable {
    case present = 0
    /// The newest row has no value for this feature.
    case null = 1
    /// There is no row of this key.
    case notFound = 2
    /// There are rows, all of them older than the view allows; the value is withheld.
    case expired = 3

    public var name: String {
        switch self {
        case .present: "present"
        case .null: "null"
        case .notFound: "notFound"
        case .expired: "expired"
        }
    }
}

/// What became of one pushed row.
///
/// The raw value is its code on the wire.
public enum PushStatus: UInt8, Sendable, Hashable, CaseIterable {
    /// Durable, and the newest of its key.
    case accepted = 0
    /// Durable in history; a newer row of its key stays online.
    case older = 1
    /// Refused: its event time lies further ahead of now than `Limits.maxSkew`.
    case inFuture = 2
    /// Refused: the message of the row says which field and why.
    case invalid = 3

    public var name: String {
        switch self {
        case .accepted: "accepted"
        case .older: "older"
        case .inFuture: "inFuture"
        case .invalid: "invalid"
        }
    }
}

/// Where a row stands in the one sequence of all that became visible: the log entry, and the row in it.
public struct LogPosition: Sendable, Hashable, Comparable {
    public var entry: UInt64
    public var row: UInt32

    public init(entry: UInt64, row: UInt32) {
        self.entry = entry
        self.row = row
    }

    public static func < (left: LogPosition, right: LogPosition) -> Bool {
        left.entry != right.entry ? left.entry < right.entry : left.row < right.row
    }
}

/// What orders the rows of one key: event time, then created time (none is least), then log position.
///
/// The same order decides the winner of a point-in-time join and the row that is online.
public struct RowOrder: Sendable, Hashable, Comparable {
    public var event: Timestamp
    public var created: Timestamp?
    public var position: LogPosition

    public init(event: Timestamp, created: Timestamp?, position: LogPosition) {
        self.event = event
        self.created = created
        self.position = position
    }

    public static func < (left: RowOrder, right: RowOrder) -> Bool {
        if left.event != right.event { return left.event < right.event }
        switch (left.created, right.created) {
        case (nil, .some): return true
        case (.some, nil): return false
        case (.some(let earlier), .some(let later)) where earlier != later: return earlier < later
        default: return left.position < right.position
        }
    }
}
