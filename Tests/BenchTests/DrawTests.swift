import Bench
import Glibc
import Testing

struct DrawTests {
    @Test(arguments: [0.3, 0.99, 1, 1.2, 2.5])
    func `zipfian ranks come as often as their weights say`(exponent: Double) {
        for count in [1, 2, 3, 10, 200] {
            let ranks = ZipfianRanks(count: count, exponent: exponent)
            var random = RandomStream(seed: UInt64(count))
            let draws = 200_000
            var seen = [Int](repeating: 0, count: count + 1)
            for _ in 0..<draws { seen[ranks.draw(&random)] += 1 }
            let weights = (1...count).map { pow(Double($0), -exponent) }
            let total = weights.reduce(0, +)
            #expect(seen[0] == 0)
            for rank in 1...count {
                let expected = Double(draws) * weights[rank - 1] / total
                let spread = 6 * max(1, sqrt(expected))
                #expect(
                    abs(Double(seen[rank]) - expected) < spread,
                    "rank \(rank) of \(count): \(seen[rank]), expected \(expected)"
                )
            }
        }
    }

    @Test func `ranks are scattered over all keys, one to one`() {
        for count in 1...60 {
            let draws = KeyDraws(count: count, .zipfian(exponent: 0.1))
            var random = RandomStream(seed: 1)
            var seen = Set<Int>()
            for _ in 0..<count * 60 { seen.insert(draws.draw(&random)) }
            #expect(seen == Set(0..<count))
        }
        let draws = KeyDraws(count: 1_000, .zipfian(exponent: 1.5))
        var random = RandomStream(seed: 1)
        var seen = [Int](repeating: 0, count: 1_000)
        for _ in 0..<50_000 { seen[draws.draw(&random)] += 1 }
        let often = seen.indices.sorted { seen[$0] > seen[$1] }.prefix(5)
        let gaps = zip(often.sorted(), often.sorted().dropFirst()).map { $1 - $0 }
        #expect(gaps.allSatisfy { $0 > 10 }, "neighbours: \(often)")
    }

    @Test func `numbers below a bound are even`() {
        var random = RandomStream(seed: 5)
        var seen = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { seen[Int(random.below(7))] += 1 }
        #expect(seen.allSatisfy { abs($0 - 10_000) < 600 }, "\(seen)")
    }
}
