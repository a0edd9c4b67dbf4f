import Domain
import TestSupport
import Testing

@testable import Statistics

/// Profiles of hours added up, against one of all rows; and what is left of a coarse one.
struct ProfileSumTests {
    private func table(_ numbers: [Double], _ texts: [String]) throws -> TableProfile {
        let features = [
            try profile(Column(.float64, numbers.map { .float64($0) }), name: "n"),
            try profile(Column(.string, texts.map { .string($0) }), name: "t"),
        ]
        return TableProfile(rows: UInt64(numbers.count), features: features)
    }

    private func profile(_ column: Column, name: String) throws -> FeatureProfile {
        var builder = ProfileBuilder(name: name, type: column.type)
        builder.add(column)
        return builder.finish()
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `a profile added up over hours is that of the whole`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let hours = [1, 2, 24, 25, 100, 720][Int(seed - 1)]
        // Where there are few different values all is exact.
        let isExact = seed % 2 == 0
        var (numbers, texts): ([Double], [String]) = ([], [])
        var sum = ProfileSum()
        for hour in 0..<hours {
            let rows = Int.random(in: 0...200, using: &random)
            let drawn = (0..<rows).map { _ in
                isExact
                    ? Double(Int.random(in: 0..<40, using: &random))
                    : Double.random(in: 0..<1, using: &random) * Double(hour % 7 + 1)
            }
            let words = drawn.map { "w\(Int($0 * 3) % 50)" }
            numbers += drawn
            texts += words
            // Through its bytes, as it is kept.
            sum.add(try TableProfile(decoding: try table(drawn, words).encoded()))
        }
        let found = sum.finish()
        #expect(found.rows == UInt64(numbers.count))
        let number = try #require(found["n"])
        #expect(number.rows == found.rows && number.moments.count == found.rows)
        #expect(number.moments.minimum == numbers.min() && number.moments.maximum == numbers.max())
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        #expect(abs(number.moments.mean - mean) <= 1e-9 * (1 + abs(mean)))
        let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let deviation = (squares / Double(numbers.count)).squareRoot()
        #expect(abs(number.moments.deviation - deviation) <= 1e-9 * (1 + deviation))
        // The most different texts are 50, of which all are counted.
        var counts: [String: UInt64] = [:]
        for text in texts { counts[text, default: 0] += 1 }
        let top = Dictionary(
            uniqueKeysWithValues: try #require(found["t"]).top(100).map { ($0.text, $0.count) }
        )
        #expect(top == counts)
        guard !isExact else {
            #expect(number.hasEveryValue)
            #expect(number.distinctCount == Double(Set(numbers).count))
            return
        }
        // Two levels of 24 at most, and what it is off by at the end.
        let sorted = numbers.sorted()
        for share in [0.01, 0.1, 0.5, 0.9, 0.99] {
            let value = try #require(number.quantiles.quantile(share))
            let rank = Double(sorted.count { $0 <= value }) / Double(sorted.count)
            #expect(
                abs(rank - share) <= 0.004 + 1 / Double(sorted.count),
                "quantile \(share)"
            )
        }
        let distinct = Double(Set(numbers).count)
        #expect(abs(number.distinctCount - distinct) <= 0.08 * distinct)
    }

    @Test func `of a feature whose type was changed what has the newest type counts`() throws {
        var sum = ProfileSum()
        for type in [ValueType.int64, .int64, .float64] {
            let value: FeatureValue = type == .int64 ? .int64(1) : .float64(2)
            let feature = try profile(Column(type, [value]), name: "n")
            sum.add(TableProfile(rows: 1, features: [feature]))
        }
        let found = sum.finish()
        #expect(found.rows == 3)
        #expect(found["n"]?.type == .float64 && found["n"]?.rows == 1)
    }

    @Test func `nothing added up is nothing`() {
        #expect(ProfileSum().finish() == TableProfile(rows: 0, features: []))
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `a coarse profile has no value of fewer than ten rows`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let rows = [5, 19, 20, 300, 3_000][Int(seed) % 5]
        var numbers = (0..<rows - 1).map { _ in Double.random(in: 0..<1, using: &random) }
        // Somebody who stands out.
        numbers.insert(1e6, at: Int.random(in: 0..<rows, using: &random))
        let texts = numbers.map { $0 == 1e6 ? "Rosa" : "w\(Int($0 * 8))" }
        let whole = try table(numbers, texts)
        let coarse = whole.coarse
        let number = try #require(coarse["n"])
        #expect(coarse.rows == whole.rows && number.rows == whole.rows)
        #expect(number.moments.maximum != 1e6)
        #expect(number.quantiles.points.allSatisfy { $0 < 1e6 })
        var before = 0.0
        for upTo in number.quantiles.cumulative {
            #expect(upTo - before >= 10 - 1e-9)
            before = upTo
        }
        #expect(rows < 20 || abs(before - Double(rows)) < 1e-6)
        let top = try #require(coarse["t"]).top(300)
        #expect(top.allSatisfy { $0.count >= 10 && $0.text != "Rosa" })
        #expect(rows < 20 || number.moments.mean == whole["n"]?.moments.mean)
        // It can be kept, and made coarse again.
        let kept = try TableProfile(decoding: coarse.encoded())
        #expect(kept == coarse && kept.coarse == coarse)
    }
}
