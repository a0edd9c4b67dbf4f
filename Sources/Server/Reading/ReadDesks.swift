import Synchronization

/// The desks of the worker threads: one is taken for the length of a call.
final class ReadDesks: Sendable {
    private let free = Mutex<[ReadDesk]>([])

    func with<Result>(
        _ services: Services,
        _ body: (ReadDesk) throws -> Result
    ) rethrows -> Result {
        let desk = free.withLock { $0.popLast() } ?? ReadDesk(services)
        defer { free.withLock { $0.append(desk) } }
        return try body(desk)
    }
}
