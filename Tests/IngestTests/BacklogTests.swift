import Domain
import Foundation
import Ingest
import TestSupport
import Testing

@testable import Offline

struct BacklogTests {
    private static func rows(_ count: Int) throws -> RecordBatch {
        try Fixtures.rows((0..<Int64(count)).map { (key: $0, event: -1, value: $0) })
    }

    /// Runs the body while the offline store takes nothing.
    private static func whileStalled(
        _ fixture: IngestFixture,
        _ body: () throws -> Void
    ) throws {
        let (reached, gate, ended) = (
            DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)
        )
        Thread.detachNewThread {
            try? fixture.offline.write { _ in
                reached.signal()
                gate.wait()
            }
            ended.signal()
        }
        reached.wait()
        defer {
            gate.signal()
            ended.wait()
        }
        try body()
    }

    @Test func `pushes are taken up to the limit of entries, and refused past it`() throws {
        let limit = Backlog.Limit(entries: 3, patience: TimeSpan(microseconds: 20_000))
        let fixture = try IngestFixture(backlog: limit)
        try Self.whileStalled(fixture) {
            for _ in 0..<4 { #expect(try fixture.push(Self.rows(1)).statuses.count == 1) }
            let error = try #require(throws: AlulaError.self) { try fixture.push(Self.rows(1)) }
            #expect(error.code == .resourceExhausted)
            #expect(error.message.contains("4 writes"))
            #expect(!error.help.isEmpty)
            #expect(error.retry == .sameRequest)
            // Reads go on, and nothing of the refused write is there.
            #expect(try fixture.read([0]) == [.int64(0)])
            #expect(fixture.ingestor.lastEntry == 4)
        }
        try fixture.settle()
        #expect(try fixture.push(Self.rows(1)).logEntry == 5)
    }

    @Test func `pushes are refused past the limit of bytes`() throws {
        let limit = Backlog.Limit(bytes: 10_000, patience: TimeSpan(microseconds: 20_000))
        let fixture = try IngestFixture(backlog: limit)
        var taken = 0
        try Self.whileStalled(fixture) {
            let error = try #require(throws: AlulaError.self) {
                for _ in 0..<100 {
                    try fixture.push(Self.rows(100))
                    taken += 1
                }
            }
            #expect(error.code == .resourceExhausted)
            #expect(fixture.ingestor.unappliedBytes > 10_000)
        }
        // Every push has over 2,400 bytes of keys, times and values, and under 3,600 in all.
        #expect((3...5).contains(taken))
    }

    @Test func `a push that waits goes on when the offline store has caught up`() throws {
        let limit = Backlog.Limit(entries: 2, patience: TimeSpan.seconds(30))
        let fixture = try IngestFixture(backlog: limit)
        for _ in 0..<40 { #expect(try fixture.push(Self.rows(1)).statuses.count == 1) }
        try fixture.settle()
        #expect(fixture.ingestor.unappliedBytes == 0)
        #expect(fixture.ingestor.appliedEntry == 40)
    }

    @Test func `small entries gather, and become one segment`() throws {
        let fixture = try IngestFixture()
        for _ in 0..<20 { try fixture.push(Self.rows(2)) }
        try fixture.settle()
        let statistics = try fixture.offline.statistics()
        let view = try #require(statistics[FeatureViewID(1)])
        #expect(view.rows == 40)
        #expect(view.segments < 10)
    }
}
