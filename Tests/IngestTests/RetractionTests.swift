import Domain
import Offline
import Synchronization
import Testing

@testable import Ingest

struct RetractionTests {
    let fixture: IngestFixture
    let view = Fixtures.view()

    init() throws { fixture = try IngestFixture() }

    @Test func `a retraction is one log entry, also when it is asked for again`() throws {
        try fixture.push(try Fixtures.rows([(1, -10, 1)]))
        let id = Fixtures.requestID()
        let entry = try fixture.ingestor.retract(1...1, view: view, requestID: id)
        #expect(entry == 2)
        #expect(try fixture.ingestor.retract(1...1, view: view, requestID: id) == 2)
        #expect(try fixture.retract(1...1, view: view) == 3)
        let reopened = try fixture.reopened()
        #expect(try reopened.ingestor.retract(1...1, view: view, requestID: id) == 2)
        #expect(reopened.ingestor.lastEntry == 3)
    }

    @Test(arguments: [0...0, 0...1, 2...2, 1...2, 5...9] as [ClosedRange<UInt64>])
    func `entries that are not there cannot be retracted`(entries: ClosedRange<UInt64>) throws {
        try fixture.push(try Fixtures.rows([(1, -10, 1)]))
        let error = try #require(throws: AlulaError.self) { try fixture.retract(entries) }
        #expect(error.code == .invalidArgument)
        #expect(fixture.ingestor.lastEntry == 1)
        #expect(try fixture.pendingRetractions() == 0)
    }

    @Test func `the newest row that is left comes online, and a key without one goes`() throws {
        try fixture.push(try Fixtures.rows([(1, -30, 10), (3, -30, 30)]))
        try fixture.push(try Fixtures.rows([(1, -10, 11), (2, -10, 21), (3, -40, 31)]))
        try fixture.retract(2...2, view: view)
        #expect(try fixture.restore() == 2)
        #expect(try fixture.read([1, 2, 3]) == [.int64(10), nil, .int64(30)])
        #expect(try fixture.pendingRetractions() == 0)
        #expect(try fixture.history(1).rows.count == 1)
        #expect(try fixture.restore() == 0)
    }

    @Test func `a push is compared with what is left, not with what was retracted`() throws {
        try fixture.push(try Fixtures.rows([(1, -10, 1), (2, -10, 2)]))
        try fixture.retract(1...1)
        #expect(try fixture.push(try Fixtures.rows([(1, -50, 3)])).statuses == [.accepted])
        #expect(try fixture.read([1, 2]) == [.int64(3), .int64(2)])
        try fixture.restore()
        #expect(try fixture.read([1, 2]) == [.int64(3), nil])
    }

    @Test func `a row of history that is newer than what took the place comes back`() throws {
        try fixture.push(try Fixtures.rows([(1, -30, 1)]))
        try fixture.push(try Fixtures.rows([(1, -10, 2)]))
        try fixture.retract(2...2)
        try fixture.push(try Fixtures.rows([(1, -50, 3)]))
        #expect(try fixture.read([1]) == [.int64(3)])
        let crashed = try fixture.crashed()
        for fixture in [fixture, crashed] {
            #expect(try fixture.restore() == 1)
            #expect(try fixture.read([1]) == [.int64(1)])
            #expect(try fixture.restore() == 0)
        }
    }

    @Test func `only the view that was named is touched`() throws {
        let other = Fixtures.view(id: 2, name: "w", features: [(2, "x", .int64)])
        let fixture = try IngestFixture([view, other])
        for target in [view, other] {
            try fixture.push(try Fixtures.rows([(1, -10, Int64(target.id.number))]), to: target)
        }
        try fixture.retract(1...2, view: other)
        try fixture.restore([view, other])
        #expect(try fixture.read([1], of: view) == [.int64(1)])
        #expect(try fixture.read([1], of: other) == [nil])
        try fixture.retract(1...2)
        // Without the other view it is not done.
        try fixture.restore([view])
        #expect(try fixture.pendingRetractions() == 1)
        #expect(try fixture.read([1], of: view) == [nil])
        try fixture.restore([view, other])
        #expect(try fixture.pendingRetractions() == 0)
    }

    @Test func `an import is undone, and what it had covered comes back`() throws {
        try fixture.push(try Fixtures.rows((0..<3_000).map { ($0, -100, $0) }))
        let entry = try fixture.importRows((1_000..<4_000).map { ($0, -50, -$0) })
        try fixture.settle()
        #expect(try fixture.ingestor.materialize(views: [view]) == 3_000)
        try fixture.retract(entry...entry, view: view)
        let seen = Mutex<[UInt64]>([])
        let restored = try fixture.ingestor.restoreOnline(
            views: [view],
            cancelled: { false },
            progress: { _, keys, _ in seen.withLock { $0.append(keys) } }
        )
        // 2,000 changed, 1,000 went.
        #expect(restored == 3_000)
        #expect(seen.withLock { $0.last } == 3_000)
        let values = try fixture.read(Array(0..<4_000))
        #expect(values == (0..<4_000).map { $0 < 3_000 ? .int64($0) : nil })
    }

    @Test func `materialize does not bring back what is retracted`() throws {
        let entry = try fixture.importRows([(1, -10, 1), (2, -10, 2)])
        try fixture.push(try Fixtures.rows([(1, -30, 3)]))
        try fixture.retract(entry...entry)
        try fixture.settle()
        #expect(try fixture.ingestor.materialize(views: [view]) == 0)
        #expect(try fixture.read([1, 2]) == [.int64(3), nil])
    }

    @Test func `rows read before a retraction or a deletion do not come online after it`() throws {
        let keys = Int64(0)..<5_000
        let wrong = try fixture.importRows(keys.map { ($0, -10, -1) })
        try fixture.importRows(keys.map { ($0, -20, $0) })
        try fixture.settle()
        let isFirst = Mutex(true)
        _ = try fixture.ingestor.materialize(
            views: [view],
            progress: { _ in
                guard
                    isFirst.withLock({ wasFirst in
                        defer { wasFirst = false }
                        return wasFirst
                    })
                else { return }
                do {
                    try fixture.retract(wrong...wrong)
                    try fixture.forget(4_999)
                } catch { Issue.record(error) }
            }
        )
        // What was written before the retraction stands until it is restored, the rest is absent.
        #expect(try fixture.read([0, 4_998, 4_999]) == [.int64(-1), nil, nil])
        try fixture.restore()
        try fixture.ingestor.materialize(views: [view])
        #expect(try fixture.read([0, 4_998, 4_999]) == [.int64(0), .int64(4_998), nil])
    }

    @Test func `restoring stops when it is cancelled, and goes on later`() throws {
        try fixture.push(try Fixtures.rows((0..<5_000).map { ($0, -20, 1) }))
        try fixture.push(try Fixtures.rows((0..<5_000).map { ($0, -10, 2) }))
        try fixture.retract(2...2)
        try fixture.settle()
        let left = Mutex(4)
        let error = try #require(throws: AlulaError.self) {
            try fixture.ingestor.restoreOnline(
                views: [view],
                cancelled: {
                    left.withLock { left in
                        left -= 1
                        return left < 0
                    }
                },
                progress: { _, _, _ in }
            )
        }
        #expect(error.code == .cancelled)
        let half = try fixture.read(Array(0..<5_000))
        #expect(half.first == .int64(1))
        #expect(half.last == .int64(2))
        #expect(try fixture.pendingRetractions() == 1)
        let crashed = try fixture.crashed(background: .withoutCompaction)
        try crashed.waitForBackground()
        #expect(try crashed.read(Array(0..<5_000)) == Array(repeating: .int64(1), count: 5_000))
        #expect(try fixture.restore() == 5_000 - half.count { $0 == .int64(1) })
    }

    @Test func `two retractions of the same key are both brought to their end`() throws {
        for value in Int64(1)...4 {
            try fixture.push(try Fixtures.rows([(1, -50 + value, value)]))
        }
        try fixture.retract(4...4)
        try fixture.retract(2...3)
        try fixture.push(try Fixtures.rows([(1, -60, 5)]))
        try fixture.restore()
        #expect(try fixture.read([1]) == [.int64(1)])
        try fixture.retract(1...1)
        try fixture.restore()
        #expect(try fixture.read([1]) == [.int64(5)])
    }

    @Test func `a row a little ahead of now is not lost`() throws {
        try fixture.push(try Fixtures.rows([(1, 30_000_000, 1)]))
        try fixture.push(try Fixtures.rows([(1, 40_000_000, 2)]))
        try fixture.retract(2...2)
        try fixture.restore()
        #expect(try fixture.read([1]) == [.int64(1)])
    }

    @Test func `the background brings a retraction to its end`() throws {
        let fixture = try IngestFixture(background: .all)
        try fixture.push(try Fixtures.rows([(1, -30, 1)]))
        try fixture.push(try Fixtures.rows([(1, -10, 2)]))
        try fixture.retract(2...2)
        try fixture.waitForBackground()
        #expect(try fixture.read([1]) == [.int64(1)])
        try fixture.ingestor.stop()
    }
}
