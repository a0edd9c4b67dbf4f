import Domain
import Foundation
import Ingest
import Synchronization
import TestSupport
import Testing

/// A gate that a thread waits at until it is opened.
private final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    func wait() { semaphore.wait() }
    func open() { semaphore.signal() }
}

struct WriterTests {
    private static func event(_ pusher: Int, _ round: Int) -> Int64 {
        Int64((pusher * 7 + round * 13) % 320) - 1_000
    }

    private static func rows(_ range: Range<Int64>, event: Int64 = 0) throws -> RecordBatch {
        try Fixtures.rows(range.map { (key: $0, event: event, value: $0) })
    }

    /// Runs the bodies on threads of their own and gives their results.
    private static func together<T: Sendable>(
        _ count: Int,
        _ body: @escaping @Sendable (Int) throws -> T
    ) throws -> [T] {
        let results = Mutex<[Int: Result<T, any Error>]>([:])
        let group = DispatchGroup()
        for index in 0..<count {
            group.enter()
            Thread.detachNewThread {
                let result = Result { try body(index) }
                results.withLock { $0[index] = result }
                group.leave()
            }
        }
        group.wait()
        return try results.withLock { $0 }.sorted { $0.key < $1.key }.map { try $0.value.get() }
    }

    /// Holds the writer with one push, has the others wait, and lets all go.
    private static func whileHeld(
        _ fixture: IngestFixture,
        _ body: () throws -> Void
    ) throws {
        let (reached, gate, ended) = (Gate(), Gate(), Gate())
        let batch = try rows(0..<1)
        Thread.detachNewThread {
            _ = try? fixture.ingestor.push(
                batch: batch,
                to: Fixtures.view(),
                requestID: Fixtures.requestID()
            ) { result in
                reached.open()
                gate.wait()
                return Fixtures.encode(result)
            }
            ended.open()
        }
        reached.wait()
        defer {
            gate.open()
            ended.wait()
        }
        try body()
    }

    @Test func `pushes that wait together become one synced batch, each with its own answer`()
        throws
    {
        let fixture = try IngestFixture()
        let pushers = 16
        let results = Mutex<[PushResult]>([])
        let done = DispatchGroup()
        let before = fixture.ingestor.writtenGroups
        try Self.whileHeld(fixture) {
            for pusher in 0..<pushers {
                let batch = try Self.rows(Int64(pusher)..<Int64(pusher) + 3, event: Int64(-pusher))
                done.enter()
                Thread.detachNewThread {
                    if let result = try? fixture.push(batch) {
                        results.withLock { $0.append(result) }
                    }
                    done.leave()
                }
            }
            // All wait once the writer has as many jobs.
            while fixture.ingestor.waitingWrites < pushers { sched_yield() }
        }
        done.wait()
        #expect(fixture.ingestor.writtenGroups - before == 2)
        let all = results.withLock { $0 }
        #expect(all.count == pushers)
        #expect(Set(all.map(\.logEntry)) == Set(2...UInt64(pushers) + 1))
        #expect(all.allSatisfy { $0.statuses.count == 3 })
        // Every pusher wrote the key as the value.
        let values = try fixture.read((0..<Int64(pushers) + 2).map { $0 })
        #expect(values == (0..<Int64(pushers) + 2).map { .int64($0) })
    }

    @Test func `the newest of a key wins among pushes at the same time`() throws {
        let fixture = try IngestFixture()
        let pushers = 16
        let rounds = 20
        let accepted = try Self.together(pushers) { pusher in
            var accepted = 0
            for round in 0..<rounds {
                // Every pusher has every key, each at a time of its own.
                let event = Self.event(pusher, round)
                let batch = try Fixtures.rows(
                    (0..<10).map { (key: $0, event: event, value: event) }
                )
                accepted += try fixture.push(batch).statuses.count { $0 == .accepted }
            }
            return accepted
        }
        #expect(accepted.reduce(0, +) >= 10)
        var newest = Int64.min
        for pusher in 0..<pushers {
            for round in 0..<rounds { newest = max(newest, Self.event(pusher, round)) }
        }
        let expected = [FeatureValue?](repeating: .int64(newest), count: 10)
        #expect(try fixture.read(Array(0..<10)) == expected)
    }

    @Test func `a write that waits too long for its turn is refused and leaves nothing`() throws {
        let fixture = try IngestFixture(
            backlog: Backlog.Limit(patience: TimeSpan(microseconds: 50_000))
        )
        let batch = try Self.rows(5..<6)
        try Self.whileHeld(fixture) {
            let error = try #require(throws: AlulaError.self) { try fixture.push(batch) }
            #expect(error.code == .resourceExhausted)
            #expect(error.message.contains("the disk of the online store is slow"))
            #expect(error.retry == .sameRequest)
            #expect(try fixture.read([5]) == [nil])
        }
        #expect(fixture.ingestor.lastEntry == 1)
        // On a busy machine the turn may be late again.
        var result: PushResult?
        for _ in 0..<20 where result == nil { result = try? fixture.push(batch) }
        #expect(result?.statuses == [.accepted])
        #expect(fixture.ingestor.lastEntry == 2)
    }
}
