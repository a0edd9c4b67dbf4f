import Domain
import TestSupport
import Testing

struct SharesTests {
    @Test(arguments: [
        ("10%", 1_000), ("100%", 10_000), ("0.25%", 25), ("33.33%", 3_333), ("0.5%", 50),
        ("0%", 0), ("099%", 9_900), ("0.01%", 1),
    ])
    func `a share is read and written`(text: String, hundredths: UInt32) throws {
        let share = try Share(text: text)
        #expect(share.hundredths == hundredths)
        #expect(try Share(text: share.description) == share)
    }

    @Test(arguments: [
        "", "%", "10", "101%", "100.01%", "-1%", "+1%", "1e1%", "0.001%", "1.%", ".5%", "1.2.3%",
        "10 %", "99999999999999%", "１%",
    ])
    func `what is no share is refused`(text: String) {
        #expect(throws: AlulaError.self) { try Share(text: text) }
    }

    @Test func `shares add up whatever is done with them`() throws {
        var random = SeededRandom(seed: 5)
        for _ in 0..<2_000 {
            var split = StageSplit.nobody.givingAll(to: 1)
            for _ in 0..<12 {
                let version = UInt32.random(in: 1...5, using: &random)
                let share = try #require(
                    Share(hundredths: UInt32.random(in: 1...10_000, using: &random))
                )
                switch Int.random(in: 0..<4, using: &random) {
                case 0: split = split.givingAll(to: version)
                case 1 where split.versions.count > 1: split = split.without([version])
                default:
                    // Where nobody would keep the rest nothing changes.
                    split = (try? split.giving(share, to: version)) ?? split
                }
                #expect(StageSplit(split.parts) == split, "\(split.parts)")
                #expect(split.main != nil && !split.answering.isEmpty)
            }
        }
    }

    @Test func `who answers most comes first, and of equal ones who came first`() throws {
        let split = try #require(
            StageSplit([
                .init(version: 4, share: try Share(text: "30%")),
                .init(version: 3, share: .none),
                .init(version: 2, share: try Share(text: "40%")),
                .init(version: 1, share: try Share(text: "30%")),
            ])
        )
        #expect(split.answering.map(\.version) == [2, 1, 4])
        #expect(split.text == "versions 2 (40%), 1 (30%), 4 (30%)")
        let without = split.without([2])
        #expect(without.parts.map(\.share.hundredths) == [5_000, 0, 5_000])
        #expect(StageSplit([.init(version: 1, share: .none)]) == nil)
    }
}
