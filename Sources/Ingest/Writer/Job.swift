import Domain
import Offline

/// A write that waits for the writer, and for its answer.
struct Job: Sendable {
    enum Work: Sendable {
        case push(PushJob)
        case publish(PublishJob)
        case retract(RetractJob)
        case forget(ForgetJob)
        case retire(RetireJob)
        case materialize(MaterializeJob)
        case restore(RestoreJob)
        case expire(ExpireJob)
        case finish(FinishedWork)

        /// Whether it goes behind the writes that somebody waits for.
        var isBackground: Bool {
            switch self {
            case .push, .publish, .retract, .forget, .retire: false
            case .materialize, .restore, .expire, .finish: true
            }
        }

        /// Whether it is on disk when it is answered.
        ///
        /// Rows of a materialization stand in history as well, and are made durable at its end.
        var isSynced: Bool {
            switch self {
            case .materialize: false
            case .push, .publish, .retract, .forget, .retire, .restore, .expire, .finish: true
            }
        }
    }

    enum Answer: Sendable {
        /// The encoded answer, that of the first write with this request id.
        case bytes([UInt8])
        /// The log entry that it became.
        case entry(UInt64)
        /// How many rows became the newest of their keys, or were deleted.
        case rowsWritten(Int)
        /// The rows were read from history too long ago: to be read again at this entry or later.
        case stale(UInt64)
    }

    let work: Work
    let result = Waitable<Result<Answer, AlulaError>?>(nil)

    init(_ work: Work) { self.work = work }

    /// Waits for it.
    func answer() throws(AlulaError) -> Answer { try result.wait { $0 }.get() }

    /// About how much it adds to a group.
    var byteCount: Int {
        switch work {
        case .push(let job): job.checked.rows.byteCount
        case .publish, .retract, .retire, .finish: 64
        case .forget: 8 << 10
        case .materialize(let job): job.newest.rows.byteCount
        case .restore(let job): job.newest.rows.byteCount + 64 * job.keys.count
        case .expire(let job): 64 * job.keys.count
        }
    }
}

struct PushJob: Sendable {
    var view: FeatureView
    var checked: CheckedRows
    var requestID: [UInt8]
    var answer: @Sendable (PushResult) -> [UInt8]
}

struct PublishJob: Sendable {
    var importID: String
    var view: FeatureViewID
    var rows: UInt64
    var requestID: [UInt8]
    var answer: @Sendable (_ entry: UInt64) -> [UInt8]
}

struct RetractJob: Sendable {
    /// Nil is every view.
    var view: FeatureViewID?
    var entries: ClosedRange<UInt64>
    var requestID: [UInt8]
}

struct ForgetJob: Sendable {
    var entity: EntityID
    var views: [FeatureViewID]
    /// Canonical bytes.
    var key: [UInt8]
    var keyHash: [UInt8]
    var requestID: [UInt8]
}

struct RetireJob: Sendable {
    var view: FeatureViewID
    var merge: Int64
    /// Online rows older than this, of entries up to `through`, went with it.
    var before: Timestamp?
    var through: UInt64
    var ran: Timestamp
}

struct MaterializeJob: Sendable {
    var view: FeatureView
    var newest: NewestRows
}

/// Keys of the family `rows`, and their newest rows of history, where they have one.
struct RestoreJob: Sendable {
    var view: FeatureView
    var keys: [[UInt8]]
    var newest: NewestRows
}

struct ExpireJob: Sendable {
    var expiry: WithdrawalRecords.Expiry
    /// In the family `rows`.
    var keys: [[UInt8]]
}

/// What needs no more work after a restart.
enum FinishedWork: Sendable {
    /// The winners of the retractions of these log entries are restored.
    case retractions(Set<UInt64>)
    /// Keys of the family `rows` that need no look any more.
    case keysToRestore([[UInt8]])
    case expiry(WithdrawalRecords.Expiry)
    case retention(FeatureViewID, ran: Timestamp)
}
