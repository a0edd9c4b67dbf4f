import Domain

/// A write that waits for the writer, and for its answer.
struct Job: Sendable {
    enum Work: Sendable {
        case push(PushJob)
        case publish(PublishJob)
        case materialize(MaterializeJob)
    }

    enum Answer: Sendable {
        /// The encoded answer, that of the first write with this request id.
        case bytes([UInt8])
        /// How many rows became the newest of their keys.
        case rowsWritten(Int)
    }

    let work: Work
    let result = Waitable<Result<Answer, AlulaError>?>(nil)

    init(_ work: Work) { self.work = work }

    /// About how much it adds to a group.
    var byteCount: Int {
        switch work {
        case .push(let job): job.checked.rows.byteCount
        case .publish: 64
        case .materialize(let job): job.rows.byteCount
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

struct MaterializeJob: Sendable {
    var view: FeatureView
    var rows: FeatureRows
    var positions: [LogPosition]
}
