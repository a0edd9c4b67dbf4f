import Domain
import Ingest
import Online
import RocksDB
import TestSupport
import Testing

struct FreshnessTests {
    private let view = FeatureViewID(1)

    private func freshness(_ fixture: IngestFixture) -> ViewFreshness? {
        fixture.ingestor.freshness[view]
    }

    /// Rows of the view, counted one by one.
    private func counted(_ fixture: IngestFixture) throws -> UInt64 {
        var count: UInt64 = 0
        try fixture.database.scan(.rows, from: []) { _, _ in
            count += 1
            return true
        }
        return count
    }

    private func time(_ sinceNow: Int64) -> Timestamp {
        Timestamp(microseconds: Fixtures.now + sinceNow)
    }

    @Test func `a view without rows has none`() throws {
        #expect(freshness(try IngestFixture()) == nil)
    }

    @Test func `rows are counted once a key, and the newest event stays`() throws {
        let fixture = try IngestFixture()
        try fixture.push(
            Fixtures.rows([
                (key: 1, event: -5, value: 1), (key: 2, event: -9, value: 1),
                (key: 1, event: -3, value: 2), (key: 1, event: -4, value: 3),
            ])
        )
        #expect(freshness(fixture)?.rows == 2)
        #expect(freshness(fixture)?.newestEvent == time(-3))
        // Older than what is there: changes neither.
        try fixture.push(Fixtures.rows([(key: 2, event: -20, value: 1)]))
        try fixture.push(
            Fixtures.rows([(key: 2, event: -8, value: 1), (key: 3, event: -100, value: 1)])
        )
        #expect(freshness(fixture)?.rows == 3)
        #expect(freshness(fixture)?.newestEvent == time(-3))
        #expect(try counted(fixture) == 3)
    }

    @Test func `it is the same after a crash`() throws {
        let fixture = try IngestFixture()
        try fixture.push(
            Fixtures.rows([(key: 1, event: -5, value: 1), (key: 2, event: -2, value: 1)])
        )
        let expected = freshness(fixture)
        try fixture.directory.copy("online", to: "crashed/online")
        let database = try Database(
            path: fixture.directory.file("crashed/online"),
            cacheBytes: 8 << 20
        )
        let ingestor = try Ingestor(
            database: database,
            online: OnlineStore(database, cache: RowCache(byteBudget: 0, lanes: 1)),
            offline: fixture.offline,
            catalog: { fixture.catalog.snapshot },
            now: { fixture.clock.now },
            background: .none
        )
        #expect(ingestor.freshness[view] == expected)
        #expect(expected?.rows == 2)
    }

    @Test func `what is forgotten is counted no more`() throws {
        let fixture = try IngestFixture()
        try fixture.push(
            Fixtures.rows([(key: 1, event: -5, value: 1), (key: 2, event: -6, value: 1)])
        )
        _ = try fixture.ingestor.forget(
            EntityKey([.int64(1)]),
            of: Fixtures.view().entity,
            views: [Fixtures.view()],
            requestID: Fixtures.requestID()
        )
        // One that is not there.
        _ = try fixture.ingestor.forget(
            EntityKey([.int64(77)]),
            of: Fixtures.view().entity,
            views: [Fixtures.view()],
            requestID: Fixtures.requestID()
        )
        #expect(freshness(fixture)?.rows == 1)
        #expect(try counted(fixture) == 1)
        #expect(freshness(fixture)?.newestEvent == time(-5))
    }

    @Test func `random pushes are counted as a scan counts them`() throws {
        let fixture = try IngestFixture()
        var random = SeededRandom(seed: 7)
        var newest = Int64.min
        for _ in 0..<40 {
            let rows = (0..<Int.random(in: 1...30, using: &random)).map { _ in
                (
                    key: Int64.random(in: 0..<60, using: &random),
                    event: Int64.random(in: -1_000...0, using: &random), value: Int64(1)
                )
            }
            newest = max(newest, rows.map(\.event).max() ?? newest)
            try fixture.push(Fixtures.rows(rows))
            #expect(freshness(fixture)?.rows == (try counted(fixture)))
            #expect(freshness(fixture)?.newestEvent == time(newest))
        }
    }
}
