package import Domain
import Synchronization

/// How many calls the holders of one name have made in the present second.
package final class RequestRate: Sendable {
    private struct Window {
        var second: Int64 = 0
        var count = 0
    }

    private let window = Mutex(Window())

    package init() {}

    /// False where the second already has as many as the limit.
    package func admits(_ now: Timestamp, limit: Int) -> Bool {
        let second = now.microseconds / 1_000_000
        return window.withLock { window in
            if window.second != second { window = Window(second: second) }
            guard window.count < limit else { return false }
            window.count += 1
            return true
        }
    }
}

/// The rates of all names.
package final class RequestRates: Sendable {
    private let rates = Mutex<[String: RequestRate]>([:])

    package init() {}

    /// The one rate of a name; names are those of tokens, so that there are few.
    package func rate(of name: String) -> RequestRate {
        rates.withLock { rates in
            if let rate = rates[name] { return rate }
            let rate = RequestRate()
            rates[name] = rate
            return rate
        }
    }
}
