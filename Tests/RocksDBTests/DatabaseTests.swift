import Domain
import RocksDB
import TestSupport
import Testing

struct DatabaseTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func open(_ name: String = "db") throws -> Database {
        try Database(path: directory.file(name), cacheBytes: 8 << 20)
    }

    private func put(
        _ database: Database,
        _ pairs: [(ColumnFamily, String, String)],
        _ durability: Database.Durability = .synced
    ) throws {
        let batch = WriteBatch(database)
        for (family, key, value) in pairs { batch.put(family, Array(key.utf8), Array(value.utf8)) }
        try database.write(batch, durability)
    }

    private func get(_ database: Database, _ family: ColumnFamily, _ key: String) throws -> String?
    {
        try database.get(family, Array(key.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `a batch is there as a whole, each family for itself`() throws {
        let database = try open()
        try put(database, [(.rows, "a", "1"), (.log, "a", "2"), (.meta, "", "")])
        #expect(try get(database, .rows, "a") == "1")
        #expect(try get(database, .log, "a") == "2")
        #expect(try get(database, .meta, "a") == nil)
        #expect(try get(database, .meta, "") == "")
        let batch = WriteBatch(database)
        batch.delete(.rows, Array("a".utf8))
        batch.put(.log, Array("a".utf8), [1])
        batch.put(.log, Array("a".utf8), [2])
        #expect(batch.count == 3)
        try database.write(batch, .synced)
        #expect(try get(database, .rows, "a") == nil)
        #expect(try database.get(.log, Array("a".utf8)) == [2])
    }

    @Test func `what was written is there after a crash`() throws {
        let database = try open()
        try put(database, [(.rows, "a", "1")])
        try put(database, [(.log, "b", "2")], .buffered)
        try directory.copy("db", to: "crashed")
        let reopened = try open("crashed")
        #expect(try get(reopened, .rows, "a") == "1")
        #expect(try get(reopened, .log, "b") == "2")
    }

    @Test func `it opens again and again`() throws {
        for round in 0..<50 {
            let database = try open()
            #expect(try get(database, .rows, "round") == (round == 0 ? nil : String(round - 1)))
            try put(database, [(.rows, "round", String(round))], .buffered)
        }
    }

    @Test func `a directory that is open is refused with what to do`() throws {
        let database = try open()
        let error = try #require(throws: AlulaError.self) { _ = try open() }
        #expect(error.code == .failedPrecondition)
        #expect(error.help.contains("stop it"))
        withExtendedLifetime(database) {}
    }

    @Test func `many keys are looked up in one call, unsorted and twice`() throws {
        let database = try open()
        try put(database, (0..<500).map { (.rows, "key \($0)", "value \($0)") })
        try database.flush()
        try put(database, [(.rows, "key 3", "again")])
        var asked = LookupKeys()
        let names = (0..<1_000).map { "key \(($0 * 7_919) % 600)" }
        for name in names { asked.append { $0.append(contentsOf: name.utf8) } }
        let sorted = asked.sorted()
        #expect(sorted.count == Set(names).count)
        let values = try database.get(.rows, sorted)
        for (index, name) in names.enumerated() {
            let found = try values.withValue(sorted.places[index]) { span in
                String(
                    decoding: span.byteOffsets.map {
                        span.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
                    },
                    as: UTF8.self
                )
            }
            #expect(found == (try get(database, .rows, name)))
        }
    }

    @Test func `no keys and the empty key are looked up`() throws {
        let database = try open()
        try put(database, [(.rows, "", "nothing")])
        _ = try database.get(.rows, LookupKeys().sorted())
        var keys = LookupKeys()
        for key in ["b", "", "a", ""] { keys.append { $0.append(contentsOf: key.utf8) } }
        let sorted = keys.sorted()
        #expect(sorted.places == [2, 0, 1, 0])
        let values = try database.get(.rows, sorted)
        #expect(try values.withValue(0) { $0.byteCount } == 7)
        #expect(try values.withValue(1) { $0.byteCount } == nil)
    }

    @Test func `a scan keeps to its bounds and stops when told`() throws {
        let database = try open()
        try put(database, ["a", "b", "c", "d"].map { (.meta, $0, $0) })
        func keys(from: String, to: String?, atMost limit: Int = .max) throws -> String {
            var found: [UInt8] = []
            try database.scan(.meta, from: Array(from.utf8), to: to.map { Array($0.utf8) }) {
                key,
                value in
                #expect(key == value)
                found += key
                return found.count < limit
            }
            return String(decoding: found, as: UTF8.self)
        }
        #expect(try keys(from: "", to: nil) == "abcd")
        #expect(try keys(from: "b", to: "d") == "bc")
        #expect(try keys(from: "bb", to: "x") == "cd")
        #expect(try keys(from: "c", to: "c") == "")
        #expect(try keys(from: "a", to: nil, atMost: 2) == "ab")
    }

    @Test func `a scan throws what its body throws`() throws {
        let database = try open()
        try put(database, [(.meta, "a", "")])
        #expect(throws: AlulaError.corrupt("no")) {
            try database.scan(.meta, from: []) { _, _ throws(AlulaError) in throw .corrupt("no") }
        }
    }

    @Test func `a snapshot sees what was there`() throws {
        let database = try open()
        try put(database, [(.rows, "a", "1")])
        let snapshot = database.snapshot()
        try put(database, [(.rows, "a", "2"), (.rows, "b", "2")])
        var seen: [[UInt8]] = []
        try database.scan(.rows, from: [], at: snapshot) { _, value in
            seen.append(value)
            return true
        }
        #expect(seen == [Array("1".utf8)])
    }

    @Test func `a checkpoint opens as a database of its own`() throws {
        let database = try open()
        try put(database, [(.rows, "a", "1")])
        try database.checkpoint(to: directory.file("copy"))
        try put(database, [(.rows, "a", "2")])
        database.compact(.rows)
        let copy = try open("copy")
        #expect(try get(copy, .rows, "a") == "1")
        #expect(try get(database, .rows, "a") == "2")
    }

    @Test func `after a failure no write is taken, and reads go on`() throws {
        let database = try open()
        try put(database, [(.rows, "a", "1")])
        #expect(database.failure == nil)
        database.refuseWrites(because: .corrupt("the disk is full of holes"))
        let error = try #require(throws: AlulaError.self) { try put(database, [(.rows, "a", "2")]) }
        #expect(error.code == .failedPrecondition)
        #expect(error.message.contains("full of holes"))
        #expect(error.help.contains("restart"))
        #expect(try get(database, .rows, "a") == "1")
    }

    @Test func `a path that cannot be made is an error with the path`() throws {
        let error = try #require(throws: AlulaError.self) {
            _ = try Database(path: "/proc/none/db")
        }
        #expect(error.message.contains("/proc/none/db"))
    }

    @Test func `a look-up in memory alone names the keys that it does not answer`() throws {
        let count = 4_000
        func key(_ number: Int) -> String { "key \(number + 10_000)" }
        let filling = String(repeating: "x", count: 500)
        do {
            let database = try open()
            try put(database, (0..<count).map { (.rows, key($0), "\($0) \(filling)") })
            try database.flush()
        }
        let database = try open()
        try put(database, [(.rows, "new", "1")])
        var list = LookupKeys()
        for name in ["new", "none"] + stride(from: 0, to: count, by: 40).map(key) {
            list.append { $0 += Array(name.utf8) }
        }
        let keys = list.sorted()
        func read(memoryOnly: Bool) throws -> (values: [String?], isComplete: Bool) {
            let values = try database.get(.rows, keys, memoryOnly: memoryOnly)
            let texts = try (0..<keys.count).map { index in
                try values.withValue(index) { bytes in
                    bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
                }
            }
            return (texts, values.isComplete)
        }
        let cold = try read(memoryOnly: true)
        #expect(!cold.isComplete)
        let whole = try read(memoryOnly: false)
        #expect(whole.isComplete)
        #expect(whole.values.count { $0 == nil } == 1)
        let warm = try read(memoryOnly: true)
        #expect(warm.isComplete)
        #expect(warm.values == whole.values)
    }
}
