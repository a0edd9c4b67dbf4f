import Codec
import Domain
import GRDB
import Offline
import TestSupport
import Testing

@testable import Served

struct ServedLogTests {
    static let anna = Vector(
        zip: 1,
        person: "anna",
        population: 10,
        city: "Ulm",
        isFriend: true,
        amount: 0.5
    )
    static let nobody = Vector(zip: 2, person: "bob", amount: 2)

    @Test func `a vector is kept as it was served, statuses included`() throws {
        let world = try World()
        let ids = try world.serve([Self.anna, Self.nobody], at: 2_000_000)
        #expect(ids.allSatisfy { $0.isLogged && $0.version == 1 })
        let found = try world.scan { $0.withEventTimes = true }
        #expect(found.count == 2)
        let first = try #require(found[ids[0]])
        #expect(first["zip"] == .int64(1))
        #expect(first["population"] == .int64(10))
        #expect(first["city"] == .string("Ulm"))
        #expect(first["friend"] == .bool(true))
        #expect(first["amount"] == .float64(0.5))
        #expect(first["population@status"] == .int32(0))
        #expect(first["view1@event_time"] == .timestamp(Timestamp(microseconds: 1_999_990)))
        #expect(first[ServedColumn.stage] == .string("production"))
        #expect(first[ServedColumn.modelVersion] == .int32(1))
        #expect(first[ServedColumn.logEntry] == .int64(5))
        #expect(first[ServedColumn.outcome] == .null)
        let second = try #require(found[ids[1]])
        #expect(second["population"] == .null)
        #expect(second["population@status"] == .int32(2))
    }

    @Test func `the newest outcome is joined, and what was known earlier can be asked for`() throws
    {
        let world = try World()
        let ids = try world.serve([Self.anna], at: 2_000_000)
        #expect(try world.log(ids, predictions: [0.9]) == [.accepted])
        world.now.set(3_000_000)
        #expect(try world.log(ids, outcomes: [1], times: [2_500_000]) == [.accepted])
        world.now.set(4_000_000)
        #expect(try world.log(ids, outcomes: [0], times: [2_600_000]) == [.accepted])
        world.now.set(5_000_000)
        // A late one of an earlier time changes nothing.
        #expect(try world.log(ids, outcomes: [7], times: [2_100_000]) == [.accepted])
        let newest = try world.scan()[ids[0]]
        #expect(newest?[ServedColumn.outcome] == .float64(0))
        #expect(newest?[ServedColumn.prediction] == .float64(0.9))
        let earlier = try world.scan { $0.asKnown = Timestamp(microseconds: 3_500_000) }
        #expect(earlier[ids[0]]?[ServedColumn.outcome] == .float64(1))
        let before = try world.scan { $0.asKnown = Timestamp(microseconds: 1_500_000) }
        #expect(before[ids[0]]?[ServedColumn.outcome] == .null)
        #expect(before[ids[0]]?[ServedColumn.prediction] == .null)
    }

    @Test func `whatever is wrong with a prediction or an outcome is told`() throws {
        let world = try World()
        let ids = try world.serve([Self.anna, Self.nobody], at: 2_000_000)
        world.now.set(3_000_000)
        let never = PredictionID(stamp: 77, version: 1, row: 0, isLogged: true)
        let notKept = PredictionID(stamp: ids[0].stamp, version: 1, row: 9, isLogged: false)
        let skew = Limits.maxSkew.microseconds
        let cases: [(PredictionID, Int64, LoggedStatus)] = [
            (ids[0], 2_500_000, .accepted),
            (ids[0], 2_500_000, .duplicate),
            (ids[0], 2_500_001, .accepted),
            (ids[1], 1_999_999, .beforePrediction),
            (ids[1], 3_000_000 + skew + 1, .inFuture),
            (ids[1], 3_000_000 + skew, .accepted),
            (never, 2_500_000, .unknown),
            (notKept, 2_500_000, .notLogged),
        ]
        let statuses = try world.log(
            cases.map(\.0),
            outcomes: cases.map { _ in 1 },
            times: cases.map(\.1)
        )
        #expect(statuses == cases.map(\.2))
        #expect(try world.log([ids[0]], outcomes: [1], times: [2_500_000]) == [.duplicate])
        #expect(try world.log([ids[0], ids[0]], predictions: [1, 2]) == [.accepted, .duplicate])
        #expect(try world.log([ids[0]], predictions: [3]) == [.duplicate])
        let short = LoggedValues(
            ids: try Column(.bytes, [.bytes([1, 2]), .null, .bytes(ids[1].bytes)]),
            values: try Column(.float64, [.float64(1), .float64(1), .null]),
            times: nil,
            kind: .outcome
        )
        #expect(try world.logged(short) == [.invalid, .invalid, .invalid])
        let counts = world.log.figures.loggedCounts
        #expect(counts[.init(kind: .outcome, status: .accepted)] == 3)
        #expect(counts[.init(kind: .outcome, status: .unknown)] == 1)
        #expect(try world.scan().count == 2)
    }

    @Test func `the first outcome says the type of all`() throws {
        let world = try World()
        let ids = try world.serve([Self.anna], at: 2_000_000)
        _ = try world.log(ids, outcomes: [1])
        let text = LoggedValues(
            ids: try Column(.bytes, [.bytes(ids[0].bytes)]),
            values: try Column(.string, [.string("yes")]),
            times: nil,
            kind: .outcome
        )
        let error = #expect(throws: AlulaError.self) { try world.logged(text) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("float64") == true)
        // Whole numbers are taken for floats.
        var whole = text
        whole.values = try Column(.int32, [.int32(3)])
        #expect(try world.logged(whole) == [.accepted])
        #expect(try world.scan()[ids[0]]?[ServedColumn.outcome] == .float64(3))
    }

    @Test func `a repeat gets the first answer`() throws {
        let world = try World()
        let ids = try world.serve([Self.anna], at: 2_000_000)
        let request = [UInt8](repeating: 7, count: 16)
        #expect(try world.log(ids, outcomes: [1], requestID: request) == [.accepted])
        #expect(try world.log(ids, outcomes: [1], requestID: request) == [.accepted])
        #expect(world.log.figures.loggedCounts.values.reduce(0, +) == 1)
    }

    @Test func `a key is always kept or never, at about the rate`() throws {
        let world = try World()
        try world.log.set(rate: 0.2, keep: nil, of: world.name)
        let vectors = (0..<1_000).map {
            Vector(zip: Int64($0), person: "p\($0)", population: Int64($0), amount: 1)
        }
        let first = try world.serve(vectors, at: 2_000_000)
        let second = try world.serve(vectors, at: 3_000_000)
        #expect(first.map(\.isLogged) == second.map(\.isLogged))
        let kept = first.filter(\.isLogged).count
        #expect((140...260).contains(kept))
        let found = try world.scan()
        #expect(found.count == 2 * kept)
        for (id, row) in found { #expect(row["zip"] == .int64(Int64(id.place & 0x7FFF_FFFF))) }
        try world.log.set(rate: 0, keep: nil, of: world.name)
        #expect(try world.serve(vectors, at: 4_000_000).allSatisfy { !$0.isLogged })
    }

    @Test func `it is there after a restart, and its times go on`() throws {
        let world = try World()
        let ids = try world.serve([Self.anna], at: 2_000_000)
        let log = try world.reopened()
        defer { log.stop() }
        #expect(try world.scan(log).keys.sorted() == ids)
        // The clock was set back.
        let later = try world.serve([Self.anna], at: 1_000_000, log: log)
        #expect(later[0] > ids[0])
        #expect(try world.scan(log).count == 2)
    }
}

extension ServedLogTests {
    @Test func `a forgotten key takes its predictions and outcomes with it`() throws {
        let world = try World()
        let ids = try world.serve([Self.anna, Self.nobody], at: 2_000_000)
        let more = try world.serve([Self.nobody, Self.anna], at: 2_000_001)
        _ = try world.log(ids + more, predictions: [1, 2, 3, 4])
        _ = try world.log(ids + more, outcomes: [1, 2, 3, 4])
        let key = KeyCodec.encode(EntityKey([.string("anna")]))
        #expect(try world.log.count(EntityID(2), key: key) == 2)
        #expect(try world.log.count(EntityID(1), key: key) == 0)
        try world.log.erase(EntityID(2), key: key)
        let found = try world.scan()
        #expect(Set(found.keys) == [ids[1], more[0]])
        #expect(found[ids[1]]?[ServedColumn.outcome] == .float64(2))
        #expect(found[more[0]]?[ServedColumn.prediction] == .float64(3))
        // Told, not taken.
        #expect(try world.log([ids[0], ids[1]], outcomes: [5, 6]) == [.unknown, .accepted])
        #expect(try world.log.count(EntityID(2), key: key) == 0)
    }

    @Test func `retention takes what is older than is kept`() throws {
        let world = try World()
        let old = try world.serve([Self.anna], at: 2_000_000)
        _ = try world.log(old, outcomes: [1])
        try world.log.flush()
        let new = try world.serve([Self.anna], at: 90_000_000)
        try world.log.flush()
        try world.log.set(rate: nil, keep: .seconds(60), of: world.name)
        world.now.set(100_000_000)
        #expect(try world.log.retire() == 2)
        #expect(Set(try world.scan().keys) == Set(new))
    }

    @Test func `retention takes the old rows of a segment that reaches across its bound`() throws {
        let world = try World()
        var ids: [PredictionID] = []
        for second in 2...100 as ClosedRange<Int64> {
            ids += try world.serve([Self.anna], at: second * 1_000_000)
        }
        _ = try world.log(ids, outcomes: ids.map { _ in 1 })
        try world.log.flush()
        while try world.log.mergeOnce() {}
        world.now.set(100_000_000)
        try world.log.set(rate: nil, keep: .seconds(60), of: world.name)
        let left = ids.filter { $0.stamp >= 40_000_000 }
        // Before the file is written anew, too.
        #expect(Set(try world.scan().keys) == Set(left))
        _ = try world.log.retire()
        let kept = try world.offline.readBeside { db in
            try Int.fetchAll(db, sql: "SELECT SUM(rows) FROM served_segment GROUP BY kind")
        }
        #expect(kept == [left.count, left.count])
        #expect(Set(try world.scan().keys) == Set(left))
        world.now.set(101_000_000)
        // Less than an eighth of the time: not worth writing it anew.
        #expect(try world.log.retire() == 0)
        #expect(try world.scan().count == left.count - 1)
    }

    @Test func `segments of long texts that repeat are merged only as far as memory goes`() throws {
        let world = try World()
        let text = String(repeating: "p", count: 100_000)
        var ids: [PredictionID] = []
        for round in 0..<20 {
            let vectors = (0..<20).map { Vector(zip: $0, person: text, amount: 1) }
            ids += try world.serve(vectors, at: 2_000_000 + Int64(round))
            try world.log.flush()
        }
        while try world.log.mergeOnce() {}
        #expect(Set(try world.scan().keys) == Set(ids))
        let largest = try world.offline.readBeside { db in
            try Int.fetchOne(db, sql: "SELECT MAX(rows) FROM served_segment") ?? 0
        }
        // 400 rows of 100 KB each.
        #expect(largest > 20 && largest * text.utf8.count <= 32 << 20)
    }

    @Test func `what is logged first while a scan goes on is not of it, whatever its type`() throws
    {
        let world = try World()
        let ids = try world.serve([Vector(zip: 1, person: "a", amount: 1)], at: 2_000_000)
        var cursor = try ServedScan(world.log).cursor(ServedQuery(world.name))
        world.now.set(3_000_000)
        let logged = LoggedValues(
            ids: try Column(.bytes, ids.map { .bytes($0.bytes) }),
            values: try Column(.bool, [.bool(true)]),
            times: nil,
            kind: .outcome
        )
        _ = try world.log.log(logged, for: world.name, requestID: [1]) { _ in [] }
        let batch = try #require(try cursor.next(isCancelled: { false }))
        #expect(batch[ServedColumn.outcome]?[0] == .null)
        #expect(try world.scan()[ids[0]]?[ServedColumn.outcome] == .bool(true))
    }

    @Test func `a column that some vectors lack is refused, or left out where that is asked`()
        throws
    {
        let world = try World()
        try world.serve([Vector(zip: 1, person: "a", amount: 1)], at: 2_000_000)
        var query = ServedQuery(world.name)
        query.columns = ["city", "street"]
        #expect(throws: AlulaError.self) { try ServedScan(world.log).scan(query) { _ in } }
        query.takesWhatIsThere = true
        var found: [String] = []
        try ServedScan(world.log).scan(query) { found = $0.schema.fields.map(\.name) }
        #expect(found.contains("city") && !found.contains("street"))
    }

    @Test func `ids far apart are found without what lies between them`() throws {
        let world = try World()
        let first = try world.serve([Vector(zip: 1, person: "a", amount: 1)], at: 2_000_000)
        try world.log.flush()
        try world.serve([Vector(zip: 2, person: "b", amount: 1)], at: 3_000_000)
        try world.log.flush()
        let last = try world.serve([Vector(zip: 3, person: "c", amount: 1)], at: 4_000_000)
        world.now.set(9_000_000)
        let told = try world.log(first + last, outcomes: [1, 2])
        #expect(told == [.accepted, .accepted])
        var keys: [[UInt8]] = []
        try world.log.forEachKey(of: EntityID(2)) { keys.append($0) }
        #expect(Set(keys).count == 3)
    }

    @Test func `merged or not, a scan says the same`() throws {
        var random = SeededRandom(seed: 42)
        let world = try World()
        var expected: [PredictionID: (Vector, Double?)] = [:]
        for round in 0..<40 {
            let vectors = (0..<Int.random(in: 1...30, using: &random)).map { row in
                Vector(
                    zip: Int64.random(in: 0...9, using: &random),
                    person: "p\(row)",
                    population: Bool.random(using: &random) ? Int64(row) : nil,
                    city: Bool.random(using: &random) ? "c\(round)" : nil,
                    isFriend: Bool.random(using: &random) ? true : nil,
                    amount: Double(round)
                )
            }
            let ids = try world.serve(vectors, at: 2_000_000 + Int64(round))
            for (id, vector) in zip(ids, vectors) { expected[id] = (vector, nil) }
            try world.log.flush()
            let some = expected.keys.shuffled(using: &random).prefix(10)
            let values = some.map { _ in Double.random(in: 0...1, using: &random) }
            world.now.set(3_000_000 + Int64(round))
            _ = try world.log(Array(some), outcomes: values)
            for (id, value) in zip(some, values) { expected[id]?.1 = value }
        }
        func check() throws {
            let found = try world.scan()
            #expect(found.count == expected.count)
            for (id, (vector, outcome)) in expected {
                let row = try #require(found[id])
                #expect(row["zip"] == .int64(vector.zip))
                #expect(row["population"] == vector.population.map { .int64($0) } ?? .null)
                #expect(row["city"] == vector.city.map { .string($0) } ?? .null)
                #expect(row[ServedColumn.outcome] == outcome.map { .float64($0) } ?? .null)
            }
        }
        try check()
        while try world.log.mergeOnce() {}
        let left = try world.offline.readBeside { db in
            try ServedFile(db).segments(of: world.name, .vectors).count
        }
        #expect(left < 20)
        try check()
    }
}
