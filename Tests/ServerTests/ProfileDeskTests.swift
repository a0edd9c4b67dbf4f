import Catalog
import Domain
import Logging
import Offline
import Profiles
import Statistics
import Synchronization
import TestSupport
import Testing

@testable import Served
@testable import Server

/// Profiles by hour against a count of all rows, through deletions, retractions, restarts and late rows.
struct ProfileDeskTests {
    @Test func `an hour is kept when it is over, and read from its rows before`() throws {
        let world = try ProfileWorld()
        try world.push([(1, 1.5, "Ulm"), (2, 2.5, "Bonn")])
        #expect(try world.kept().isEmpty)
        try world.expectSame("open")
        world.clock.add(3_700)
        try world.desk.round()
        #expect(try world.kept().map(\.rows) == [2])
        try world.expectSame("over")
        // Once more changes nothing.
        try world.desk.round()
        #expect(try world.kept().map(\.rows) == [2])
        try world.push([(3, 7, "Ulm")])
        try world.expectSame("over and open")
        let since = world.clock.time
        #expect(try world.profile(since: since).table().rows == 1)
        #expect(try world.profile(until: since - .seconds(3_700)).table().rows == 2)
    }

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `whatever happens each row that is left is counted once`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let world = try ProfileWorld()
        for step in 0..<40 {
            let context: Comment = "seed \(seed), step \(step)"
            switch Int.random(in: 0..<10, using: &random) {
            case 0...3:
                try world.push(
                    (0..<Int.random(in: 1...6, using: &random)).map { _ in
                        let key = Int64.random(in: 0..<8, using: &random)
                        return (key, Double(key) * 10 + 1, "c\(key)")
                    }
                )
            case 4: try world.forget(Int64.random(in: 0..<8, using: &random))
            case 5: try world.retract(&random)
            case 6: world.restart()
            case 7: world.clock.add(Int64.random(in: 1...9_000, using: &random))
            case 8: try world.compact()
            default: try world.desk.round()
            }
            if Bool.random(using: &random) { try world.desk.round() }
            try world.expectCounts(context)
        }
        // What was touched is made again.
        world.clock.add(3_700)
        try world.desk.round()
        try world.expectSame("seed \(seed), at the end")
        #expect(try world.kept().allSatisfy { !$0.isTouched })
    }

    @Test func `a forgotten value is nowhere in a profile that is kept`() throws {
        let world = try ProfileWorld()
        try world.push((0..<30).map { ($0, Double($0), "c\($0 % 2)") } + [(77, 1e6, "Rosa")])
        world.clock.add(3_700)
        try world.desk.round()
        #expect(try world.profile().table()["a"]?.moments.maximum == 1e6)
        try world.forget(77, isFollowed: false)
        // Before anything is made again.
        let hour = try #require(try world.kept().first)
        #expect(hour.isTouched)
        let kept = try #require(
            try world.offline.readBeside { try ProfileFile($0).profile(hour.id) }
        )
        #expect(kept["a"]?.quantiles.points.contains(1e6) == false)
        #expect(kept["city"]?.top(99).contains { $0.text == "Rosa" } == false)
        try world.desk.round()
        #expect(try world.kept().map(\.rows) == [30])
        try world.expectSame("forgotten")
    }

    @Test func `hours whose rows retention took stay, coarse`() throws {
        let world = try ProfileWorld()
        try world.push((0..<40).map { ($0, Double($0), "c\($0 % 2)") })
        world.clock.add(3_700)
        try world.desk.round()
        try world.retire()
        try world.desk.round()
        let hour = try #require(try world.kept().first)
        #expect(hour.isCoarse && hour.rows == 40)
        let table = try world.profile().table()
        #expect(table.rows == 40 && table["a"]?.moments.mean == 19.5)
        #expect(try #require(table["a"]).moments.minimum > 0)
        world.clock.add(31 * 86_400)
        world.restart()
        try world.desk.round()
        #expect(try world.kept().isEmpty)
    }

    @Test func `an hour whose rows are gone says that some of them were retracted since`() throws {
        let world = try ProfileWorld()
        try world.push((0..<40).map { ($0, Double($0), "c\($0 % 2)") })
        world.clock.add(3_700)
        try world.desk.round()
        try world.retire()
        try world.desk.round()
        #expect(try world.profile().hours.map(\.isStale) == [false])
        try world.retractFirst()
        try world.desk.round()
        let hour = try #require(try world.kept().first)
        #expect(hour.isCoarse && hour.isStale && hour.rows == 40)
        #expect(try world.profile().hours.map(\.isStale) == [true])
        // What came since is as it is.
        try world.push([(1, 1, "Ulm")])
        world.clock.add(3_700)
        try world.desk.round()
        #expect(try world.profile().hours.map(\.isStale) == [true, false])
    }

    @Test func `an hour that was retracted before its rows went is stale`() throws {
        let world = try ProfileWorld()
        try world.push((0..<40).map { ($0, Double($0), "c\($0 % 2)") })
        world.clock.add(3_700)
        try world.desk.round()
        let hour = try #require(try world.kept().first)
        try world.offline.writeBeside { db in
            let file = ProfileFile(db)
            try file.touch(hour)
            guard let touched = try file.hour(hour.id) else { return }
            try file.coarsen(touched)
        }
        let after = try #require(try world.kept().first)
        #expect(after.isCoarse && after.isStale && !after.isTouched)
    }

    @Test func `what a model was served is kept by version and hour`() throws {
        let world = try ProfileWorld()
        try world.serve(version: 1, [(1, 1, "Ulm"), (2, nil, nil)])
        try world.serve(version: 2, [(1, 5, "Bonn")])
        try world.expectServed("open")
        world.clock.add(3_700)
        try world.desk.round()
        #expect(try world.keptServed().map(\.version) == [1, 2])
        try world.expectServed("over")
        // One that comes late, of an hour that is kept.
        try world.serve(version: 2, [(3, 6, "Bonn")], late: 3_700)
        try world.expectServed("late, from the rows")
        try world.desk.round()
        #expect(try world.keptServed().map(\.rows) == [2, 2])
        try world.expectServed("late")
        try world.log.erase(EntityID(1), key: ProfileWorld.bytes(1))
        world.served.withLock { $0.removeAll { $0.key == 1 } }
        #expect(try world.keptServed().allSatisfy(\.isTouched))
        try world.desk.round()
        try world.expectServed("forgotten")
    }

    @Test func `vectors go by retention when they are in a profile, not before`() throws {
        let world = try ProfileWorld()
        try world.serve(version: 1, (0..<40).map { ($0, Double($0), "Ulm") })
        try world.desk.round()
        try world.log.set(rate: 1, keep: .seconds(60), of: world.model)
        world.clock.add(600)
        #expect(try world.log.retire() == 0)
        world.clock.add(3_700)
        try world.desk.round()
        #expect(try world.log.retire() == 40)
        let hour = try #require(try world.keptServed().first)
        #expect(hour.isCoarse && hour.rows == 40)
        #expect(try world.servedProfile().table().rows == 40)
    }
}
