import Codec
import Domain
import Offline
import Synchronization
import Testing

@testable import Served

/// Predictions that could not be made, and reads that were refused.
struct FailureTests {
    private static let people = (0..<4).map { Vector(zip: $0, person: "p\($0)", amount: 1) }

    private func log(
        _ world: World,
        _ ids: [PredictionID],
        _ reasons: [String]
    ) throws -> [LoggedStatus] {
        try world.logged(
            LoggedValues(
                ids: try Column(.bytes, ids.map { .bytes($0.bytes) }),
                values: try Column(.string, reasons.map { .string($0) }),
                times: nil,
                kind: .failure
            )
        )
    }

    @Test func `a vector has a prediction or a failure, what came first`() throws {
        let world = try World()
        let ids = try world.serve(Self.people, at: 2_000_000)
        world.now.set(3_000_000)
        #expect(try log(world, [ids[0], ids[0]], ["slow", "late"]) == [.accepted, .duplicate])
        let told = try world.log(Array(ids[..<2]), predictions: [0.5, 0.5])
        #expect(told == [.duplicate, .accepted])
        #expect(try log(world, [ids[1], ids[2]], ["", ""]) == [.duplicate, .accepted])
        let found = try world.scan()
        #expect(found[ids[0]]?[ServedColumn.failure] == .string("slow"))
        #expect(found[ids[0]]?[ServedColumn.prediction] == .null)
        #expect(found[ids[1]]?[ServedColumn.failure] == .null)
        #expect(found[ids[1]]?[ServedColumn.prediction] == .float64(0.5))
        // None of the words for it is a failure of no reason.
        #expect(found[ids[2]]?[ServedColumn.failure] == .string(""))
        // What was not known then is not told.
        let before = try world.scan { $0.asKnown = Timestamp(microseconds: 2_999_999) }
        #expect(before.values.allSatisfy { $0[ServedColumn.failure] == .null })
        let summary = try #require(try world.log.summaries(world.name.project).first)
        #expect((summary.predictions, summary.failures) == (1, 2))
    }

    @Test func `a failure says nothing of the type of predictions`() throws {
        let world = try World()
        let ids = try world.serve(Self.people, at: 2_000_000)
        world.now.set(3_000_000)
        #expect(try log(world, [ids[0]], ["no"]) == [.accepted])
        #expect(try world.log([ids[1]], predictions: [1]) == [.accepted])
        #expect(try log(world, [ids[2]], ["no"]) == [.accepted])
        let settings = try world.offline.readBeside { try ServedFile($0).settings() }
        #expect(settings.map(\.predictionType) == [.float64])
    }

    @Test func `a reason over the limit is invalid, one at it is taken`() throws {
        let world = try World()
        let ids = try world.serve(Self.people, at: 2_000_000)
        let most = String(repeating: "x", count: LoggedValues.mostReasonBytes)
        #expect(try log(world, Array(ids[..<2]), [most, most + "x"]) == [.accepted, .invalid])
    }

    @Test func `failures go with the key that they are of`() throws {
        let world = try World()
        let ids = try world.serve(Self.people, at: 2_000_000)
        world.now.set(3_000_000)
        _ = try log(world, ids, ids.map { _ in "no" })
        try world.log.erase(EntityID(1), key: KeyCodec.encode([Column(int64s: [0])], row: 0))
        #expect(try world.scan().keys.sorted() == Array(ids[1...]))
        let left = try world.offline.readBeside { db in
            try ServedFile(db).segments(of: world.name, .failures).map(\.rows)
        }
        #expect(left == [3])
    }

    @Test func `a first outcome of the wrong type goes with its vector`() throws {
        let world = try World()
        let ids = try world.serve(Self.people, at: 2_000_000)
        world.now.set(3_000_000)
        var wrong = LoggedValues(
            ids: try Column(.bytes, [.bytes(ids[0].bytes)]),
            values: try Column(.string, [.string("1")]),
            times: nil,
            kind: .outcome
        )
        #expect(try world.logged(wrong) == [.accepted])
        #expect(throws: AlulaError.self) { try world.log([ids[1]], outcomes: [1]) }
        try world.log.erase(EntityID(1), key: KeyCodec.encode([Column(int64s: [0])], row: 0))
        #expect(try world.log([ids[1]], outcomes: [1]) == [.accepted])
        #expect(try world.scan()[ids[1]]?[ServedColumn.outcome] == .float64(1))
        wrong.ids = try Column(.bytes, [.bytes(ids[2].bytes)])
        #expect(throws: AlulaError.self) { try world.logged(wrong) }
    }

    @Test func `what is refused weighs as much as what is kept`() throws {
        let world = try World()
        let hour: Int64 = 3_600_000_000
        world.now.set(hour + 1_500_000)
        world.log.refuse(100, of: world.name, version: 2)
        try world.log.set(rate: 0.1, keep: nil, of: world.name)
        world.now.set(hour + 62_000_000)
        world.log.refuse(100, of: world.name, version: 2)
        world.log.refuse(7, of: world.name, version: 3)
        func refused(from: Int64, until: Int64) throws -> [UInt32: Int] {
            try world.log.refused(
                of: world.name,
                from: Timestamp(microseconds: from),
                until: Timestamp(microseconds: until)
            ).mapValues { Int(($0 * 10).rounded()) }
        }
        #expect(try refused(from: 0, until: 9 * hour) == [2: 1_100, 3: 7])
        #expect(try refused(from: hour + 2_000_000, until: 9 * hour) == [2: 100, 3: 7])
        #expect(try refused(from: 0, until: hour + 61_000_000) == [2: 1_000])
        // Seconds are added up to minutes, and counted once.
        world.now.set(3 * hour)
        try world.log.retire()
        try world.log.retire()
        #expect(try refused(from: 0, until: 9 * hour) == [2: 1_100, 3: 7])
        #expect(try refused(from: hour + 60_000_000, until: 9 * hour) == [2: 100, 3: 7])
        #expect(try refused(from: hour, until: hour) == [2: 1_000])
        try world.log.set(rate: 0.1, keep: .seconds(60), of: world.name)
        try world.log.retire()
        #expect(try refused(from: 0, until: 9 * hour).isEmpty)
        // Of a rate of nothing there is nothing to compare with.
        try world.log.set(rate: 0, keep: nil, of: world.name)
        world.log.refuse(100, of: world.name, version: 2)
        #expect(try refused(from: 0, until: 9 * hour).isEmpty)
        #expect(world.log.figures.refused.load(ordering: .relaxed) == 307)
    }
}
