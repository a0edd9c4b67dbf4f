import Dispatch
package import Domain
import Synchronization

/// Runs the body for 0..<count on all cores, and on this thread; returns when all are done.
///
/// Throws the first error; what had not begun by then is left out.
package func inParallel(_ count: Int, _ body: @Sendable (Int) throws -> Void) throws(AlulaError) {
    let failure = Mutex<AlulaError?>(nil)
    DispatchQueue.concurrentPerform(iterations: count) { index in
        guard failure.withLock({ $0 == nil }) else { return }
        do {
            try body(index)
        } catch {
            let error = error as? AlulaError ?? AlulaError(.internal, "\(error)")
            failure.withLock { if $0 == nil { $0 = error } }
        }
    }
    if let error = failure.withLock({ $0 }) { throw error }
}

/// Throws `cancelled` where the caller does not want it any more.
package func checkCancelled(_ isCancelled: () -> Bool) throws(AlulaError) {
    guard !isCancelled() else { throw AlulaError(.cancelled, "the call was cancelled") }
}
