import Domain
import Foundation
import RocksDB
import TestSupport
import Testing

/// What was deleted is in no file of the directory.
struct ErasureTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private static let secretKey = "k-SEAGULL-4711"
    private static let secretValue = "v-PELICAN-0815"

    private func put(
        _ database: Database,
        _ family: ColumnFamily,
        _ pairs: [(key: String, value: String)]
    ) throws {
        let batch = WriteBatch(database)
        for (key, value) in pairs { batch.put(family, Array(key.utf8), Array(value.utf8)) }
        try database.write(batch, .synced)
    }

    private func delete(_ database: Database, _ family: ColumnFamily, _ key: String) throws {
        let batch = WriteBatch(database)
        batch.delete(family, Array(key.utf8))
        try database.write(batch, .synced)
    }

    /// Files that hold one of the secrets, as it is or in hexadecimal digits.
    private func leaks() throws -> [String] {
        let secrets = [Self.secretKey, Self.secretValue].flatMap { secret in
            let hex = secret.utf8.map { String($0, radix: 16) }.joined()
            return [Data(secret.utf8), Data(hex.utf8), Data(hex.uppercased().utf8)]
        }
        let folder = directory.file("db")
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter { name in
            guard let bytes = FileManager.default.contents(atPath: folder + "/" + name) else {
                return false
            }
            return secrets.contains { bytes.range(of: $0) != nil }
        }
    }

    private func noise(_ count: Int, _ round: Int) -> [(key: String, value: String)] {
        (0..<count).map {
            ("k-\($0)", "\(round) " + String(repeating: "x", count: 20 + $0 % 50))
        }
    }

    private func range(_ family: ColumnFamily) -> Database.KeyRange {
        let key = Array(Self.secretKey.utf8)
        return Database.KeyRange(family, first: key, last: key + [0xFF])
    }

    /// Where the row is when it is deleted: in memory, in a fresh table, or at the bottom, alone or
    /// among others, as the edge of a table or within it.
    @Test(arguments: [0, 1, 2, 3], [0, 500])
    func `no file holds a deleted row`(depth: Int, others: Int) throws {
        let database = try Database(path: directory.file("db"), cacheBytes: 8 << 20)
        for family in [ColumnFamily.rows, .log, .meta] {
            try put(database, family, noise(others, 0))
            try put(database, family, [(Self.secretKey, Self.secretValue)])
        }
        if depth > 0 { try database.flush() }
        if depth > 1 { for family in ColumnFamily.allCases { database.compact(family) } }
        for family in [ColumnFamily.rows, .log, .meta] {
            try put(database, family, noise(others / 2, 1))
            if depth > 2 { try database.flush() }
            try delete(database, family, Self.secretKey)
        }
        #expect(try !leaks().isEmpty)
        try database.eraseDeleted(in: [range(.rows), .init(.log), .init(.meta)])
        #expect(try leaks() == [])
        for index in 0..<others {
            let value = try database.get(.rows, Array("k-\(index)".utf8))
            #expect(value == Array(noise(others, index < others / 2 ? 1 : 0)[index].value.utf8))
        }
        try database.eraseDeleted(in: [range(.rows), .init(.log), .init(.meta)])
        #expect(try leaks() == [])
    }

    @Test func `tables that reach over the range and have nothing of it are left alone`() throws {
        let database = try Database(path: directory.file("db"), cacheBytes: 8 << 20)
        try put(database, .rows, [("a", "1"), (Self.secretKey, Self.secretValue), ("z", "2")])
        try delete(database, .rows, Self.secretKey)
        for _ in 0..<3 {
            try database.eraseDeleted(in: [range(.rows)])
            #expect(try leaks() == [])
        }
        #expect(try database.get(.rows, Array("z".utf8)) == Array("2".utf8))
    }

    @Test func `a row that was overwritten is gone as well, and others in its table stay`() throws {
        let database = try Database(path: directory.file("db"), cacheBytes: 8 << 20)
        try put(database, .rows, noise(100, 0) + [("k-50", Self.secretValue)])
        try database.flush()
        try put(database, .rows, [("k-50", "other")])
        let key = Array("k-50".utf8)
        try database.eraseDeleted(in: [.init(.rows, first: key, last: key)])
        #expect(try leaks() == [])
        #expect(try database.get(.rows, key) == Array("other".utf8))
    }

    @Test func `writes that go on meanwhile are kept`() throws {
        let database = try Database(path: directory.file("db"), cacheBytes: 8 << 20)
        try put(database, .rows, [(Self.secretKey, Self.secretValue)])
        try delete(database, .rows, Self.secretKey)
        let writer = Thread {
            let batch = WriteBatch(database)
            for index in 0..<2_000 {
                batch.put(.rows, Array("w-\(index)".utf8), [1])
                if index % 10 == 9 { try? database.write(batch, .synced) }
            }
        }
        writer.start()
        for _ in 0..<5 { try database.eraseDeleted(in: [range(.rows)]) }
        #expect(try leaks() == [])
        while !writer.isFinished { _ = try database.get(.rows, []) }
        try database.syncLog()
        try directory.copy("db", to: "crashed")
        let crashed = try Database(path: directory.file("crashed"), cacheBytes: 8 << 20)
        for index in 0..<2_000 {
            #expect(try crashed.get(.rows, Array("w-\(index)".utf8)) == [1])
        }
    }

    @Test func `a reader that holds an older picture is said`() throws {
        let database = try Database(path: directory.file("db"), cacheBytes: 8 << 20)
        try put(database, .rows, [(Self.secretKey, Self.secretValue)])
        let snapshot = database.snapshot()
        try delete(database, .rows, Self.secretKey)
        let error = try #require(throws: AlulaError.self) {
            try database.eraseDeleted(in: [range(.rows)])
        }
        #expect(error.code == .unavailable)
        withExtendedLifetime(snapshot) {}
    }

    @Test func `it stops when it is cancelled`() throws {
        let database = try Database(path: directory.file("db"), cacheBytes: 8 << 20)
        let error = try #require(throws: AlulaError.self) {
            try database.eraseDeleted(in: [range(.rows)], isCancelled: { true })
        }
        #expect(error.code == .cancelled)
    }
}
