import TestSupport
import Testing

@testable import Offline

struct CompactionPlanTests {
    /// Merges until there is nothing to do; answers the rows that were rewritten.
    private func settle(_ sizes: inout [UInt64]) -> UInt64 {
        var rewritten: UInt64 = 0
        while let places = CompactionPlan.next(sizes) {
            #expect(places.count > 1 && places.count <= CompactionPlan.fanIn)
            #expect(places == places.sorted() && Set(places).count == places.count)
            let merged = places.reduce(0) { $0 + sizes[$1] }
            rewritten += merged
            for place in places.reversed() { sizes.remove(at: place) }
            sizes.append(merged)
        }
        return rewritten
    }

    @Test(arguments: [1, 100, 5_000] as [UInt64])
    func `after every push there are few segments, and a row is rewritten a few times`(
        pushed: UInt64
    ) {
        var random = SeededRandom(seed: pushed)
        var sizes: [UInt64] = []
        var (rows, rewritten, most) = (UInt64(0), UInt64(0), 0)
        for _ in 1...4_000 {
            let size = UInt64.random(in: 1...pushed, using: &random)
            rows += size
            sizes.append(size)
            rewritten += settle(&sizes)
            most = max(most, sizes.count)
            #expect(sizes.reduce(0, +) == rows)
        }
        let tiers = (UInt64.bitWidth - rows.leadingZeroBitCount + 2) / 3
        #expect(most <= 7 * tiers)
        #expect(rewritten <= rows * UInt64(tiers))
    }

    @Test func `the chunks of a large import become few segments in one rewrite`() {
        var sizes = [UInt64](repeating: 65_536, count: 153)
        let rows = sizes.reduce(0, +)
        #expect(settle(&sizes) <= 2 * rows)
        #expect(sizes.count < 16)
    }

    @Test func `a large segment is left alone by small ones`() {
        var sizes: [UInt64] = [30_000_000]
        for _ in 1...1_000 {
            sizes.append(50)
            _ = settle(&sizes)
            #expect(sizes.contains(30_000_000))
        }
        #expect(CompactionPlan.next([]) == nil)
        #expect(CompactionPlan.next([UInt64](repeating: 9, count: 7)) == nil)
        #expect(CompactionPlan.next([1, 9, 9, 9, 9, 9, 9, 9, 9]) == Array(1...8))
        // Eight of them would be the eighth of the next tier.
        let above = [UInt64](repeating: 64, count: 7)
        #expect(CompactionPlan.next(above + [UInt64](repeating: 9, count: 8)) == Array(0..<15))
    }

    @Test(arguments: [0, 1, 2, 3, 4, 5, 9, 31, 32, 33, 63, 64, 153, 1_000], [2, 3, 32])
    func `passes end in one segment and never read too many`(count: Int, fanIn: Int) {
        let all = SegmentMap.KeySpan(least: [3, 0], greatest: [3, 9])
        let runs = (0..<count).map { CompactionPlan.Run(rows: UInt64($0 % 5 + 1), keys: all) }
        let passes = CompactionPlan.passes(runs, fanIn: fanIn)
        var live = Set(0..<count)
        for (number, pass) in passes.enumerated() {
            #expect(pass.count >= 2 && pass.count <= fanIn && live.isSuperset(of: pass))
            live.subtract(pass)
            live.insert(count + number)
        }
        #expect(live.count == min(count, 1))
    }

    @Test func `segments that do not overlap are merged in one pass, however many`() {
        let runs = (0..<200).map { (number: UInt8) in
            CompactionPlan.Run(
                rows: 10,
                keys: .init(least: [3, number, 0], greatest: [3, number, 9])
            )
        }
        #expect(CompactionPlan.passes(runs) == [Array(0..<200)])
        #expect(SegmentMap.KeySpan.depth(runs.map(\.keys)) == 1)
        let touching = runs.map { run in
            SegmentMap.KeySpan(least: run.keys.least, greatest: [3, run.keys.least[1] + 1, 0])
        }
        #expect(SegmentMap.KeySpan.depth(touching) == 2)
        #expect(SegmentMap.KeySpan.depth([]) == 0)
    }

    @Test func `no transaction is over its limit`() {
        let limit = MergeWriter.mostBytes
        let sizes =
            [0, 1, 4_000, 5_000, 512 << 10, 3 << 20, 6 << 20, 6 << 20, 1 << 20, 70_000]
            + [Int](repeating: 524_304, count: 100) + [Int](repeating: 17, count: 10_000)
        let parts = MergeWriter.transactions(sizes)
        #expect(parts.flatMap { Array($0) } == Array(sizes.indices))
        for part in parts {
            // A block takes whole pages.
            let pages = sizes[part].reduce(0) { $0 + ($1 < 4_096 ? 0 : $1 / 16_384 + 1) }
            let small = sizes[part].reduce(0) { $0 + ($1 < 4_096 ? $1 : 0) }
            #expect(pages * 16_384 + small <= limit - (256 << 10))
        }
        #expect(MergeWriter.transactions([]).isEmpty)
        #expect(MergeWriter.transactions([9 << 20, 9 << 20]) == [0..<1, 1..<2])
    }
}
