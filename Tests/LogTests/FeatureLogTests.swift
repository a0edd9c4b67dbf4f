import Domain
import Log
import RocksDB
import TestSupport
import Testing

struct FeatureLogTests {
    let directory: TemporaryDirectory
    let database: Database
    let log: FeatureLog

    init() throws {
        directory = try TemporaryDirectory()
        database = try Database(path: directory.file("db"), cacheBytes: 8 << 20)
        log = FeatureLog(database)
    }

    private func append(_ entries: ClosedRange<UInt64>, texts: Int = 3) throws {
        let batch = WriteBatch(database)
        for number in entries {
            log.append(try push(number, texts: texts), number: number, to: batch)
        }
        try database.write(batch, .synced)
    }

    private func push(_ number: UInt64, texts: Int = 3) throws -> LogEntry {
        let layout = RowLayout(
            version: 4,
            slots: [
                RowLayout.Slot(feature: FeatureID(70_000), type: .string),
                RowLayout.Slot(feature: FeatureID(2), type: .fixedList(.float32, length: 2)),
                RowLayout.Slot(feature: FeatureID(3), type: .list(.bytes)),
            ]
        )
        let text = String(repeating: "x", count: texts)
        let rows = FeatureRows(
            view: FeatureViewID(9),
            schemaVersion: 4,
            keys: [
                try Column(.int64, [.int64(Int64(number)), .int64(-1)]),
                try Column(.string, [.string("a\0"), .string("")]),
            ],
            event: try Column(.timestamp, [.timestamp(time(1)), .timestamp(.distantPast)]),
            created: try Column(.timestamp, [.null, .timestamp(time(2))]),
            features: [
                try Column(.string, [.string(text), .null]),
                try Column(
                    .fixedList(.float32, length: 2),
                    [.null, .list([.float32(1), .float32(2)])]
                ),
                try Column(.list(.bytes), [.list([.bytes([1]), .bytes([])]), .list([])]),
            ]
        )
        return LogEntry(
            recorded: time(Int64(number)),
            change: .push(rows, layout: layout)
        )
    }

    private func time(_ microseconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds) }

    @Test func `an empty log has no entries`() throws {
        #expect(try log.head() == .empty)
        #expect(try log.entries(after: 0, limitBytes: 1).isEmpty)
    }

    @Test func `entries come back as they were, after a crash too`() throws {
        let publication = LogEntry(
            recorded: time(-5),
            change: .publishImport(importID: "import-é", view: FeatureViewID(.max), rows: .max)
        )
        let batch = WriteBatch(database)
        log.append(try push(1), number: 1, to: batch)
        log.append(publication, number: 2, to: batch)
        #expect(try log.last() == 0)
        try database.write(batch, .synced)
        try directory.copy("db", to: "crashed")
        for database in [database, try Database(path: directory.file("crashed"))] {
            let log = FeatureLog(database)
            let entries = try log.entries(after: 0, limitBytes: .max)
            #expect(entries.map(\.number) == [1, 2])
            #expect(entries.map(\.entry) == [try push(1), publication])
            #expect(try log.head() == LogHead(number: 2, recorded: time(-5)))
        }
    }

    @Test func `entries keep to the limit of bytes, but for the first`() throws {
        try append(1...9, texts: 1_000)
        #expect(try log.entries(after: 0, limitBytes: 1).map(\.number) == [1])
        #expect(try log.entries(after: 3, limitBytes: 2_500).map(\.number) == [4, 5])
        #expect(try log.entries(after: 8, limitBytes: .max).map(\.number) == [9])
        #expect(try log.entries(after: 9, limitBytes: .max).isEmpty)
        #expect(try log.entries(after: .max, limitBytes: .max).isEmpty)
    }

    @Test func `numbers over 255 keep their order`() throws {
        try append(254...258)
        #expect(
            try log.entries(after: 253, limitBytes: .max).map(\.number) == [
                254, 255, 256, 257, 258,
            ]
        )
    }

    @Test func `dropped entries are gone, the others stay, and the head does too`() throws {
        try append(1...5)
        try log.dropThrough(3)
        try log.dropThrough(2)
        #expect(try log.dropped() == 3)
        #expect(try log.entries(after: 3, limitBytes: .max).map(\.number) == [4, 5])
        try log.dropThrough(5)
        #expect(try log.entries(after: 5, limitBytes: .max).isEmpty)
        #expect(try log.head() == LogHead(number: 5, recorded: time(5)))
        try append(6...6)
        #expect(try log.entries(after: 5, limitBytes: .max).map(\.number) == [6])
    }

    @Test func `more entries than one step are dropped`() throws {
        let batch = WriteBatch(database)
        for number in UInt64(1)...9_000 {
            let change = LogEntry.Change.publishImport(
                importID: "i",
                view: FeatureViewID(1),
                rows: 0
            )
            log.append(LogEntry(recorded: time(1), change: change), number: number, to: batch)
        }
        try database.write(batch, .synced)
        try log.dropThrough(8_999)
        #expect(try log.entries(after: 8_999, limitBytes: .max).map(\.number) == [9_000])
        var left = 0
        try database.scan(.log, from: []) { _, _ in
            left += 1
            return true
        }
        #expect(left == 1)
    }

    @Test func `a gap is corruption, not the end`() throws {
        try append(1...4)
        try log.dropThrough(2)
        for after in [0, 1] as [UInt64] {
            let error = try #require(throws: AlulaError.self) {
                _ = try log.entries(after: after, limitBytes: .max)
            }
            #expect(error.code == .dataLoss)
        }
        let batch = WriteBatch(database)
        batch.delete(.log, [0, 0, 0, 0, 0, 0, 0, 4])
        try database.write(batch, .synced)
        #expect(throws: AlulaError.self) { _ = try log.entries(after: 3, limitBytes: .max) }
    }

    @Test func `every change of one byte and every truncation throws`() throws {
        try append(1...1)
        let key: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1]
        let stored = try #require(try database.get(.log, key))
        let truncations = stored.indices.map { Array(stored[..<$0]) }
        let changes = stored.indices.map { index in
            var changed = stored
            changed[index] ^= 0x41
            return changed
        }
        for broken in truncations + changes {
            let batch = WriteBatch(database)
            batch.put(.log, key, broken)
            try database.write(batch, .buffered)
            let error = try #require(throws: AlulaError.self) {
                _ = try log.entries(after: 0, limitBytes: .max)
            }
            #expect(error.code == .dataLoss)
            #expect(error.message.contains("entry 1"))
        }
    }
}
