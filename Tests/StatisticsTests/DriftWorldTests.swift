import Domain
import Foundation
import Statistics
import TestSupport
import Testing

/// Worlds whose drift is known, as a server sees them: a profile every four hours, kept as bytes, a day added
/// up of six of them, and looked at once a day for four weeks against the training set or an earlier window.
///
/// Three worlds of each kind are played. The rates that are promised: in a world that stays no day of 84
/// is an alarm, and of 336 looks at one feature fewer than one in a hundred; a sudden change of half a
/// deviation is found on its first day, always; a slow one of a fiftieth of a deviation a day before it has
/// come to a fifth of one, and against the day before on one day of 27 at most; what comes and goes with the week is an alarm against the training set on its
/// worst days only, and against the week before never; what is in one slice only is found there, always,
/// and in the whole on three days of 28 at most.
struct DriftWorldTests {
    private static let features = ["f0", "f1", "f2", "f3"]
    private static let days = 28
    private static let seeds = 1...3 as ClosedRange<UInt64>

    /// A day of a world: how far each feature is moved, in deviations.
    private typealias World = @Sendable (_ day: Int, _ feature: String) -> Double

    /// Normal numbers of which worlds draw: making them is slow.
    private static let normals: [Double] = {
        var random = SeededRandom(seed: 77)
        return (0..<1 << 14).flatMap { _ in
            // Box and Muller: two normal numbers of two even ones.
            let radius = (-2 * log(1 - Double.random(in: 0..<1, using: &random))).squareRoot()
            let angle = 2 * Double.pi * Double.random(in: 0..<1, using: &random)
            return [radius * cos(angle), radius * sin(angle)]
        }
    }()

    private static func hour(
        _ random: inout SeededRandom,
        rows: Int,
        _ moved: (String) -> Double
    ) throws -> TableProfile {
        let profiles = features.map { name in
            let away = moved(name)
            var numbers: [Double] = []
            numbers.reserveCapacity(rows + 2)
            while numbers.count < rows {
                let bits = random.next()
                for shift in [0, 20, 40] as [UInt64] {
                    let drawn = normals[Int(bits >> shift & 0x7FFF)]
                    numbers.append(100 + 7 * (drawn + away))
                }
            }
            var builder = ProfileBuilder(name: name, type: .float64)
            let present = [UInt8](repeating: 1, count: rows)
            numbers.withUnsafeBytes { values in
                present.withUnsafeBufferPointer { builder.add(values, present: $0) }
            }
            return builder.finish()
        }
        return TableProfile(rows: UInt64(rows), features: profiles)
    }

    private static func day(
        _ random: inout SeededRandom,
        _ moved: (String) -> Double
    ) throws -> TableProfile {
        var sum = ProfileSum()
        for _ in 0..<6 {
            let kept = try hour(&random, rows: 240, moved).encoded()
            sum.add(try TableProfile(decoding: kept))
        }
        return sum.finish()
    }

    private struct Looks {
        /// Days on which the whole had drifted.
        var alarms: [Int] = []
        /// Days on which a feature had.
        var features: [String: [Int]] = [:]
    }

    /// `back` is the window that a day is compared with, in days before it; nil is the training set.
    private static func play(seed: UInt64, back: Int? = nil, _ world: World) throws -> Looks {
        var random = SeededRandom(seed: seed)
        let training = try hour(&random, rows: 8_000) { _ in 0 }
        let days = try (0..<days).map { number in
            try day(&random) { world(number, $0) }
        }
        var looks = Looks()
        for number in (back ?? 0)..<days.count {
            let report = DriftReport(
                reference: back.map { days[number - $0] } ?? training,
                current: days[number],
                columns: features
            )
            #expect(report.compared == features.count)
            if report.isDrift { looks.alarms.append(number) }
            for feature in report.features where feature.isDrift {
                looks.features[feature.name, default: []].append(number)
            }
        }
        return looks
    }

    @Test func `a world that stays raises no alarm`() throws {
        var features = 0
        for seed in Self.seeds {
            let looks = try Self.play(seed: seed) { _, _ in 0 }
            #expect(looks.alarms.isEmpty, "seed \(seed)")
            features += looks.features.values.reduce(0) { $0 + $1.count }
        }
        #expect(features < 4, "\(features) of 336 looks")
    }

    @Test(arguments: seeds)
    func `a sudden change is found on its first day, and its end too`(seed: UInt64) throws {
        let looks = try Self.play(seed: seed) { day, _ in (10..<20).contains(day) ? 0.5 : 0 }
        #expect(looks.alarms == Array(10..<20))
        // Against the day before only its begin and its end are one.
        let steps = try Self.play(seed: seed, back: 1) { day, _ in
            (10..<20).contains(day) ? 0.5 : 0
        }
        #expect(steps.alarms == [10, 20])
    }

    @Test(arguments: seeds)
    func `a slow change is found, which the day before does not show`(seed: UInt64) throws {
        let world: World = { day, _ in Double(day) * 0.02 }
        let looks = try Self.play(seed: seed, world)
        let first = try #require(looks.alarms.first)
        #expect(first <= 10 && looks.alarms.filter { $0 >= 10 } == Array(10..<Self.days))
        #expect(try Self.play(seed: seed, back: 1, world).alarms.count <= 1)
    }

    @Test(arguments: seeds)
    func
        `a season is an alarm against training on its worst days, and never against the week before`(
            seed: UInt64
        ) throws
    {
        // Saturdays and Sundays are others.
        let world: World = { day, _ in day % 7 >= 5 ? 0.6 : 0 }
        let looks = try Self.play(seed: seed, world)
        #expect(looks.alarms == (0..<Self.days).filter { $0 % 7 >= 5 })
        #expect(try Self.play(seed: seed, back: 7, world).alarms.isEmpty)
    }

    @Test(arguments: seeds)
    func `one feature of four is told by itself, and the whole is not an alarm`(seed: UInt64) throws
    {
        let looks = try Self.play(seed: seed) { day, name in
            name == "f2" && day >= 14 ? 0.5 : 0
        }
        // But where another is one by chance, too.
        #expect(looks.alarms.count <= 1)
        #expect(looks.features["f2"]?.filter { $0 >= 14 } == Array(14..<Self.days))
    }

    /// A twentieth of all rows moved by a whole deviation moves the whole by a twentieth of one only.
    @Test(arguments: seeds)
    func `what is in one slice only is found in its own profile`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let training = try Self.hour(&random, rows: 8_000) { _ in 0 }
        var (whole, slice) = (0, 0)
        for _ in 0..<Self.days {
            let rest = try Self.hour(&random, rows: 3_800) { _ in 0 }
            let moved = try Self.hour(&random, rows: 200) { _ in 1 }
            var sum = ProfileSum()
            sum.add(rest)
            sum.add(moved)
            func isDrift(_ current: TableProfile) -> Bool {
                DriftReport(reference: training, current: current, columns: Self.features).isDrift
            }
            if isDrift(sum.finish()) { whole += 1 }
            if isDrift(moved) { slice += 1 }
        }
        #expect(slice == Self.days && whole <= 3)
    }
}
