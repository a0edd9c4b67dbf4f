import Domain
import Offline
import Testing

@testable import Ingest

struct RetentionTests {
    private let age = TimeSpan(microseconds: 100)

    private func view(_ rule: RetentionRule?) -> FeatureView {
        var view = Fixtures.view()
        view.retention = rule
        return view
    }

    private func retire(
        _ fixture: IngestFixture,
        _ view: FeatureView,
        dryRun: Bool = false
    ) throws -> UInt64 {
        try fixture.ingestor.retire(
            view,
            dryRun: dryRun,
            cancelled: { false },
            progress: { _, _ in }
        )
    }

    @Test func `rows past their age leave both stores at once`() throws {
        let ruled = view(RetentionRule(age: age))
        let fixture = try IngestFixture([ruled])
        try fixture.push(try Fixtures.rows([(1, -101, 1), (2, -101, 2), (2, -100, 3), (3, -5, 4)]))
        try fixture.settle()
        #expect(try retire(fixture, view(nil)) == 0)
        #expect(try retire(fixture, ruled, dryRun: true) == 2)
        #expect(try fixture.read([1, 2, 3]) == [.int64(1), .int64(3), .int64(4)])
        #expect(try retire(fixture, ruled) == 2)
        #expect(try fixture.read([1, 2, 3]) == [nil, .int64(3), .int64(4)])
        #expect(try fixture.history(1).rows.count == 0)
        #expect(try fixture.history(2).rows.count == 1)
        #expect(try retire(fixture, ruled) == 0)
        #expect(fixture.ingestor.lastEntry == 2)
    }

    @Test func `the newest rows of a key stay, and what is online stays`() throws {
        let ruled = view(RetentionRule(rowsPerKey: 2))
        let fixture = try IngestFixture([ruled])
        for value in Int64(1)...5 { try fixture.push(try Fixtures.rows([(1, value - 50, value)])) }
        try fixture.settle()
        #expect(try retire(fixture, ruled) == 3)
        #expect(try fixture.read([1]) == [.int64(5)])
        let history = try fixture.history(1)
        #expect((0..<2).map { history.rows.features[0][$0] } == [.int64(4), .int64(5)])
    }

    @Test func `online rows that a crash left behind go at the next start`() throws {
        let ruled = view(RetentionRule(age: age))
        let fixture = try IngestFixture([ruled])
        try fixture.push(try Fixtures.rows([(1, -101, 1), (2, -5, 2)]))
        try fixture.settle()
        let staged = try #require(
            try fixture.offline.stageRetention(
                ruled,
                RetentionRule(age: age),
                now: fixture.clock.now,
                isCancelled: { false },
                progress: { _, _ in }
            )
        )
        let abandoned = try fixture.crashed([ruled], background: .all)
        let job = RetireJob(
            view: ruled.id,
            merge: staged.merge,
            before: fixture.clock.now - age,
            through: 1,
            ran: fixture.clock.now
        )
        _ = try fixture.ingestor.writer.run(.retire(job))
        #expect(try fixture.read([1, 2]) == [.int64(1), .int64(2)])
        let crashed = try fixture.crashed([ruled], background: .withoutCompaction)
        for fixture in [crashed, abandoned] {
            try fixture.waitForBackground()
            #expect(try fixture.read([1, 2]) == [nil, .int64(2)])
            #expect(try fixture.history(1).rows.count == 0)
            #expect(try fixture.offline.removals(after: 0).map(\.rows) == [1])
        }
    }

    @Test func `the background keeps the rule once a day`() throws {
        let ruled = view(RetentionRule(age: age))
        let fixture = try IngestFixture([ruled], background: .all)
        try fixture.waitForBackground()
        try fixture.push(try Fixtures.rows([(1, -101, 1)]))
        try fixture.settle()
        #expect(try fixture.read([1]) == [.int64(1)])
        let sameDay = try fixture.crashed(background: .all)
        try sameDay.waitForBackground()
        #expect(try sameDay.read([1]) == [.int64(1)])
        fixture.clock.now = fixture.clock.now + TimeSpan.seconds(86_400)
        let nextDay = try fixture.crashed(background: .all)
        try nextDay.waitForBackground()
        #expect(try nextDay.read([1]) == [nil])
    }

    @Test func `the background merges the segments of many pushes`() throws {
        for (background, isMerged) in [
            (BackgroundWork.all, true), (.withoutCompaction, false), (.none, false),
        ] {
            let fixture = try IngestFixture(background: background)
            for value in Int64(0)..<100 {
                try fixture.push(try Fixtures.rows([(value, -10, value)]))
                try fixture.settle()
            }
            try fixture.waitForBackground(isIdle: background != .none)
            let segments = try #require(try fixture.offline.statistics()[Fixtures.view().id])
            #expect(segments.rows == 100)
            #expect((segments.segments < 50) == isMerged, "\(background): \(segments.segments)")
        }
    }
}
