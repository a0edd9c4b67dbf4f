import Domain
import TestSupport
import Testing

@testable import Statistics

struct SketchTests {
    private static let shapes: [(name: String, make: @Sendable (Int) -> [Double])] = [
        ("normal", { normals($0, seed: 3) }),
        ("rising", { (0..<$0).map { Double($0) } }),
        ("falling", { (0..<$0).map { -Double($0) } }),
        ("waves", { (0..<$0).map { Double($0 % 4_096) } }),
        ("mostly zero", { count in normals(count, seed: 4).map { $0 < 1 ? 0 : $0 } }),
        ("far apart", { count in normals(count, deviation: 6, seed: 5).map { pow($0) } }),
    ]

    private static func pow(_ exponent: Double) -> Double {
        (0..<Int(abs(exponent) * 10)).reduce(1) { product, _ in product * 1.3 }
    }

    @Test(arguments: [900, 1_024, 5_000, 32_768, 33_000, 120_000])
    func `a rank is off by no more than is stated`(count: Int) throws {
        for shape in Self.shapes {
            let values = shape.make(count)
            let found = try profile(doubles(values))
            let exact = NumericSample(values)
            let bound =
                found.hasEveryValue || count <= 1_024
                ? 0.0 : count <= 32_768 ? 0.0006 : 0.0135
            guard case .numbers(let sketch) = found.distribution else { continue }
            for value in stride(from: 0, to: count, by: max(1, count / 100)).map({ values[$0] }) {
                // Values that are equal stand together: the nearer side counts.
                let (low, high) = (exact.count(.below, value), exact.count(.upTo, value))
                let rank = (sketch.count(.below, value) + sketch.count(.upTo, value)) / 2
                let off = max(0, low - rank, rank - high) / Double(count)
                #expect(off <= bound + 1e-9, "\(shape.name), \(count): \(off)")
            }
            #expect(isNear(found.moments.deviation, exact.deviation, within: 1e-9))
            #expect(found.moments.minimum == exact.minimum)
            #expect(found.moments.maximum == exact.maximum)
            #expect(found.moments.count == UInt64(count))
        }
    }

    @Test func `memory does not grow with the rows`() throws {
        let found = try profile(doubles(normals(70_000, seed: 8)))
        #expect(found.quantiles.points.count == QuantileSketch.most)
        #expect(TableProfile(rows: 1, features: [found]).encoded().count < 24_000)
    }

    @Test(arguments: [0, 1, 10, 64, 65, 1_000, 50_000])
    func `different values are counted, or estimated within five per cent`(different: Int) throws {
        var random = SeededRandom(seed: 11)
        let values = (0..<different * 3).map { Double($0 % max(1, different)) * 1.25 }
            .shuffled(using: &random)
        let found = try profile(doubles(values)).distinctCount
        let bound = different <= 64 ? 0 : 0.05 * Double(different)
        #expect(abs(found - Double(different)) <= bound, "\(found)")
    }

    @Test func `parts that are merged say what the whole says`() throws {
        let values = normals(90_000, seed: 21)
        for cut in [1, 700, 30_000, 45_000, 89_999] {
            let parts = [values[..<cut], values[cut...]].map { doubles(Array($0)) }
            let finished = try #require(
                FeatureProfile.merging(try parts.map { try profile($0) })
            )
            var building = try builder(parts[0])
            building.merge(try builder(parts[1]))
            for whole in [finished, building.finish()] {
                let exact = NumericSample(values)
                #expect(whole.rows == 90_000)
                #expect(isNear(whole.moments.deviation, exact.deviation))
                #expect(abs(whole.distinctCount / 90_000 - 1) < 0.05)
                guard case .numbers(let sketch) = whole.distribution else { continue }
                #expect(KolmogorovSmirnov.distance(sketch, exact) < 0.0145, "\(cut)")
                #expect(isNear(sketch.count, 90_000))
            }
        }
    }

    @Test func `few different numbers are counted exactly, however they are merged`() throws {
        var random = SeededRandom(seed: 5)
        let values = (0..<60_000).map { _ in Double(Int.random(in: 0..<60, using: &random)) }
        let parts = stride(from: 0, to: 60_000, by: 7_000).map {
            doubles(Array(values[$0..<min($0 + 7_000, 60_000)]))
        }
        let merged = try #require(FeatureProfile.merging(try parts.map { try profile($0) }))
        #expect(merged.hasEveryValue)
        #expect(merged.distribution == .numbers(exactly(values, merged)))
        #expect(try profile(doubles(values)).quantiles == merged.quantiles)
    }

    private func exactly(_ values: [Double], _ found: FeatureProfile) -> NumericSample {
        let counts = values.reduce(into: [Double: Int]()) { $0[$1, default: 0] += 1 }
        var sum = 0.0
        let ordered = counts.keys.sorted()
        return NumericSample(
            values: ordered,
            cumulative: ordered.map {
                sum += Double(counts[$0] ?? 0)
                return sum
            },
            deviation: found.moments.deviation,
            minimum: 0,
            maximum: 59,
            distinct: 60,
            isInteger: false
        )
    }

    @Test func `the numbers at some ranks are those of the sorted ones`() {
        var random = SeededRandom(seed: 2)
        let bits = (0..<3_000).map { _ in
            Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &random))
        }
        let spread = bits.filter(\.isFinite) + [0, 0, -1, 1]
        let even = (0..<5_000).map { _ in Double.random(in: -3...7, using: &random) }
        for numbers in [
            spread, even, even + [1e300], even.map { 1.7e15 + ($0 * 1e6).rounded() },
            even.map { $0 * Double.leastNormalMagnitude },
            even.map { $0.rounded() }, [Double](repeating: 4, count: 300),
            even.map { $0 * $0 * $0 * $0 * $0 * $0 * $0 },
            (0..<900).map { 1 / Double(1 << ($0 % 60)) },
            even.sorted(), even.sorted().reversed(), Array(even.prefix(9)),
        ] {
            let sorted = numbers.sorted()
            for step in [1, 7, 32, numbers.count] {
                let ranks = Array(stride(from: step / 2, to: numbers.count, by: step))
                #expect(RankedNumbers.at(ranks, of: numbers) == ranks.map { sorted[$0] })
            }
        }
        #expect(RankedNumbers.at([], of: []).isEmpty)
    }

    @Test func `frequent texts are found, and no count is off by more than a 256th`() throws {
        var random = SeededRandom(seed: 9)
        var texts: [String] = []
        for index in 0..<40_000 {
            texts.append(random.chance(0.3) ? "often" : random.chance(0.1) ? "some" : "id\(index)")
        }
        let column = try Column(.string, texts.map { .string($0) })
        let found = try profile(column)
        let top = found.top(2)
        #expect(top.map(\.text) == ["often", "some"])
        let exact = Double(texts.count { $0 == "often" })
        // One in sixteen is looked at: three deviations of that, and what the table loses.
        let bound = 40_000 / 256.0 + 3 * (exact * 16).squareRoot()
        #expect(abs(Double(top[0].count) - exact) <= bound, "\(top) \(exact)")
        #expect(abs(found.distinctCount / Double(Set(texts).count) - 1) < 0.05)
    }
}
