import Foundation

/// One stream at a time stages an import.
///
/// Who goes on behind a lost connection would else begin before the server has written what came
/// by that, and fail where both have staged the same.
final class StagingTurns: @unchecked Sendable {
    /// Guards `atWork`.
    private let condition = NSCondition()
    private var atWork: [String: Int] = [:]

    private let patience: Duration

    /// Who waits longer than `patience` goes on; that is to outlast a stream whose client is gone.
    init(patience: Duration) { self.patience = patience }

    /// Waits for the streams that stage the import to end, and counts one more.
    func begin(_ importID: String, isCancelled: () -> Bool) {
        let deadline = ContinuousClock.now + patience
        condition.lock()
        defer { condition.unlock() }
        while atWork[importID] != nil, ContinuousClock.now < deadline, !isCancelled() {
            _ = condition.wait(until: Date(timeIntervalSinceNow: 0.1))
        }
        atWork[importID, default: 0] += 1
    }

    func end(_ importID: String) {
        condition.lock()
        defer { condition.unlock() }
        let left = (atWork[importID] ?? 1) - 1
        atWork[importID] = left > 0 ? left : nil
        condition.broadcast()
    }
}
