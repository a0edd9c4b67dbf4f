import TestSupport
import Testing

@testable import Codec

struct KeyTimeOrderTests {
    @Test(arguments: [0, 1, 2, 100, 5_000])
    func `rows are ordered by key, time and row`(count: Int) {
        var random = SystemRandomNumberGenerator()
        for spread: (key: UInt64, time: Int64) in [
            (0, 0), (3, 5), (1 << 20, 1 << 40), (.max, 0), (1 << 63, 1),
        ] {
            let base = UInt64.random(in: 0...(.max - spread.key), using: &random)
            let keys = (0..<count).map { _ in
                UInt64.random(in: base...(base + spread.key), using: &random)
            }
            let times = (0..<count).map { _ in
                Int64.random(in: -spread.time...spread.time, using: &random)
            }
            let expected = (0..<count).sorted {
                (keys[$0], times[$0], $0) < (keys[$1], times[$1], $1)
            }
            guard let rows = KeyTimeOrder.rows(keys: keys, times: times) else {
                #expect(spread.key > 1 << 60)
                continue
            }
            #expect(rows.map { Int($0) } == expected)
        }
    }

    @Test(arguments: [0, 1, 2, 3])
    func `rows that crowd together are ordered, too`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        // Half of the rows have one key, a tenth one key and time, and one row is far away.
        let keys: [UInt64] = (0..<30_000).map { row in
            if row == 7 { return 1 << 40 }
            return random.chance(0.5) ? 5 : UInt64.random(in: 0..<2_000, using: &random)
        }
        let times: [Int64] = (0..<30_000).map { _ in
            random.chance(0.2) ? 77 : Int64.random(in: 0..<1_000, using: &random)
        }
        let expected = (0..<30_000).sorted { (keys[$0], times[$0], $0) < (keys[$1], times[$1], $1) }
        #expect(KeyTimeOrder.rows(keys: keys, times: times)?.map { Int($0) } == expected)
    }

    @Test func `keys and times that do not fit 64 bits are not ordered`() {
        #expect(KeyTimeOrder.rows(keys: [0, .max], times: [0, 1]) == nil)
        #expect(KeyTimeOrder.rows(keys: [0, 1], times: [.min, .max]) == nil)
    }
}
