import Foundation

/// The thread of the monitors: begins once, waits between rounds, ends when told to.
///
/// Its promise of thread safety is the condition's.
final class MonitorRun: @unchecked Sendable {
    private let condition = NSCondition()
    private var isEndingNow = false
    private var isRunning = false

    var isEnding: Bool {
        condition.lock()
        defer { condition.unlock() }
        return isEndingNow
    }

    func begin(_ body: @escaping @Sendable () -> Void) {
        condition.lock()
        isRunning = true
        condition.unlock()
        let thread = Thread { [self] in
            body()
            condition.lock()
            isRunning = false
            condition.broadcast()
            condition.unlock()
        }
        thread.name = "monitors"
        thread.start()
    }

    /// False when it is to end.
    func wait(seconds: Double) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        let limit = Date(timeIntervalSinceNow: seconds)
        while !isEndingNow {
            guard condition.wait(until: limit) else { break }
        }
        return !isEndingNow
    }

    /// Returns when the thread has ended.
    func end() {
        condition.lock()
        defer { condition.unlock() }
        isEndingNow = true
        condition.broadcast()
        while isRunning { condition.wait() }
    }
}
