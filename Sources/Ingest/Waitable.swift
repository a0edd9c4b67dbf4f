import Foundation
import Synchronization

/// State that threads share, and that they may wait upon.
final class Waitable<State>: @unchecked Sendable {
    /// Guards `state`.
    private let condition = NSCondition()
    private var state: State

    init(_ state: State) { self.state = state }

    /// Changes the state, and wakes all who wait for it.
    @discardableResult
    func update<Result>(_ body: (inout State) -> Result) -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return body(&state)
    }

    /// Changes the state, and wakes those who wait only where `body` answers true.
    func note(_ body: (inout State) -> Bool) {
        condition.lock()
        defer { condition.unlock() }
        if body(&state) { condition.broadcast() }
    }

    func read<Result>(_ body: (State) -> Result) -> Result {
        condition.lock()
        defer { condition.unlock() }
        return body(state)
    }

    /// Waits until `body` answers something; it is asked at once and after every update.
    func wait<Result>(_ body: (inout State) -> Result?) -> Result {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result = body(&state) { return result }
            condition.wait()
        }
    }

    /// As `wait`, but no longer than until the deadline; nil when that has passed.
    func wait<Result>(
        until deadline: ContinuousClock.Instant,
        _ body: (inout State) -> Result?
    ) -> Result? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result = body(&state) { return result }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return nil }
            _ = condition.wait(until: Date(timeIntervalSinceNow: left / .seconds(1)))
        }
    }
}

/// Starts a thread that lives until `body` returns.
///
/// What the body holds is let go before the thread ends: Foundation would do it among the thread's
/// last destructors, where RocksDB has freed what it keeps for the thread and a database that is
/// closed then writes into freed memory.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) {
    let work = Mutex<(@Sendable () -> Void)?>(body)
    let thread = Thread {
        let body = work.withLock { work in
            defer { work = nil }
            return work
        }
        body?()
    }
    thread.name = name
    thread.start()
}
