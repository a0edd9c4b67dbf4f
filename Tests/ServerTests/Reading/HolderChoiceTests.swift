import Codec
import Domain
import TestSupport
import Testing

@testable import Server

struct HolderChoiceTests {
    private static let count = 100_000
    private let keys = [Column(int64s: (0..<Int64(count)).map { $0 &* 7_919 - 40_000 })]

    private func versions(
        _ shares: [(version: UInt32, share: UInt32)],
        salt: String = "p/m",
        keys: [Column]? = nil
    ) throws -> [UInt32] {
        let parts = try shares.map { ($0.version, try #require(Share(hundredths: $0.share))) }
        return HolderChoice(parts, salt: salt).holders(of: keys ?? self.keys, rows: Self.count)
            .map { shares[Int($0)].version }
    }

    @Test(arguments: [
        [(UInt32(1), UInt32(10_000))], [(1, 9_000), (2, 1_000)], [(1, 5_000), (2, 5_000)],
        [(1, 9_999), (2, 1)], [(3, 3_334), (2, 3_333), (1, 3_333)],
        [(1, 7_000), (2, 1_500), (3, 1_000), (4, 500)],
    ])
    func `of many keys each version meets its share`(
        shares: [(version: UInt32, share: UInt32)]
    ) throws {
        let met = try versions(shares)
        for (version, share) in shares {
            let expected = Double(share) / 10_000
            let found = Double(met.count { $0 == version }) / Double(Self.count)
            // Five deviations of a binomial.
            let tolerance = 5 * (expected * (1 - expected) / Double(Self.count)).squareRoot()
            #expect(abs(found - expected) <= tolerance, "version \(version) of \(shares)")
        }
    }

    @Test func `a key keeps its version in whatever order versions are named`() throws {
        let one = try versions([(1, 2_000), (2, 5_000), (3, 3_000)])
        #expect(try one == versions([(3, 3_000), (1, 2_000), (2, 5_000)]))
        #expect(try one != versions([(1, 2_000), (2, 5_000), (3, 3_000)], salt: "p/other"))
    }

    @Test func `while one share grows keys move to it and nowhere else`() throws {
        var before = try versions([(1, 6_000), (2, 4_000)])
        for share in [UInt32(1), 500, 2_000, 5_000, 9_000, 9_999] {
            // The two others keep their proportion of 3 to 2, as far as hundredths go.
            let rest = 10_000 - share
            let second = rest * 2 / 5
            guard rest > second, second > 0 else { continue }
            let now = try versions([(1, rest - second), (2, second), (3, share)])
            let strays = zip(before, now).count { $0 != $1 && $1 != 3 }
            #expect(zip(before, now).allSatisfy { $0 != 3 || $1 == 3 }, "share \(share)")
            // Rounding to hundredths may move one key in ten thousand between the others.
            #expect(strays <= Self.count / 5_000, "share \(share): \(strays)")
            before = now
        }
    }

    @Test func `keys of text and of several parts meet their shares, too`() throws {
        let texts = try Column(
            .string,
            (0..<Self.count).map { FeatureValue.string("customer-\($0 / 2)") }
        )
        let parts = Column(int64s: (0..<Int64(Self.count)).map { $0 % 2 })
        let met = try versions([(1, 7_500), (2, 2_500)], keys: [texts, parts])
        let found = Double(met.count { $0 == 2 }) / Double(Self.count)
        #expect(abs(found - 0.25) < 0.007)
        let pairs = stride(from: 0, to: Self.count, by: 2).count { met[$0] != met[$0 + 1] }
        // The second part counts: half of 2 x 0.25 x 0.75 of the pairs differ.
        #expect(abs(Double(pairs) / Double(Self.count / 2) - 0.375) < 0.01)
    }
}
