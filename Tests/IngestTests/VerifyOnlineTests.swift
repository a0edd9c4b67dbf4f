import Domain
import RocksDB
import Testing

@testable import Ingest

struct VerifyOnlineTests {
    let fixture: IngestFixture
    let view = Fixtures.view()

    init() throws {
        fixture = try IngestFixture()
        try fixture.push(try Fixtures.rows((0..<20).map { ($0, -10, $0) }))
    }

    private func verify() throws -> (rows: UInt64, problems: [String]) {
        try fixture.ingestor.verifyOnline(
            views: [view],
            cancelled: { false },
            progress: { _, _ in }
        )
    }

    private func stored(_ index: Int) throws -> (key: [UInt8], value: [UInt8]) {
        var all: [([UInt8], [UInt8])] = []
        try fixture.database.scan(.rows, from: []) { key, value in
            all.append((key, value))
            return true
        }
        return all[index]
    }

    private func put(_ key: [UInt8], _ value: [UInt8]) throws {
        let batch = WriteBatch(fixture.database)
        batch.put(.rows, key, value)
        try fixture.database.write(batch, .buffered)
    }

    @Test func `sound rows have no problems`() throws {
        let (rows, problems) = try verify()
        #expect(rows == 20)
        #expect(problems == [])
    }

    @Test func `every changed byte is found`() throws {
        let (key, value) = try stored(3)
        for index in value.indices {
            var changed = value
            changed[index] ^= 0x10
            try put(key, changed)
            let (rows, problems) = try verify()
            #expect(rows == 20)
            #expect(problems.count == 1)
            #expect(problems[0].contains("view v"))
        }
    }

    @Test func `rows in wrong places are found`() throws {
        let (key, value) = try stored(3)
        let wrong: [([UInt8], String)] = [
            ([1, 2, 3], "3 bytes"),
            (key.dropLast(4) + [0, 0, 0, 9], "view 9"),
            ([0, 0, 0, 7] + key.dropFirst(4), "another entity"),
            (key.prefix(4) + [6, 65, 0, 1] + key.suffix(4), "parts"),
            (key.prefix(4) + [3, 0] + key.suffix(4), "int64"),
        ]
        for (count, (key, text)) in wrong.enumerated() {
            try put(key, value)
            let problems = try verify().problems
            #expect(problems.count == count + 1)
            #expect(problems.contains { $0.contains(text) }, "\(text): \(problems)")
        }
    }

    @Test func `a row of an entry that the log does not have is found`() throws {
        let other = try IngestFixture()
        for value in Int64(0)..<3 { try other.push(try Fixtures.rows([(100, value - 10, value)])) }
        var newer: [([UInt8], [UInt8])] = []
        try other.database.scan(.rows, from: []) { key, value in
            newer.append((key, value))
            return true
        }
        try put(newer[0].0, newer[0].1)
        let problems = try verify().problems
        #expect(problems.count == 1)
        #expect(problems[0].contains("log entry 3"))
    }

    @Test func `many problems are cut short, and it stops when it is cancelled`() throws {
        for index in 0..<150 { try put([1, UInt8(index)], []) }
        let problems = try verify().problems
        #expect(problems.count == 101)
        #expect(problems.last == "and 50 problems more")
        let error = try #require(throws: AlulaError.self) {
            _ = try fixture.ingestor.verifyOnline(
                views: [view],
                cancelled: { true },
                progress: { _, _ in }
            )
        }
        #expect(error.code == .cancelled)
    }
}
