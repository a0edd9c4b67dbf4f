import Domain
import TestSupport
import Testing

@testable import Online

@Suite struct CacheWarmerTests {
    private let view = Fixtures.view()

    private func rows(_ keys: Range<Int64>, value: (Int64) -> Int64) throws -> FeatureRows {
        try Fixtures.rows(
            view,
            keys: [keys.map { .int64($0) }],
            events: keys.map { _ in 10 },
            features: [keys.map { .int64(value($0)) }]
        )
    }

    private func read(_ fixture: OnlineFixture, _ keys: Range<Int64>) throws -> [FeatureValue] {
        let answer = try fixture.store.read(
            plan: Fixtures.plan([Fixtures.part(view)]),
            keys: try Fixtures.keys([("id", .int64, keys.map { .int64($0) })]),
            now: Timestamp(microseconds: 20)
        )
        return (0..<keys.count).map { answer.columns[0][$0] }
    }

    @Test func `an opened store reads its rows from memory before anybody asked for them`() throws {
        let fixture = try OnlineFixture()
        try fixture.push(rows(0..<3_000) { $0 * 3 }, to: view)
        let cold = fixture.cold()
        let warmer = CacheWarmer(cold.store)
        warmer.start()
        #expect(warmer.wait() == 3_000)
        #expect(cold.store.cache.figures.entries == 3_000)
        #expect(try read(cold, 0..<3_000) == (0..<3_000).map { .int64($0 * 3) })
        #expect(cold.store.cache.figures.misses == 0)
    }

    @Test func `what reads brought in stays, and a full cache ends the warming`() throws {
        let fixture = try OnlineFixture()
        try fixture.push(rows(0..<12_000) { $0 }, to: view)
        var small = fixture
        small.store = OnlineStore(fixture.database, cache: RowCache(byteBudget: 1 << 20, lanes: 1))
        #expect(try read(small, 11_000..<11_500).count == 500)
        let warmer = CacheWarmer(small.store)
        warmer.start()
        #expect(warmer.wait() < 12_000)
        let figures = small.store.cache.figures
        #expect(figures.evictions == 0)
        #expect(figures.entries > 2_000)
        #expect(try read(small, 11_000..<11_500).count == 500)
        #expect(small.store.cache.figures.misses == 500)
    }

    @Test func `it stops when it is told to, and takes nothing of what is written meanwhile`()
        throws
    {
        let fixture = try OnlineFixture()
        try fixture.push(rows(0..<2_000) { $0 }, to: view)
        let cold = fixture.cold()
        let warmer = CacheWarmer(cold.store)
        warmer.start()
        try cold.apply(
            try Fixtures.rows(
                view,
                keys: [(0..<2_000).map { .int64($0) }],
                events: (0..<2_000).map { _ in 11 },
                features: [(0..<2_000).map { .int64(-$0) }]
            ),
            to: view,
            from: .push(entry: 2, recorded: Timestamp(microseconds: 2_000))
        )
        warmer.stop()
        #expect(try read(cold, 0..<2_000) == (0..<2_000).map { .int64(-$0) })
        // A warmer that was never started has nothing to stop.
        CacheWarmer(OnlineStore(fixture.database, cache: RowCache(byteBudget: 0, lanes: 1))).stop()
    }
}
