import Domain
import Ingest
import Wire

/// Why the server does not take both reads and writes.
enum NotReady: Sendable {
    /// It is not certain what the disk has.
    case storage(AlulaError)
    /// No room.
    case disk(AlulaError)
    /// History cannot follow the log.
    case history(AlulaError)
    /// History has not yet what the log had when the server was started.
    case starting(applied: UInt64, last: UInt64)

    /// The words of metrics, in their order.
    static let words = ["storage", "disk", "history", "starting"]

    var word: String {
        switch self {
        case .storage: Self.words[0]
        case .disk: Self.words[1]
        case .history: Self.words[2]
        case .starting: Self.words[3]
        }
    }

    /// A sentence for people.
    var text: String {
        switch self {
        case .storage(let error):
            "no write is taken since the disk failed, until the server is restarted: \(error.message)"
        case .disk(let error), .history(let error): error.message
        case .starting(let applied, let last):
            "history follows the log of before the start: entry \(applied) of \(last)"
        }
    }
}

extension Services {
    /// Nil where all is well.
    func notReady() -> NotReady? {
        if let failure = ingestor.storageFailure { return .storage(failure) }
        if let shortage = room.shortage { return .disk(shortage) }
        if let failure = ingestor.historyFailure { return .history(failure) }
        if let start = ingestor.inherited {
            return .starting(applied: start.applied, last: start.last)
        }
        return nil
    }

    /// Throws where the operation writes and no write is taken, or no room is left for it.
    func checkWritable(_ operation: Operation) throws(AlulaError) {
        guard operation.isWrite else { return }
        try health.check()
        guard operation.takesRoom else { return }
        try room.require(for: operation.word)
    }
}

extension Operation {
    /// Whether it adds to what is stored; what decides, takes back or gives room goes on in the room
    /// that is kept free.
    fileprivate var takesRoom: Bool {
        switch permission {
        case .writeFeatures: self != .retract && self != .abandonImport
        case .train, .writeRegistry, .apply: true
        case nil, .observe, .readDefinitions, .readFeatures, .readRegistry, .define, .defineGates,
            .alias, .promote, .approve, .audit, .operate, .erase, .manageTokens:
            false
        }
    }
}
