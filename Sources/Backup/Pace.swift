package import Domain
import Foundation

/// How fast bytes may be read and written, how far that has come, and whether it should stop.
///
/// Of one thread.
package final class Pace {
    package enum Step: String, Sendable {
        case waiting
        case freezing
        case databases
        case copying
        case checking
        case restoring
        case deletions
    }

    /// Bytes; zero is an unknown total.
    package typealias Progress = (_ step: Step, _ done: UInt64, _ total: UInt64) -> Void

    private let bytesPerSecond: UInt64?
    private let isCancelled: () -> Bool
    private let progress: Progress
    private var step = Step.waiting
    private var done: UInt64 = 0
    private var total: UInt64 = 0
    private let clock = ContinuousClock()
    /// When what was taken so far is paid for.
    private var paidUntil: ContinuousClock.Instant

    private static let longestSleep = 0.1

    package init(
        bytesPerSecond: UInt64? = nil,
        isCancelled: @escaping () -> Bool = { false },
        progress: @escaping Progress = { _, _, _ in }
    ) {
        self.bytesPerSecond = bytesPerSecond
        self.isCancelled = isCancelled
        self.progress = progress
        paidUntil = clock.now
    }

    package func begin(_ step: Step, total: UInt64 = 0) {
        (self.step, self.done, self.total) = (step, 0, total)
        progress(step, 0, total)
    }

    /// Notes bytes that were read or written, and waits as long as they are worth; throws `cancelled`.
    package func took(_ bytes: Int, counts: Bool = true) throws(AlulaError) {
        if counts { done += UInt64(bytes) }
        try checkCancelled()
        progress(step, done, max(total, done))
        guard let bytesPerSecond, bytesPerSecond > 0 else { return }
        let seconds = Double(bytes) / Double(bytesPerSecond)
        paidUntil = max(paidUntil, clock.now) + .seconds(seconds)
        while true {
            let left = (paidUntil - clock.now) / .seconds(1)
            guard left > 0 else { return }
            try checkCancelled()
            Thread.sleep(forTimeInterval: min(left, Self.longestSleep))
        }
    }

    package func checkCancelled() throws(AlulaError) {
        guard !isCancelled() else { throw AlulaError(.cancelled, "it was stopped", retry: .never) }
    }

    /// Waits for a turn that others have now and then.
    package func wait(until isReached: () -> Bool) throws(AlulaError) {
        while !isReached() {
            try checkCancelled()
            progress(.waiting, 0, 0)
            Thread.sleep(forTimeInterval: Self.longestSleep)
        }
    }
}
