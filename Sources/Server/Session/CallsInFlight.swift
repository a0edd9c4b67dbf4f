import Domain
import NIOCore
import Wire

/// The calls of one connection that are not answered yet, with their deadlines.
struct CallsInFlight {
    private var calls: [UInt32: Call] = [:]
    private var deadlines: [UInt32: Scheduled<Void>] = [:]

    var count: Int { calls.count }
    var isEmpty: Bool { calls.isEmpty }
    var all: some Collection<Call> { calls.values }
    var changesTokens: Bool { calls.values.contains { $0.operation.permission == .manageTokens } }

    subscript(id: UInt32) -> Call? { calls[id] }

    /// Whether it is in flight; its number may be another call's by now.
    func contains(_ call: Call) -> Bool { calls[call.id] === call }

    mutating func begin(_ call: Call) { calls[call.id] = call }

    mutating func setDeadline(_ deadline: Scheduled<Void>, of call: Call) {
        deadlines[call.id] = deadline
    }

    /// False where it has ended before.
    mutating func end(_ call: Call) -> Bool {
        guard contains(call) else { return false }
        calls[call.id] = nil
        deadlines.removeValue(forKey: call.id)?.cancel()
        return true
    }

    mutating func removeAll() -> some Collection<Call> {
        for deadline in deadlines.values { deadline.cancel() }
        deadlines = [:]
        defer { calls = [:] }
        return calls.values
    }
}

/// The streams of one connection: so many are worked on, the others wait for one of those to end.
struct StreamQueue {
    private let limit: Int
    /// Ended ones whose thread is not yet free among them.
    private var running = 0
    private var waiting: [(call: Call, begin: @Sendable () -> Void)] = []

    init(limit: Int) { self.limit = limit }

    /// Whether the stream may begin now; where not, `end` hands it out later.
    mutating func admit(_ call: Call, _ stream: @escaping @Sendable () -> Void) -> Bool {
        guard running < limit else {
            waiting.append((call, stream))
            return false
        }
        running += 1
        return true
    }

    /// The stream that begins in the place of one that has ended.
    mutating func end() -> (@Sendable () -> Void)? {
        running -= 1
        guard !waiting.isEmpty else { return nil }
        running += 1
        return waiting.removeFirst().begin
    }

    /// What has ended waits no more: nothing counts the memory that it holds.
    mutating func forget(_ call: Call) { waiting.removeAll { $0.call === call } }

    mutating func forgetWaiting() { waiting = [] }
}
