import Domain
import Synchronization

/// Bytes that clients have sent and that wait, over all connections: nothing is kept beyond the
/// limit, so that no number of clients fills the memory.
final class BufferBudget: Sendable {
    let limit: Int
    private let taken = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    var bytes: Int { taken.load(ordering: .relaxed) }

    /// False where they would go over the limit; nothing is taken then.
    func take(_ count: Int) -> Bool {
        let before = taken.add(count, ordering: .relaxed).oldValue
        guard before + count > limit else { return true }
        giveBack(count)
        return false
    }

    func giveBack(_ count: Int) { taken.subtract(count, ordering: .relaxed) }
}

/// The share of one connection in that budget, with a limit of its own.
///
/// Taken on the connection's event loop, given back on any thread.
final class ConnectionBuffer: Sendable {
    private let limit: Int
    private let all: BufferBudget
    private let taken = Atomic<Int>(0)

    init(limit: Int, all: BufferBudget) {
        self.limit = limit
        self.all = all
    }

    deinit { all.giveBack(taken.load(ordering: .relaxed)) }

    /// Nil where the bytes may be kept, else why not.
    func take(_ count: Int) -> AlulaError? {
        guard taken.load(ordering: .relaxed) + count <= limit else {
            return AlulaError(
                .resourceExhausted,
                "this connection has \(limit) bytes of requests and uploads waiting, its limit "
                    + "(connection-bytes)",
                help: "wait for answers, or use another connection"
            )
        }
        return takePart(count)
    }

    /// Part of a frame, which is at most one frame in a connection: the budget of all counts it.
    func takePart(_ count: Int) -> AlulaError? {
        guard all.take(count) else {
            return AlulaError(
                .resourceExhausted,
                "the server has \(all.limit) bytes of requests and uploads waiting, its limit "
                    + "(buffered-bytes)",
                help: "try again in a moment"
            )
        }
        taken.add(count, ordering: .relaxed)
        return nil
    }

    func giveBack(_ count: Int) {
        taken.subtract(count, ordering: .relaxed)
        all.giveBack(count)
    }
}
