import Dispatch
import Domain
import Synchronization

/// Work that another thread does meanwhile.
final class Beside<Value: Sendable>: Sendable {
    private let done = DispatchSemaphore(value: 0)
    private let result = Mutex<Result<Value, AlulaError>?>(nil)

    /// Begins at once.
    init(_ body: @escaping @Sendable () throws -> Value) {
        DispatchQueue.global().async { [self] in
            let outcome = Result { try body() }.mapError { error in
                error as? AlulaError ?? AlulaError(.internal, "\(error)")
            }
            result.withLock { $0 = outcome }
            done.signal()
        }
    }

    /// Waits for its end; may be asked again.
    func value() throws(AlulaError) -> Value {
        done.wait()
        done.signal()
        guard let result = result.withLock({ $0 }) else {
            throw AlulaError(.internal, "work beside ended without a result")
        }
        return try result.get()
    }
}
