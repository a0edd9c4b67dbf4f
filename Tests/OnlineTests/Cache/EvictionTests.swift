import Domain
import Foundation
import TestSupport
import Testing

@testable import Online

@Suite struct EvictionTests {
    private static let budget = 4 << 20

    /// Reads keys, and fills in what is missing, as a read would.
    private func read(
        _ numbers: some Sequence<Int>,
        of fixture: CacheFixture,
        row: [UInt8]?
    ) -> (hits: Int, misses: Int) {
        var counts = (hits: 0, misses: 0)
        for number in numbers {
            let key = CacheFixture.key(number)
            if fixture.look(key) == .miss {
                counts.misses += 1
                fixture.fill(key, row)
            } else {
                counts.hits += 1
            }
        }
        return counts
    }

    @Test func `the budget holds, tables and all, and most of it is rows`() throws {
        for size in [20, 150, 4_000] {
            let fixture = try CacheFixture(byteBudget: Self.budget)
            let row = [UInt8](repeating: 1, count: size)
            for number in 0..<3 * Self.budget / (size + 40) {
                fixture.fill(CacheFixture.key(number), row)
                if number % 97 == 0 { #expect(fixture.cache.figures.bytes <= Self.budget) }
            }
            let figures = fixture.cache.figures
            #expect(figures.bytes <= Self.budget)
            #expect(figures.evictions > 0)
            let payload = figures.entries * RowRecord.byteCount(key: 12, row: size)
            #expect(payload > Self.budget * 6 / 10, "\(size): \(payload)")
        }
    }

    @Test func `a scan of ten times the cache leaves what is read often`() throws {
        let fixture = try CacheFixture(byteBudget: Self.budget)
        let row = [UInt8](repeating: 1, count: 150)
        let capacity = Self.budget / 200
        let hot = 0..<capacity / 2
        for _ in 0..<4 { _ = read(hot, of: fixture, row: row) }
        // Fills the cache, so that the hot rows have come through the small queue.
        _ = read(1_000_000..<1_000_000 + capacity, of: fixture, row: row)
        _ = read(hot, of: fixture, row: row)
        let scan = read(2_000_000..<2_000_000 + 10 * capacity, of: fixture, row: row)
        #expect(scan.hits == 0)
        let after = read(hot, of: fixture, row: row)
        #expect(after.misses * 100 <= hot.count, "\(after.misses) of \(hot.count) went")
    }

    @Test func `a scan of absences takes no more than a sixteenth`() throws {
        for budget in [1 << 20, 4 << 20, 64 << 20] {
            let fixture = try CacheFixture(byteBudget: budget)
            let row = [UInt8](repeating: 1, count: 150)
            let rows = 0..<1_000
            _ = read(rows, of: fixture, row: row)
            for number in 0..<budget / 100 {
                fixture.fill(CacheFixture.key(number + 5_000_000), nil)
            }
            let figures = fixture.cache.figures
            // With the share of a full table.
            let bytes = figures.absences * (RowRecord.byteCount(key: 12, row: 0) + 23)
            #expect(bytes <= budget / 16, "\(budget): \(bytes)")
            #expect(figures.absences > budget / 16 / 63 / 4)
            #expect(read(rows, of: fixture, row: row).misses == 0)
        }
    }

    @Test func `an absence that is asked for again and again stays`() throws {
        let fixture = try CacheFixture(byteBudget: Self.budget)
        for number in 0..<40_000 {
            fixture.fill(CacheFixture.key(number + 1_000), nil)
            if number % 50 == 0, fixture.look(CacheFixture.key(7)) == .miss {
                fixture.fill(CacheFixture.key(7), nil)
                #expect(number == 0)
            }
        }
    }

    @Test func `a row of half a megabyte is held where the budget is large, and refused else`()
        throws
    {
        let row = [UInt8](repeating: 3, count: Limits.rowBytes)
        let large = try CacheFixture(byteBudget: 256 << 20)
        for number in 0..<40 { large.fill(CacheFixture.key(number), row) }
        #expect(large.look(CacheFixture.key(39)) == .row(row))
        #expect(large.cache.figures.bytes <= 256 << 20)
        let small = try CacheFixture(byteBudget: 8 << 20)
        small.fill(CacheFixture.key(1), row)
        #expect(small.look(CacheFixture.key(1)) == .miss)
        small.fill(CacheFixture.key(1), [1])
        small.write(CacheFixture.key(1), row)
        #expect(small.look(CacheFixture.key(1)) == .miss)
    }

    @Test func `rows that are written go in while there is room, then only where they are held`()
        throws
    {
        let fixture = try CacheFixture()
        let row = [UInt8](repeating: 1, count: 150)
        fixture.write(CacheFixture.key(1), row)
        #expect(fixture.look(CacheFixture.key(1)) == .row(row))
        _ = read(1..<20_000, of: fixture, row: row)
        let evictions = fixture.cache.figures.evictions
        for number in 1_000_000..<1_001_000 { fixture.write(CacheFixture.key(number), row) }
        #expect(fixture.cache.figures.evictions == evictions)
        #expect(fixture.look(CacheFixture.key(1_000_500)) == .miss)
        let held = CacheFixture.key(19_999)
        fixture.write(held, [2])
        #expect(fixture.look(held) == .row([2]))
    }

    @Test func `a skewed load is answered from a tenth of its rows`() throws {
        let fixture = try CacheFixture(byteBudget: Self.budget)
        let row = [UInt8](repeating: 1, count: 150)
        let keys = 10 * Self.budget / 200
        var numbers = SeededRandom(seed: 11)
        // Zipfian with an exponent of one: ranks fall evenly on a logarithmic scale.
        let ranks = (0..<300_000).map { _ in
            Int(pow(Double(keys), Double(numbers.next() >> 11) / Double(1 << 53)))
        }
        _ = read(ranks.prefix(200_000), of: fixture, row: row)
        let counts = read(ranks.dropFirst(200_000), of: fixture, row: row)
        // The best tenth would answer 0.78.
        #expect(Double(counts.hits) / 100_000 > 0.70, "\(counts)")
    }
}
