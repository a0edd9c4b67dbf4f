import Domain
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Offline

/// Each way to damage history is found, and what is whole is found whole.
struct VerifyTests {
    private static func check(_ store: OfflineStore, _ view: FeatureView) throws -> HistoryCheck {
        try store.verify(views: [view], isCancelled: { false }, progress: { _, _ in })
    }

    @Test(arguments: [1, 3, 65_536], JoinAgainstOracleTests.KeyKind.allCases)
    func `a history of every kind is whole`(
        groupRows: Int,
        kind: JoinAgainstOracleTests.KeyKind
    ) throws {
        for seed in 1...2 as ClosedRange<UInt64> {
            var random = SeededRandom(seed: seed)
            let scratch = try Scratch()
            let store = try scratch.store(groupRows: groupRows)
            var world = try RandomWorld(store, kind: kind, steps: 20, &random)
            func expectWhole(_ context: Comment) throws {
                let check = try Self.check(store, world.view)
                #expect(check.problems == [], context)
                let held = try store.pool.read { db in
                    try ["block", "segment"].map {
                        UInt64(try Int64.fetchOne(db, sql: "SELECT COUNT(*) FROM \($0)") ?? 0)
                    } + [UInt64(try Int64.fetchOne(db, sql: "SELECT SUM(rows) FROM segment") ?? 0)]
                }
                #expect([check.blocks, check.segments, check.rows] == held, context)
            }
            try expectWhole("seed \(seed)")
            try store.eraseForgotten(isCancelled: { false }, progress: { _, _ in })
            try expectWhole("seed \(seed), erased")
            for _ in 0..<5 { try world.act(&random) }
            _ = try store.compact(world.view, isCancelled: { false }, progress: { _, _ in })
            try expectWhole("seed \(seed), merged")
        }
    }

    /// Two segments of pushes of three groups each, an import that is published and one that is not.
    private func fill(_ store: OfflineStore, _ view: FeatureView) throws {
        func rows(_ first: Int64) throws -> FeatureRows {
            try view.rows(
                (0..<6).map {
                    (key(.int64($0)), first + $0, 1, [.int64($0 << 40), .string("text \($0)")])
                }
            )
        }
        try store.push(1, rows(10), view)
        try store.push(2, rows(20), view)
        for (options, entry) in [("1", 3 as UInt64?), ("2", nil)] {
            let record = try store.beginImport(.test(view: view, options: options), again: false)
            _ = try store.stage(
                importID: record.id,
                chunk: 0,
                rows: rows(30),
                layout: view.layout
            )
            if let entry {
                try store.apply([
                    .init(
                        entry: entry,
                        recorded: time(3),
                        change: .publish(importID: record.id)
                    )
                ])
            }
        }
    }

    /// SQL that does damage, and what the problem says.
    private static let damages: [(sql: String, problem: String)] = [
        ("DELETE FROM block WHERE id = 3", "block 3"),
        ("UPDATE block SET bytes = zeroblob(0) WHERE id = 9", "block 9"),
        ("UPDATE block SET bytes = zeroblob(length(bytes)) WHERE id = 9", "block 9"),
        ("UPDATE block SET bytes = substr(bytes, 1, length(bytes) - 1) WHERE id = 5", "block 5"),
        ("UPDATE block SET bytes = CAST(bytes || x'00' AS BLOB) WHERE id = 5", "block 5"),
        (
            "UPDATE block SET bytes = (SELECT bytes FROM block WHERE id = 8) WHERE id = 1",
            "least and greatest key"
        ),
        (
            "UPDATE block SET bytes = (SELECT bytes FROM block WHERE id = 9) WHERE id = 2",
            "event times are not"
        ),
        (
            "UPDATE block SET bytes = (SELECT bytes FROM block WHERE id = 26) WHERE id = 5",
            "log entries that its segment does not have"
        ),
        ("INSERT INTO block (id, bytes) VALUES (9999, x'00')", "block 9999 is of no row group"),
        ("DELETE FROM row_group WHERE id = 2", "of no row group"),
        ("DELETE FROM row_group WHERE segment = 1", "no row groups"),
        ("UPDATE row_group SET rows = 1 WHERE id = 1", "group 1"),
        ("UPDATE row_group SET rows = 0 WHERE id = 1", "group 1"),
        ("UPDATE row_group SET blocks = 2 WHERE id = 1", "group 1"),
        ("UPDATE row_group SET first_block = 7 WHERE id = 1", "groups 1 and 2"),
        ("UPDATE row_group SET min_key = x'03' WHERE id = 1", "least and greatest key"),
        ("UPDATE row_group SET max_key = x'FF' WHERE id = 4", "least and greatest key"),
        ("UPDATE row_group SET min_event = 0 WHERE id = 1", "event time"),
        ("UPDATE row_group SET max_event = 99 WHERE id = 3", "event time"),
        ("UPDATE row_group SET segment = 77 WHERE id = 1", "segment 77 does not exist"),
        (
            """
            UPDATE row_group SET (first_block, min_key, max_key, min_event, max_event) =
                (SELECT first_block, min_key, max_key, min_event, max_event FROM row_group o
                    WHERE o.id = 3 - row_group.id)
            WHERE id IN (1, 2)
            """,
            "not behind the row before"
        ),
        ("UPDATE segment SET rows = 7 WHERE id = 1", "it has 7 rows and its groups have 6"),
        ("UPDATE segment SET oldest_event = 0 WHERE id = 2", "oldest and newest"),
        ("UPDATE segment SET newest_event = 0 WHERE id = 3", "oldest and newest"),
        ("UPDATE segment SET first_entry = 2 WHERE id = 1", "which log entries"),
        ("UPDATE segment SET first_entry = 1, last_entry = 1 WHERE id = 2", "log entries that"),
        ("UPDATE segment SET last_entry = 9 WHERE id = 2", "not been applied"),
        ("UPDATE segment SET first_entry = NULL WHERE id = 2", "which log entries"),
        ("UPDATE segment SET features = '1:int64' WHERE id = 1", "blocks where its columns"),
        ("UPDATE segment SET features = '1:int64,9:string' WHERE id = 1", "feature 9"),
        ("UPDATE segment SET features = '1:int64,2:bytes' WHERE id = 1", "of type bytes"),
        ("UPDATE segment SET features = 'nonsense' WHERE id = 1", "cannot be read"),
        ("UPDATE segment SET view = 8 WHERE id = 1", "view 8, which the catalog does not have"),
        ("UPDATE segment SET import = 88 WHERE id = 3", "an import that does not exist"),
        ("UPDATE segment SET merge = 66 WHERE id = 3", "merge 66 does not exist"),
        ("DELETE FROM import WHERE number = 1", "an import that does not exist"),
        ("UPDATE import SET view = 5 WHERE number = 2", "of another view"),
        ("UPDATE import SET rows = 5 WHERE number = 1", "its import does not have"),
        ("UPDATE import SET rows = 9 WHERE number = 2", "has staged 9 rows"),
        ("UPDATE import SET log_entry = 99 WHERE number = 1", "not been applied"),
        ("INSERT INTO merge (view, state) VALUES (1, 'writing')", "did not come to its end"),
    ]

    @Test(arguments: damages.indices)
    func `damage is found and named`(number: Int) throws {
        let scratch = try Scratch()
        let store = try scratch.store(groupRows: 2)
        let view = try FeatureView.test(features: [(1, "value", .int64), (2, "text", .string)])
        try fill(store, view)
        #expect(try Self.check(store, view).problems == [])
        let (sql, problem) = Self.damages[number]
        try store.pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA foreign_keys = OFF")
            try db.execute(sql: sql)
        }
        let check = try Self.check(store, view)
        #expect(check.problems.contains { $0.contains(problem) }, "\(sql): \(check.problems)")
        #expect(check.problemCount == check.problems.count)
    }

    @Test func `each flipped bit of each block is found`() throws {
        let scratch = try Scratch()
        let store = try scratch.store(groupRows: 3)
        let view = try FeatureView.test(features: [(1, "value", .int64), (2, "text", .string)])
        try store.push(
            1,
            view.rows([(key(.int64(1)), 1, nil, [.int64(5), .string("five")])]),
            view
        )
        let blocks = try store.pool.read {
            try Row.fetchAll($0, sql: "SELECT id, bytes FROM block").map {
                (id: $0[0] as Int64, bytes: $0[1] as Data)
            }
        }
        for (id, bytes) in blocks {
            for bit in 0..<8 * bytes.count where bit % 5 == 0 {
                var damaged = bytes
                damaged[bit / 8] ^= 1 << UInt8(bit % 8)
                try write(damaged, id, store)
                let check = try Self.check(store, view)
                #expect(check.problems.contains { $0.contains("block \(id) ") }, "bit \(bit)")
                #expect(check.problems.allSatisfy { $0.contains("view view1, segment 1, group 1") })
            }
            try write(bytes, id, store)
        }
        #expect(try Self.check(store, view).problems == [])
    }

    private func write(_ bytes: Data, _ block: Int64, _ store: OfflineStore) throws {
        try store.pool.write {
            try $0.execute(
                sql: "UPDATE block SET bytes = ? WHERE id = ?",
                arguments: [bytes, block]
            )
        }
    }

    @Test func `it stops when it is cancelled, and says how far it has come`() throws {
        let scratch = try Scratch()
        let store = try scratch.store(groupRows: 2)
        let view = try FeatureView.test(features: [(1, "value", .int64), (2, "text", .string)])
        try fill(store, view)
        let error = #expect(throws: AlulaError.self) {
            try store.verify(views: [view], isCancelled: { true }, progress: { _, _ in })
        }
        #expect(error?.code == .cancelled)
        var seen: [UInt64] = []
        _ = try store.verify(views: [view], isCancelled: { false }) { done, total in
            #expect(total == 78)
            seen.append(done)
        }
        #expect(seen == seen.sorted() && seen.last == 78 && seen.count > 5)
    }

    @Test func `many problems are counted, and the first are told`() throws {
        let scratch = try Scratch()
        let store = try scratch.store(groupRows: 1)
        let view = try FeatureView.test()
        try store.push(
            1,
            view.rows((0..<150).map { (key(.int64($0)), $0, nil, [.int64($0)]) }),
            view
        )
        try store.pool.write { try $0.execute(sql: "UPDATE block SET bytes = x'01'") }
        let check = try Self.check(store, view)
        #expect(check.problems.count == 100 && check.problemCount == 150 * 6)
    }
}
