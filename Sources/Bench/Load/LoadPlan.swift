package import Client
import Domain

/// A load: what is asked, how, for how long.
package struct LoadPlan: Sendable {
    package enum Pace: Sendable, Hashable {
        /// Each connection sends its next request when the answer to the last one is there.
        case closed
        /// Requests of all connections together are due so many times a second, whatever the
        /// server does; latency counts from when a request was due.
        case open(perSecond: Double)
    }

    package var address: ServerAddress
    package var requests: RequestFrames
    package var check: AnswerCheck
    package var connections: Int
    package var threads: Int
    package var pace: Pace
    package var warmUp: Double
    package var duration: Double
    /// Seconds that an open loop waits for answers after its end.
    package var patience: Double
    /// Every so many answers one is decoded whole.
    package var decodeEvery: Int
    package var seed: UInt64

    package init(
        address: ServerAddress,
        requests: RequestFrames,
        check: AnswerCheck,
        connections: Int = 1,
        threads: Int = 1,
        pace: Pace = .closed,
        warmUp: Double = 1,
        duration: Double = 5,
        patience: Double = 10,
        decodeEvery: Int = 1_000,
        seed: UInt64 = 1
    ) {
        self.address = address
        self.requests = requests
        self.check = check
        self.connections = connections
        self.threads = threads
        self.pace = pace
        self.warmUp = warmUp
        self.duration = duration
        self.patience = patience
        self.decodeEvery = decodeEvery
        self.seed = seed
    }

    func validate() throws(AlulaError) {
        guard (1...ServerLimits().connections).contains(connections) else {
            throw .invalid(
                "1 to \(ServerLimits().connections) connections can be made: found \(connections)"
            )
        }
        guard (1...connections).contains(threads) else {
            throw .invalid("threads are 1 to as many as there are connections: found \(threads)")
        }
        guard duration > 0, duration <= 86_400, warmUp >= 0, warmUp <= 86_400 else {
            throw .invalid("duration and warm-up are seconds, at most a day")
        }
        guard decodeEvery >= 1 else {
            throw .invalid("one of every 1 or more answers is decoded: found \(decodeEvery)")
        }
        if case .open(let rate) = pace, !(rate > 0 && rate <= 10_000_000) {
            throw .invalid("a rate is above 0 and at most 10,000,000 a second")
        }
    }
}
