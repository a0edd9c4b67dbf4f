import Domain
import Statistics
import Testing

/// Monitors of drift over worlds whose drift is known: none, sudden, slow.
struct MonitoredWorldTests {
    private static let features = (0..<10).map { "f\($0)" }

    private struct Draws: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var bits = state
            bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            return bits ^ (bits >> 31)
        }

        /// About normal: the sum of twelve.
        mutating func normal() -> Double {
            (0..<12).reduce(-6) { sum, _ in sum + Double.random(in: 0..<1, using: &self) }
        }
    }

    /// One day of a world, each feature moved by so much.
    private static func day(_ draws: inout Draws, rows: Int, moved: Double) throws -> TableProfile {
        let profiles = try features.map { name in
            var builder = ProfileBuilder(name: name, type: .scalar(.float64))
            builder.add(
                try Column(.float64, (0..<rows).map { _ in .float64(draws.normal() + moved) })
            )
            return builder.finish()
        }
        return TableProfile(rows: UInt64(rows), features: profiles)
    }

    /// The days on which alarms began and ended.
    private static func alarms(
        seed: UInt64,
        hold: Int,
        days: Int = 60,
        moved: (Int) -> Double
    ) throws -> (fired: [Int], resolved: [Int]) {
        var draws = Draws(state: seed)
        let reference = try day(&draws, rows: 2_000, moved: 0)
        var status = MonitorStatus(at: Timestamp(microseconds: 0))
        var found: (fired: [Int], resolved: [Int]) = ([], [])
        for number in 0..<days {
            let report = try DriftReport(
                reference: reference,
                current: day(&draws, rows: 500, moved: moved(number)),
                columns: features
            )
            let change = status.take(
                report.isDrift ? .breached : .fine,
                at: Timestamp(microseconds: Int64(number) * 86_400_000_000),
                hold: .seconds(Int64(hold) * 86_400)
            )
            switch change {
            case .fired: found.fired.append(number)
            case .resolved: found.resolved.append(number)
            case nil: break
            }
        }
        return found
    }

    @Test(arguments: 1...5)
    func aWorldThatStaysFiresNothing(seed: UInt64) throws {
        #expect(try Self.alarms(seed: seed, hold: 0) { _ in 0 }.fired.isEmpty)
    }

    @Test(arguments: 1...5, [0, 3])
    func aSuddenChangeFiresOnceAndEndsWithIt(seed: UInt64, hold: Int) throws {
        let found = try Self.alarms(seed: seed, hold: hold) { (20..<40).contains($0) ? 0.5 : 0 }
        #expect(found.fired == [20 + hold] && found.resolved == [40])
    }

    @Test(arguments: 1...5)
    func aSlowChangeFiresWhenItIsThere(seed: UInt64) throws {
        // A tenth of a deviation on day 10, on which noise may add; three tenths on day 30.
        let found = try Self.alarms(seed: seed, hold: 2) { Double($0) / 100 }
        #expect(found.fired.count == 1 && (8...25).contains(found.fired.first ?? 0))
        #expect(found.resolved.isEmpty)
    }

    @Test func aBlipShorterThanTheHoldFiresNothing() throws {
        let found = try Self.alarms(seed: 9, hold: 3) { [10, 11, 30].contains($0) ? 1 : 0 }
        #expect(found.fired.isEmpty)
    }
}
