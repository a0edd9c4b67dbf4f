import Foundation
import Glibc
import Logging
import Synchronization

/// A thread of low priority that does the same again and again, with a pause before each time, until
/// it is told to end.
///
/// Its promise of thread safety is the condition's.
final class Rounds: @unchecked Sendable {
    private let name: String
    private let pause: TimeInterval
    private let condition = NSCondition()
    private var isEndingNow = false
    private var isRunning = false

    private static let niceness: Int32 = 10

    init(_ name: String, pause: Duration) {
        self.name = name
        self.pause = pause / .seconds(1)
    }

    var isEnding: Bool {
        condition.lock()
        defer { condition.unlock() }
        return isEndingNow
    }

    func begin(_ round: @escaping @Sendable () -> Void) {
        condition.lock()
        isRunning = true
        condition.unlock()
        let thread = Thread { [self] in
            // Of this thread only: reads go first.
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness)
            while wait() { round() }
            condition.lock()
            isRunning = false
            condition.broadcast()
            condition.unlock()
        }
        thread.name = name
        thread.start()
    }

    /// False when it is to end.
    private func wait() -> Bool {
        condition.lock()
        defer { condition.unlock() }
        let limit = Date(timeIntervalSinceNow: pause)
        while !isEndingNow {
            guard condition.wait(until: limit) else { break }
        }
        return !isEndingNow
    }

    /// Returns when the round that is under way has ended.
    func end() {
        condition.lock()
        defer { condition.unlock() }
        isEndingNow = true
        condition.broadcast()
        while isRunning { condition.wait() }
    }
}

/// Tells the logger of the first failure of several in a row.
final class FailureLog: Sendable {
    private let logger: Logger
    private let message: Logger.Message
    private let isFailing = Mutex(false)

    init(_ message: Logger.Message, _ logger: Logger) {
        self.message = message
        self.logger = logger
    }

    func attempt(_ body: () throws -> Void) {
        do {
            try body()
            isFailing.withLock { $0 = false }
        } catch {
            let isFirst = isFailing.withLock { failing in
                defer { failing = true }
                return !failing
            }
            if isFirst { logger.warning(message, metadata: ["error": "\(error)"]) }
        }
    }
}
