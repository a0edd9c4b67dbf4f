import Testing

@Suite struct RegisterHistoryTests {
    private typealias History = RegisterHistory<Int>

    private func history(
        _ writes: [(Int, UInt64, UInt64)],
        _ reads: [(Int, UInt64, UInt64)]
    ) -> History {
        History(
            first: 0,
            writes: writes.map { History.Write(state: $0.0, begin: $0.1, end: $0.2) },
            reads: reads.map { History.Read(state: $0.0, begin: $0.1, end: $0.2) }
        )
    }

    @Test func `the checker takes what an order explains and nothing else`() {
        let writes: [(Int, UInt64, UInt64)] = [(1, 10, 20), (2, 30, 40), (1, 50, 60)]
        let good: [[(Int, UInt64, UInt64)]] = [
            [(0, 1, 5), (0, 11, 15), (1, 12, 18), (1, 21, 22)],
            [(2, 31, 32), (2, 33, 41), (1, 51, 52)],
            [(1, 21, 35), (2, 36, 37), (2, 41, 59), (1, 55, 58)],
            [(0, 5, 100), (2, 5, 100), (1, 5, 100)],
        ]
        let bad: [[(Int, UInt64, UInt64)]] = [
            [(1, 1, 5)],
            [(0, 21, 22)],
            [(2, 31, 32), (1, 33, 41)],
            [(1, 41, 45)],
            [(2, 61, 62)],
            [(1, 11, 12), (0, 13, 14)],
            [(3, 5, 100)],
        ]
        for reads in good { #expect(history(writes, reads).contradiction() == nil) }
        for reads in bad { #expect(history(writes, reads).contradiction() != nil, "\(reads)") }
    }
}
