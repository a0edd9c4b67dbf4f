import Codec
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

    /// One of each kind that has no rows, and their edges.
    private var smallChanges: [LogEntry.Change] {
        [
            .publishImport(importID: "import-é", view: FeatureViewID(.max), rows: .max),
            .retract(view: nil, entries: 1...1),
            .retract(view: FeatureViewID(0), entries: 0 ... .max),
            .retract(view: FeatureViewID(.max), entries: 7...9),
            .forget(
                entity: EntityID(7),
                views: [FeatureViewID(3), FeatureViewID(.max)],
                key: [3, 0, 0xFF, 1],
                keyHash: (0..<32).map { $0 }
            ),
            .forget(
                entity: EntityID(.max),
                views: [],
                key: Array(repeating: 9, count: Limits.keyBytes),
                keyHash: Array(repeating: 0xFF, count: 32)
            ),
            .retire(view: FeatureViewID(5), merge: .min),
        ]
    }

    @Test func `entries of every kind come back as they were`() throws {
        let batch = WriteBatch(database)
        let entries = smallChanges.enumerated().map {
            LogEntry(recorded: time(Int64($0)), change: $1)
        }
        for (index, entry) in entries.enumerated() {
            log.append(entry, number: UInt64(index + 1), to: batch)
        }
        try database.write(batch, .synced)
        #expect(try log.entries(after: 0, limitBytes: .max).map(\.entry) == entries)
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
        for entry in [try push(1)] + smallChanges.map({ LogEntry(recorded: time(1), change: $0) }) {
            let batch = WriteBatch(database)
            log.append(entry, number: 1, to: batch)
            try database.write(batch, .buffered)
            try expectBrokenEverywhere()
        }
    }

    private func expectBrokenEverywhere() throws {
        let key: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1]
        let stored = try #require(try database.get(.log, key))
        let truncations = stored.indices.map { Array(stored[..<$0]) }
        let changes = stored.indices.map { index in
            var changed = stored
            changed[index] ^= 0x41
            return changed
        }
        for broken in truncations + changes {
            try put(broken, at: key)
            try expectCorrupt()
        }
    }

    private func put(_ bytes: [UInt8], at key: [UInt8]) throws {
        let batch = WriteBatch(database)
        batch.put(.log, key, bytes)
        try database.write(batch, .buffered)
    }

    private func expectCorrupt() throws {
        let error = try #require(throws: AlulaError.self) {
            _ = try log.entries(after: 0, limitBytes: .max)
        }
        #expect(error.code == .dataLoss)
        #expect(error.message.contains("entry 1"))
    }

    @Test func `bytes that a checksum covers and that make no sense are corruption`() throws {
        let header: [UInt8] = Array(repeating: 0, count: 8)
        let number: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0]
        let view: [UInt8] = [1, 0, 0, 0]
        let bodies: [[UInt8]] = [
            [1, 0] + header,
            [1, 6] + header,
            [2, 3] + header,
            // A scope that is none, all views with a view, a range that runs backwards.
            [1, 3] + header + [2] + view + number + number,
            [1, 3] + header + [0] + view + number + number,
            [1, 3] + header + [1] + view + number + header,
            // More views than there are bytes, a key cut short, no hash.
            [1, 4] + header + view + [255, 255, 255, 255] + view,
            [1, 4] + header + view + [0, 0, 0, 0] + [9, 0] + [1, 2],
            [1, 4] + header + view + [0, 0, 0, 0] + [1, 0] + [1],
            // Something behind the end.
            [1, 5] + header + view + number + [0],
        ]
        for body in bodies {
            var bytes = body
            let sum = Checksum.crc32c(body)
            for shift in stride(from: 0, to: 32, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: sum >> UInt32(shift)))
            }
            let batch = WriteBatch(database)
            log.append(LogEntry(recorded: time(1), change: smallChanges[1]), number: 1, to: batch)
            try database.write(batch, .buffered)
            try put(bytes, at: [0, 0, 0, 0, 0, 0, 0, 1])
            try expectCorrupt()
        }
    }
}
