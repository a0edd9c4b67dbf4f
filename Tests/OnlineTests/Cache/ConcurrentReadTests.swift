import Codec
import Domain
import Foundation
import RocksDB
import Synchronization
import TestSupport
import Testing

@testable import Online

/// Threads that read, push, materialise and delete through one store on RocksDB; what each saw and
/// when is held against a register for each key.
@Suite struct ConcurrentReadTests {
    private static let keyCount: Int64 = 24
    private static let readers = 3

    private struct Seen: Sendable {
        var key: Int64
        var value: Int64?
        var begin: UInt64
        var end: UInt64
    }

    private struct Record: Sendable {
        var reads: [Seen] = []
        var writes: [Seen] = []
    }

    private let view = Fixtures.view(features: [(1, "x", .int64), (2, "pad", .string)])

    /// Moments that all threads agree on.
    private final class Clock: Sendable {
        private let time = Atomic<UInt64>(0)

        func tick() -> UInt64 {
            time.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
        }
    }

    private func rows(_ keys: [Int64], first: Int64, pad: Int) throws -> FeatureRows {
        try Fixtures.rows(
            view,
            keys: [keys.map { .int64($0) }],
            // Later writes are newer, so that each is taken.
            events: keys.indices.map { first + Int64($0) },
            created: keys.map { _ in 1 },
            features: [
                keys.indices.map { .int64(first + Int64($0)) },
                keys.map { _ in .string(String(repeating: "p", count: pad)) },
            ]
        )
    }

    /// One thread writes groups as the writer does; answers what it wrote.
    private func write(_ fixture: OnlineFixture, seed: UInt64, _ clock: Clock) throws -> [Seen] {
        var numbers = SeededRandom(seed: seed)
        var written: [Seen] = []
        var next: Int64 = 1
        for round in 0..<400 {
            let keys = (0..<Self.keyCount).filter { _ in numbers.next() % 3 == 0 }
            guard !keys.isEmpty else { continue }
            let begin = clock.tick()
            let batch = WriteBatch(fixture.database)
            var pending = PendingRows()
            var values: [Int64?] = []
            if numbers.next() % 4 == 0 {
                for key in keys {
                    try fixture.store.forget(
                        KeyCodec.encode(EntityKey([.int64(key)])),
                        of: view.entity.id,
                        views: [view.id],
                        into: batch,
                        pending: &pending
                    )
                    values.append(nil)
                }
            } else {
                let pad = numbers.next() % 8 == 0 ? 2_000 : Int(numbers.next() % 60)
                let origin: RowOrigin =
                    numbers.next() % 3 == 0
                    ? .history(keys.indices.map { LogPosition(entry: 9, row: UInt32($0)) })
                    : .push(entry: UInt64(round + 10), recorded: Timestamp(microseconds: 5))
                _ = try fixture.store.apply(
                    try rows(keys, first: next, pad: pad),
                    of: view,
                    from: origin,
                    into: batch,
                    pending: &pending
                )
                values = keys.indices.map { next + Int64($0) }
                next += Int64(keys.count)
            }
            fixture.store.cache.begin(pending, in: batch)
            try fixture.database.write(batch, .buffered)
            fixture.store.cache.finish(pending, in: batch, written: true)
            let end = clock.tick()
            for (key, value) in zip(keys, values) {
                written.append(Seen(key: key, value: value, begin: begin, end: end))
            }
        }
        return written
    }

    private func read(
        _ fixture: OnlineFixture,
        seed: UInt64,
        _ clock: Clock,
        until isDone: () -> Bool
    ) throws -> [Seen] {
        var numbers = SeededRandom(seed: seed)
        var seen: [Seen] = []
        let lane = ReadLane(fixture.store)
        let plan = Fixtures.plan([Fixtures.part(view)])
        while !isDone() {
            let keys = (0..<4).map { _ in Int64(numbers.next() % UInt64(Self.keyCount)) }
            let begin = clock.tick()
            let bytes = try fixture.store.readBytes(
                plan: plan,
                keys: try Fixtures.keys([("id", .int64, keys.map { .int64($0) })]),
                now: Timestamp(microseconds: 0),
                lane: lane
            )
            let end = clock.tick()
            let answer = try OnlineAnswer(bytes, plan: plan)
            for (row, key) in keys.enumerated() {
                let value: Int64? =
                    if case .int64(let value) = answer.columns[0][row] { value } else { nil }
                seen.append(Seen(key: key, value: value, begin: begin, end: end))
            }
            // Others crowd the cache, so that rows go and come back.
            if numbers.next() % 4 == 0 {
                let others = (0..<64).map { _ in Int64(numbers.next() % 40_000) + 1_000 }
                _ = try fixture.store.readBytes(
                    plan: plan,
                    keys: try Fixtures.keys([("id", .int64, others.map { .int64($0) })]),
                    now: Timestamp(microseconds: 0),
                    lane: lane
                )
            }
        }
        return seen
    }

    @Test(arguments: [1 << 20, 0])
    func `reads of many threads are in one order with the writes of each key`(budget: Int) throws {
        for seed in UInt64(0)..<3 {
            var fixture = try OnlineFixture()
            fixture.store = OnlineStore(
                fixture.database,
                cache: RowCache(byteBudget: budget, lanes: Self.readers)
            )
            try fixture.push(
                rows(Array(1_000..<8_000), first: 0, pad: 100),
                to: view,
                entry: 1
            )
            let record = Mutex(Record())
            let running = Waiting()
            let clock = Clock()
            let store = fixture
            for reader in 0..<Self.readers {
                running.start {
                    let seen = try read(store, seed: seed * 7 + UInt64(reader), clock) {
                        running.isDone
                    }
                    record.withLock { $0.reads += seen }
                }
            }
            let written = try write(store, seed: seed, clock)
            running.finish()
            record.withLock { $0.writes = written }
            let all = record.withLock { $0 }
            #expect(all.reads.count > 100)
            for key in 0..<Self.keyCount {
                var history = RegisterHistory<Int64?>(first: nil)
                history.writes = all.writes.filter { $0.key == key }
                    .map { .init(state: $0.value, begin: $0.begin, end: $0.end) }
                history.reads = all.reads.filter { $0.key == key }
                    .map { .init(state: $0.value, begin: $0.begin, end: $0.end) }
                #expect(history.contradiction() == nil, "seed \(seed), key \(key)")
            }
            let figures = store.store.cache.figures
            #expect(figures.bytes <= budget)
            if budget > 0 { #expect(figures.hits > 0 && figures.misses > 0) }
        }
    }
}

/// Threads that run until they are told that it is done.
private final class Waiting: Sendable {
    private let group = DispatchGroup()
    private let done = Atomic(false)

    var isDone: Bool { done.load(ordering: .relaxed) }

    func start(_ body: @escaping @Sendable () throws -> Void) {
        group.enter()
        Thread.detachNewThread { [group] in
            do { try body() } catch { Issue.record(error) }
            group.leave()
        }
    }

    func finish() {
        done.store(true, ordering: .relaxed)
        group.wait()
    }
}
