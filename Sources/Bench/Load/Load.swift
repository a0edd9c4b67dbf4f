import Client
package import Domain
import Glibc
import Synchronization
import Wire

/// Runs a load; blocks until it is over.
package enum Load {
    /// Throws where the server is lost under it, refuses a request for good, or answers wrongly.
    package static func run(_ plan: LoadPlan) throws(AlulaError) -> LoadResult {
        try run([plan])[0]
    }

    /// Runs loads at the same time, each for its own; warm-up, duration and patience are the first one's.
    package static func run(_ plans: [LoadPlan]) throws(AlulaError) -> [LoadResult] {
        for plan in plans { try plan.validate() }
        guard let first = plans.first else { return [] }
        let begin = Clock.now() + 20_000_000
        let start = begin + UInt64(first.warmUp * 1e9)
        let end = start + UInt64(first.duration * 1e9)
        let giveUp = end + UInt64(first.patience * 1e9)
        let window = LoadThread.Window(start: start, end: end, giveUp: giveUp)
        let outcomes = Mutex<[(plan: Int, Result<LoadCounts, AlulaError>)]>([])
        var parts: [(plan: Int, Unshared<LoadThread>)] = []
        for (index, plan) in plans.enumerated() {
            for number in 0..<plan.threads {
                let part = try LoadThread(plan, number: number, window: window, begin: begin)
                parts.append((index, Unshared(part)))
            }
        }
        let threads = parts.map { (plan, part) in
            Thread {
                let outcome = Result { () throws(AlulaError) in try part.value.run() }
                outcomes.withLock { $0.append((plan, outcome)) }
            }
        }
        for thread in threads { thread.join() }
        var counts = [LoadCounts](repeating: LoadCounts(), count: plans.count)
        for (plan, outcome) in outcomes.withLock({ $0 }) { counts[plan].add(try outcome.get()) }
        return zip(plans, counts).map { plan, counts in
            LoadResult(
                counts: counts,
                seconds: first.duration,
                requestBytes: plan.requests.bytesEach,
                rowsPerRequest: plan.requests.rows
            )
        }
    }
}

/// What one thread makes and another one uses alone from then on.
private struct Unshared<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }
}
