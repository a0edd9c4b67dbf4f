import TestSupport
import Testing

@testable import Online

@Suite struct RowCacheTests {
    private static func row(_ count: Int, _ seed: UInt64) -> [UInt8] {
        var numbers = SeededRandom(seed: seed)
        let first = numbers.next()
        return (0..<count).map { UInt8(truncatingIfNeeded: first &+ UInt64($0) &* (seed | 1)) }
    }

    @Test func `rows and absences are answered as they were filled in, by view`() throws {
        let fixture = try CacheFixture()
        let key = CacheFixture.key(1)
        #expect(fixture.look(key) == .miss)
        fixture.fill(key, [1, 2, 3])
        fixture.fill(key, nil, view: 2)
        #expect(fixture.look(key) == .row([1, 2, 3]))
        #expect(fixture.look(key, view: 2) == .absent)
        #expect(fixture.look(key, view: 3) == .miss)
        #expect(fixture.look(CacheFixture.key(1, bytes: 13)) == .miss)
        let figures = fixture.cache.figures
        #expect(figures.entries == 2)
        #expect(figures.absences == 1)
        #expect(figures.hits == 1)
        #expect(figures.absentHits == 1)
        #expect(figures.misses == 3)
    }

    @Test func `a cache without a budget misses everything and takes nothing`() throws {
        let fixture = try CacheFixture(byteBudget: 0)
        let key = CacheFixture.key(1)
        fixture.fill(key, [1])
        fixture.write(key, [2])
        #expect(fixture.look([key, key]) == [.miss, .miss])
        #expect(fixture.cache.figures.bytes == 0)
    }

    @Test func `a write replaces what is held, of whatever size, and a deletion takes it away`()
        throws
    {
        let fixture = try CacheFixture()
        let key = CacheFixture.key(1)
        fixture.fill(key, nil)
        for size in [1, 8, 7, 64, 9, 1_000, 200, 2_000, 0, 3] {
            let row = Self.row(size, UInt64(size))
            fixture.write(key, row)
            #expect(fixture.look(key) == .row(row), "\(size)")
        }
        fixture.write(key, nil)
        #expect(fixture.look(key) == .miss)
        #expect(fixture.cache.figures.entries == 0)
        #expect(fixture.cache.figures.absences == 0)
    }

    @Test func `what fails to be written is not held any more`() throws {
        let fixture = try CacheFixture()
        let key = CacheFixture.key(1)
        fixture.fill(key, [1])
        let write = fixture.begin(key, [2])
        #expect(fixture.look(key) == .row([1]))
        fixture.finish(write, written: false)
        #expect(fixture.look(key) == .miss)
    }

    @Test func `a key is found among others of the same hash`() throws {
        let fixture = try CacheFixture(hashMask: 0)
        let keys = (0..<100).map { CacheFixture.key($0) }
        for (number, key) in keys.enumerated() { fixture.fill(key, [UInt8(number)]) }
        #expect(fixture.look(keys) == (0..<100).map { .row([UInt8($0)]) })
        fixture.write(keys[50], nil)
        #expect(fixture.look(keys[50]) == .miss)
        #expect(fixture.look(keys[51]) == .row([51]))
    }

    /// Rows of every size, with deletions and overwrites, beside a dictionary of the truth.
    ///
    /// A cache of an eighth of a megabyte an entry has to throw out nearly all the time.
    @Test(arguments: [
        (UInt64(0), UInt64.max), (1, 0xFFFF), (2, 0x3F), (3, .max), (4, 0xFF_FFFF_FFFF),
    ])
    func `whatever is done, what is held is true, and the budget holds`(
        seed: UInt64,
        mask: UInt64
    ) throws {
        let budget = 2 << 20
        let fixture = try CacheFixture(byteBudget: budget, hashMask: mask)
        var numbers = SeededRandom(seed: seed)
        let keys = (0..<(mask == 0x3F ? 200 : 6_000)).map { number in
            CacheFixture.key(number, bytes: 9 + number % 40)
        }
        var truth: [Int: [UInt8]] = [:]
        var hits = 0
        for step in 0..<12_000 {
            // Half of the keys are asked for most of the time.
            let among = numbers.next() % 4 == 0 ? keys.count : keys.count / 8
            let number = Int(numbers.next() % UInt64(among))
            let key = keys[number]
            switch numbers.next() % 10 {
            case 0..<6:
                switch fixture.look(key) {
                case .miss: fixture.fill(key, truth[number])
                case .absent:
                    hits += 1
                    #expect(truth[number] == nil, "seed \(seed), step \(step)")
                case .row(let row):
                    hits += 1
                    #expect(truth[number] == row, "seed \(seed), step \(step)")
                }
            case 6..<9:
                let most: UInt64 = numbers.next() % 50 == 0 ? 12_000 : 600
                truth[number] = Self.row(Int(numbers.next() % most), UInt64(step))
                fixture.write(key, truth[number])
            default:
                truth[number] = nil
                fixture.write(key, nil)
            }
            if step % 64 == 0 {
                let figures = fixture.cache.figures
                #expect(figures.bytes <= budget, "seed \(seed), step \(step)")
                #expect(figures.entries <= keys.count)
            }
        }
        #expect(hits > 2_000)
        let held = fixture.look(keys)
        for (number, found) in held.enumerated() {
            switch found {
            case .miss: continue
            case .absent: #expect(truth[number] == nil)
            case .row(let row): #expect(truth[number] == row)
            }
        }
        #expect(held.count { $0 != .miss } == fixture.cache.figures.entries)
    }

    @Test func `many rows written at once are all there, or none where the write failed`() throws {
        let fixture = try CacheFixture(byteBudget: 8 << 20)
        let rows = (0..<3_000).map {
            (key: CacheFixture.key($0), row: [UInt8($0 & 0xFF)] as [UInt8]?)
        }
        fixture.finish(fixture.begin(rows))
        #expect(fixture.look(rows.map(\.key)) == rows.map { .row($0.row ?? []) })
        let changed = rows.map { (key: $0.key, row: [9, 9] as [UInt8]?) }
        let write = fixture.begin(changed)
        for row in rows { fixture.fill(row.key, [7]) }
        #expect(fixture.look(rows.map(\.key)) == rows.map { .row($0.row ?? []) })
        fixture.finish(write, written: false)
        #expect(fixture.look(rows.map(\.key)).allSatisfy { $0 == .miss })
    }
}
