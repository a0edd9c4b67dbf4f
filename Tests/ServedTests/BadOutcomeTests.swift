import Codec
import Domain
import TestSupport
import Testing

@testable import Served

/// Outcomes and predictions that are wrong are told and counted, and nothing is kept of them.
struct BadOutcomeTests {
    private static let anna = ServedLogTests.anna

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func `what cannot be counted with is invalid`(value: Double) throws {
        let world = try World()
        let ids = try world.serve([Self.anna, ServedLogTests.nobody], at: 2_000_000)
        #expect(try world.log(ids, outcomes: [value, 1]) == [.invalid, .accepted])
        #expect(try world.log(ids, predictions: [0.5, value]) == [.accepted, .invalid])
        let found = try world.scan()
        #expect(found[ids[0]]?[ServedColumn.outcome] == .null)
        #expect(found[ids[1]]?[ServedColumn.prediction] == .null)
        let count = ServedFigures.LoggedCount(kind: .outcome, status: .invalid)
        #expect(world.log.figures.loggedCounts[count] == 1)
    }

    @Test func `an outcome without a time is told once until it changes`() throws {
        let world = try World()
        let ids = try world.serve([Self.anna], at: 2_000_000)
        var now: Int64 = 3_000_000
        func log(_ value: Double) throws -> LoggedStatus? {
            now += 1_000
            world.now.set(now)
            return try world.log(ids, outcomes: [value]).first
        }
        #expect(try log(1) == .accepted)
        #expect(try log(1) == .duplicate)
        #expect(try log(0) == .accepted)
        // What it was before is news again.
        #expect(try log(1) == .accepted)
        #expect(try log(1) == .duplicate)
        #expect(try world.scan()[ids[0]]?[ServedColumn.outcome] == .float64(1))
        // With a time of its own it is another outcome.
        #expect(try world.log(ids, outcomes: [1], times: [now + 5]) == [.accepted])
        while try world.log.mergeOnce() {}
        #expect(try log(1) == .duplicate)
    }

    @Test func `an outcome of what was forgotten is unknown and comes into nothing`() throws {
        let world = try World()
        let ids = try world.serve([Self.anna, ServedLogTests.nobody], at: 2_000_000)
        world.now.set(3_000_000)
        #expect(try world.log(ids, outcomes: [1, 0]) == [.accepted, .accepted])
        try world.log.erase(EntityID(2), key: KeyCodec.encode(EntityKey([.string("anna")])))
        #expect(try world.log([ids[0]], outcomes: [1]) == [.unknown])
        #expect(try world.log([ids[0]], predictions: [1]) == [.unknown])
        #expect(try world.scan().keys.sorted() == [ids[1]])
        let check = try world.log.verify(isCancelled: { false }, progress: { _, _ in })
        #expect(check.problems == [] && check.rows == 2)
    }

    @Test func `a span that ends before it begins is refused`() throws {
        let world = try World()
        try world.serve([Self.anna], at: 2_000_000)
        let error = #expect(throws: AlulaError.self) {
            _ = try world.scan {
                $0.since = Timestamp(microseconds: 5)
                $0.until = Timestamp(microseconds: 4)
            }
        }
        #expect(error?.code == .invalidArgument)
    }
}
