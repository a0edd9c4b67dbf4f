import Dispatch
import Domain
import Glibc
import Synchronization
import Testing

@testable import Server

@Suite struct WorkerThreadsTests {
    /// Jobs that wait until all of them may go, and the most that were at work at once.
    private final class Gate: Sendable {
        private let state = Mutex((here: 0, most: 0, done: 0))
        private let opened = DispatchSemaphore(value: 0)
        private let arrived = DispatchSemaphore(value: 0)

        func pass() {
            state.withLock { state in
                state.here += 1
                state.most = max(state.most, state.here)
            }
            arrived.signal()
            opened.wait()
            state.withLock { state in
                state.here -= 1
                state.done += 1
            }
        }

        func waitFor(_ jobs: Int) { for _ in 0..<jobs { arrived.wait() } }

        func open(_ jobs: Int) { for _ in 0..<jobs { opened.signal() } }

        var most: Int { state.withLock { $0.most } }
        var done: Int { state.withLock { $0.done } }
    }

    private func wait(until body: () -> Bool) -> Bool {
        let deadline = ContinuousClock.now + .seconds(20)
        while !body() {
            guard ContinuousClock.now < deadline else { return false }
            sched_yield()
        }
        return true
    }

    @Test func `at most so many work at once, and all is done`() async throws {
        let threads = WorkerThreads("test", limit: 3)
        try threads.start()
        let gate = Gate()
        for _ in 0..<10 { #expect(threads.submit { gate.pass() }) }
        gate.waitFor(3)
        #expect(threads.count == 3 && gate.most == 3 && gate.done == 0)
        gate.open(10)
        await threads.stop()
        #expect(gate.done == 10 && gate.most == 3 && threads.count == 0)
    }

    @Test func `one job after the other takes one thread`() async throws {
        let threads = WorkerThreads("test", limit: 8)
        try threads.start()
        let done = Atomic<Int>(0)
        for number in 1...100 {
            #expect(threads.submit { done.add(1, ordering: .relaxed) })
            #expect(wait { done.load(ordering: .relaxed) == number })
        }
        // The one before may not yet have said that it is idle again.
        #expect(threads.count <= 2)
        await threads.stop()
    }

    @Test func `those without work end, but the first`() async throws {
        let threads = WorkerThreads("test", limit: 16, patience: .milliseconds(20))
        try threads.start()
        for _ in 0..<3 {
            let gate = Gate()
            for _ in 0..<16 { #expect(threads.submit { gate.pass() }) }
            gate.waitFor(16)
            #expect(threads.count == 16)
            gate.open(16)
            #expect(wait { threads.count == 1 })
        }
        await threads.stop()
    }

    @Test func `what is handed over while threads end is done once`() async throws {
        let threads = WorkerThreads("test", limit: 4, patience: .microseconds(50))
        try threads.start()
        let done = Atomic<Int>(0)
        let jobs = 20_000
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<jobs / 4 where threads.submit({ done.add(1, ordering: .relaxed) }) {}
        }
        await threads.stop()
        #expect(done.load(ordering: .relaxed) == jobs)
        #expect(threads.count == 0)
    }

    @Test func `what waits at the end is done, and nothing taken after it`() async throws {
        let threads = WorkerThreads("test", limit: 1)
        try threads.start()
        let gate = Gate()
        for _ in 0..<5 { #expect(threads.submit { gate.pass() }) }
        async let stopped: Void = threads.stop()
        while threads.submit({}) { await Task.yield() }
        gate.open(5)
        await stopped
        #expect(gate.done == 5)
        #expect(!threads.submit {})
    }

    @Test func `a job is let go before its thread waits`() async throws {
        final class Held: Sendable {
            let gone: DispatchSemaphore
            init(_ gone: DispatchSemaphore) { self.gone = gone }
            deinit { gone.signal() }
        }
        let threads = WorkerThreads("test", limit: 1)
        try threads.start()
        let gone = DispatchSemaphore(value: 0)
        do {
            let held = Held(gone)
            #expect(threads.submit { withExtendedLifetime(held) {} })
        }
        let isGone = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: gone.wait(timeout: .now() + 20) == .success)
            }
        }
        #expect(isGone)
        await threads.stop()
    }
}
