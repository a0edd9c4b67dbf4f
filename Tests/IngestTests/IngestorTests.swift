import Domain
import Foundation
import Offline
import RocksDB
import Synchronization
import TestSupport
import Testing

@testable import Ingest

struct IngestorTests {
    let fixture: IngestFixture

    init() throws { fixture = try IngestFixture() }

    @Test func `a push is online at once and in history soon, with a status a row`() throws {
        let result = try fixture.push(
            try Fixtures.rows([
                (1, -10, 100), (1, -20, 200), (2, 60_000_000, 300), (3, 60_000_001, 400),
                (1, -10, 500),
            ])
        )
        #expect(result.logEntry == 1)
        #expect(result.statuses == [.accepted, .older, .accepted, .inFuture, .accepted])
        #expect(result.problems.map(\.row) == [3])
        #expect(try fixture.read([1, 2, 3]) == [.int64(500), .int64(300), nil])
        let history = try fixture.history(1)
        #expect(
            (0..<3).map { history.rows.features[0][$0] } == [.int64(200), .int64(100), .int64(500)]
        )
        #expect(history.positions.map(\.row) == [1, 0, 3])
        #expect(history.positions.allSatisfy { $0.entry == 1 })
        #expect(history.recorded == Array(repeating: fixture.clock.now, count: 3))
        #expect(fixture.ingestor.appliedEntry == 1)
    }

    @Test func `a push without a good row changes nothing, and its answer is kept`() throws {
        let id = Fixtures.requestID()
        let future = try Fixtures.rows([(1, 1 << 40, 1)])
        #expect(try fixture.push(future, requestID: id).statuses == [.inFuture])
        #expect(fixture.ingestor.lastEntry == 0)
        fixture.clock.now = Timestamp(microseconds: Fixtures.now + 1 << 41)
        #expect(try fixture.push(future, requestID: id).statuses == [.inFuture])
        #expect(try fixture.push(future).statuses == [.accepted])
    }

    @Test func `a refused request leaves no answer behind`() throws {
        let id = Fixtures.requestID()
        let wrong = try Fixtures.batch([("id", .int64, [.int64(1)])])
        #expect(throws: AlulaError.self) { try fixture.push(wrong, requestID: id) }
        #expect(try fixture.push(try Fixtures.rows([(1, 0, 1)]), requestID: id).logEntry == 1)
    }

    @Test(arguments: [0, 15, 17])
    func `a request id has sixteen bytes`(count: Int) throws {
        let error = try #require(throws: AlulaError.self) {
            try fixture.push(
                try Fixtures.rows([(1, 0, 1)]),
                requestID: Array(repeating: 1, count: count)
            )
        }
        #expect(error.code == .invalidArgument)
    }

    @Test func `a repeat gets the first answer and changes nothing, also after a restart`() throws {
        let id = Fixtures.requestID()
        let first = try fixture.push(try Fixtures.rows([(1, -10, 1), (1, -20, 2)]), requestID: id)
        let repeated = try fixture.push(try Fixtures.rows([(1, 0, 9)]), requestID: id)
        #expect(repeated.logEntry == first.logEntry)
        #expect(repeated.statuses == first.statuses)
        #expect(fixture.ingestor.lastEntry == 1)
        #expect(try fixture.read([1]) == [.int64(1)])
        let reopened = try fixture.reopened()
        #expect(try reopened.push(try Fixtures.rows([(1, 0, 9)]), requestID: id).logEntry == 1)
        #expect(reopened.ingestor.lastEntry == 1)
    }

    @Test func `repeats that race are one write`() throws {
        let ids = (0..<4).map { _ in Fixtures.requestID() }
        let entries = Mutex<[[UInt64]]>(Array(repeating: [], count: ids.count))
        inParallel(32) { index in
            let which = index % ids.count
            let result = try fixture.push(
                try Fixtures.rows([(Int64(which), 0, Int64(index))]),
                requestID: ids[which]
            )
            entries.withLock { $0[which].append(result.logEntry) }
        }
        #expect(fixture.ingestor.lastEntry == UInt64(ids.count))
        #expect(entries.withLock { $0 }.allSatisfy { Set($0).count == 1 && $0.count == 8 })
    }

    @Test func `pushes from many threads are each there once, in both stores`() throws {
        let entries = Mutex<[UInt64]>([])
        inParallel(16) { thread in
            for turn in 0..<10 {
                let result = try fixture.push(
                    try Fixtures.rows([
                        (Int64(thread), Int64(turn - 10), Int64(turn)),
                        (99, Int64(thread * 10 + turn - 1_000), 0),
                    ])
                )
                entries.withLock { $0.append(result.logEntry) }
            }
        }
        #expect(entries.withLock { $0.sorted() } == Array(1...160))
        #expect(try fixture.read(Array(0..<16)) == Array(repeating: .int64(9), count: 16))
        for thread in 0..<16 {
            let history = try fixture.history(Int64(thread))
            #expect(
                (0..<history.rows.count).map { history.rows.features[0][$0] }
                    == (0..<10).map { .int64($0) }
            )
        }
        #expect(try fixture.history(99).rows.count == 160)
        #expect(try fixture.offline.statistics()[Fixtures.view().id]?.rows == 320)
    }

    @Test func `recorded times never run backwards, also across a restart`() throws {
        func push(_ fixture: IngestFixture, at time: Int64) throws {
            fixture.clock.now = Timestamp(microseconds: Fixtures.now + time)
            try fixture.push(try Fixtures.rows([(1, -100 + Int64(fixture.ingestor.lastEntry), 0)]))
        }
        try push(fixture, at: 10)
        try push(fixture, at: 5)
        let reopened = try fixture.reopened()
        try push(reopened, at: 7)
        try push(reopened, at: 20)
        #expect(
            try reopened.history(1).recorded.map { $0.microseconds - Fixtures.now } == [
                10, 10, 10, 20,
            ]
        )
    }

    @Test func `a pushed row without a created time takes the recorded time in both stores`() throws
    {
        try fixture.push(try Fixtures.rows([(1, -5, 1)], created: [-1]))
        try fixture.push(try Fixtures.rows([(1, -5, 2)]))
        #expect(
            try fixture.push(try Fixtures.rows([(1, -5, 3)], created: [-1])).statuses == [.older]
        )
        #expect(try fixture.read([1]) == [.int64(2)])
        let history = try fixture.history(1)
        #expect((0..<3).map { history.rows.features[0][$0] } == [.int64(1), .int64(3), .int64(2)])
    }

    @Test func `a retired view takes no rows`() throws {
        fixture.catalog.set([Fixtures.view(isRetired: true)])
        let error = try #require(throws: AlulaError.self) {
            try fixture.push(try Fixtures.rows([(1, 0, 1)]))
        }
        #expect(error.code == .failedPrecondition)
        fixture.catalog.set([])
        #expect(throws: AlulaError.self) { try fixture.push(try Fixtures.rows([(1, 0, 1)])) }
        #expect(fixture.ingestor.lastEntry == 0)
    }

    @Test func `after a failed write all are refused with the reason, and reads go on`() throws {
        try fixture.push(try Fixtures.rows([(1, 0, 1)]))
        fixture.database.refuseWrites(because: AlulaError(.internal, "no space left"))
        let error = try #require(throws: AlulaError.self) {
            try fixture.push(try Fixtures.rows([(1, 0, 2)]))
        }
        #expect(error.code == .failedPrecondition)
        #expect(error.message.contains("no space left"))
        #expect(fixture.ingestor.failure != nil)
        #expect(fixture.ingestor.lastEntry == 1)
        #expect(try fixture.read([1]) == [.int64(1)])
    }

    @Test func `when stopped it takes no more writes`() throws {
        try fixture.push(try Fixtures.rows([(1, 0, 1)]))
        try fixture.ingestor.stop()
        #expect(fixture.offline.appliedThrough == 1)
        let error = try #require(throws: AlulaError.self) {
            try fixture.push(try Fixtures.rows([(1, 0, 2)]))
        }
        #expect(error.code == .unavailable)
        #expect(error.retry == .sameRequest)
    }

    @Test func `waiting for an entry that does not come ends at the deadline`() throws {
        let error = try #require(throws: AlulaError.self) {
            try fixture.ingestor.waitUntilApplied(1, deadline: .now + .milliseconds(20))
        }
        #expect(error.code == .deadlineExceeded)
    }

    @Test func `answers older than a day are swept, younger ones stay`() throws {
        let (old, young) = (Fixtures.requestID(), Fixtures.requestID())
        let batch = try Fixtures.rows([(1, 0, 1)])
        try fixture.push(batch, requestID: old)
        fixture.clock.now = fixture.clock.now + TimeSpan.seconds(100)
        try fixture.push(batch, requestID: young)
        fixture.clock.now =
            Timestamp(microseconds: Fixtures.now) + Limits.requestIdLife + TimeSpan.seconds(50)
        try fixture.push(batch)
        #expect(try fixture.push(batch, requestID: young).logEntry == 2)
        #expect(try fixture.push(batch, requestID: old).logEntry == 4)
    }
}

extension IngestFixture {
    /// Stops, and opens the same directory as it stands on disk.
    func reopened() throws -> IngestFixture {
        try ingestor.stop()
        try directory.copy("online", to: "again-online")
        for file in try FileManager.default.contentsOfDirectory(atPath: directory.path)
        where file.hasPrefix("offline.sqlite") {
            try directory.copy(file, to: "again-" + file)
        }
        let next = try TemporaryDirectory()
        for file in try FileManager.default.contentsOfDirectory(atPath: directory.path)
        where file.hasPrefix("again-") {
            try next.take(directory.file(file), as: String(file.dropFirst("again-".count)))
        }
        return try IngestFixture(in: next)
    }
}

/// Runs the body in so many threads at once and waits for all; what they throw is an issue.
func inParallel(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) {
    let left = Waitable(count)
    for index in 0..<count {
        startThread("test \(index)") {
            do { try body(index) } catch { Issue.record(error) }
            left.update { $0 -= 1 }
        }
    }
    left.wait { $0 == 0 ? () : nil }
}
