import Domain
import Foundation
import GRDB
import Testing

@testable import Offline

struct OfflineStoreTests {
    private let one = key(.int64(1))

    @Test
    func `the file has its page size, vacuum mode and syncs, and only the writer checkpoints`()
        throws
    {
        let scratch = try Scratch()
        for _ in 0..<2 {
            let store = try scratch.store()
            func writer(_ pragma: String) throws -> String? {
                try store.pool.writeWithoutTransaction {
                    try Row.fetchOne($0, sql: "PRAGMA \(pragma)").map {
                        "\($0[0] as DatabaseValue)"
                    }
                }
            }
            #expect(try writer("page_size") == "16384")
            #expect(try writer("auto_vacuum") == "2")
            #expect(try writer("synchronous") == "2")
            #expect(try writer("journal_mode") == "\"wal\"")
            #expect(try writer("wal_autocheckpoint") == "1000")
            let reader = try store.pool.read {
                try Int.fetchOne($0, sql: "PRAGMA wal_autocheckpoint")
            }
            #expect(reader == 0)
        }
    }

    @Test func `what was applied is there after a reopen, and is not applied twice`() throws {
        let scratch = try Scratch()
        let view = try FeatureView.test()
        let rows = try view.rows([(one, 10, nil, [.int64(5)])])
        do {
            let store = try scratch.store()
            try store.push(3, at: 33, rows, view)
            #expect(store.appliedThrough == 3)
        }
        let store = try scratch.store()
        #expect(store.appliedThrough == 3)
        try store.push(2, at: 22, rows, view)
        try store.push(3, at: 33, rows, view)
        let history = try store.history(of: view, key: one, through: 9)
        #expect(history.positions == [LogPosition(entry: 3, row: 0)])
        #expect(history.rows.createdTime(0) == time(33))
    }

    @Test func `an apply that fails changes nothing`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let view = try FeatureView.test()
        let rows = try view.rows([(one, 10, nil, [.int64(5)])])
        #expect(throws: AlulaError.self) {
            try store.apply([
                .init(entry: 1, recorded: time(1), change: .rows(rows, layout: view.layout)),
                .init(entry: 2, recorded: time(2), change: .publish(importID: "import-unknown")),
            ])
        }
        #expect(store.appliedThrough == 0)
        #expect(try store.history(of: view, key: one, through: 9).rows.count == 0)
        #expect(try store.statistics().isEmpty)
    }

    @Test
    func `history is oldest first, with ties by created time and position, and up to an entry`()
        throws
    {
        let scratch = try Scratch()
        let store = try scratch.store(groupRows: 2)
        let view = try FeatureView.test()
        try store.push(
            1,
            at: 50,
            view.rows([
                (one, 20, 7, [.int64(1)]), (key(.int64(2)), 20, 7, [.int64(99)]),
                (one, 10, 8, [.int64(2)]),
                (one, 20, 7, [.null]), (one, 20, 6, [.int64(4)]),
            ]),
            view
        )
        try store.push(2, at: 60, view.rows([(one, 10, nil, [.int64(5)])]), view)
        let all = try store.history(of: view, key: one, through: 2)
        #expect(
            (0..<5).map { all.rows.features[0][$0] } == [
                .int64(2), .int64(5), .int64(4), .int64(1), .null,
            ]
        )
        #expect(all.positions.map(\.entry) == [1, 2, 1, 1, 1])
        #expect(all.positions.map(\.row) == [2, 0, 4, 0, 3])
        #expect(all.recorded == [50, 60, 50, 50, 50].map(time))
        #expect(try store.history(of: view, key: one, through: 1).rows.count == 4)
        #expect(try store.history(of: view, key: key(.int64(3)), through: 2).rows.count == 0)
    }

    @Test func `features added, renamed, widened and moved are read by their id`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let old = try FeatureView.test(features: [
            (1, "count", .int32), (2, "score", .float32),
            (3, "vector", .fixedList(.float32, length: 2)),
        ])
        let new = try FeatureView.test(
            features: [
                (2, "points", .float64), (1, "count", .int64), (4, "added", .list(.string)),
                (3, "vector", .fixedList(.float64, length: 2)),
            ],
            version: 2,
            layouts: old.layouts
        )
        let vector = FeatureValue.list([.float32(0.5), .float32(.nan)])
        try store.push(1, old.rows([(one, 10, 1, [.int32(-7), .float32(.nan), vector])]), old)
        try store.push(
            2,
            new.rows([(one, 20, 1, [.float64(0.1), .int64(.max), .list([.string("x")]), .null])]),
            new
        )
        let history = try store.history(of: new, key: one, through: 9)
        #expect(history.rows.schemaVersion == 2)
        let read = history.rows.features
        #expect(read.map(\.type) == new.features.map(\.type))
        let quiet = UInt64(0x7FF8_0000_0000_0000)
        #expect(read[0].load(0, as: UInt64.self) == quiet && read[0][1] == .float64(0.1))
        #expect([read[1][0], read[1][1]] == [.int64(-7), .int64(.max)])
        #expect([read[2][0], read[2][1]] == [.null, .list([.string("x")])])
        #expect(
            read[3].load(0, as: Double.self) == 0.5 && read[3].load(1, as: UInt64.self) == quiet
        )
        #expect(read[3][1] == .null)
        let narrow = #expect(throws: AlulaError.self) {
            try store.history(of: old, key: one, through: 9)
        }
        #expect(narrow?.code == .failedPrecondition)
    }

    @Test func `a log entry is found by the time it was recorded`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let view = try FeatureView.test()
        for (entry, recorded) in [(2, 20), (3, 20), (7, 40)] as [(UInt64, Int64)] {
            try store.push(entry, at: recorded, view.rows([(one, 1, 1, [.null])]), view)
        }
        let found = try [19, 20, 39, 40, 99].map { try store.logEntry(at: time($0)) }
        #expect(found == [0, 3, 3, 7, 7])
    }

    @Test func `statistics count what is published`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let (first, second) = (try FeatureView.test(id: 1), try FeatureView.test(id: 2))
        let rows = try first.rows([(one, 10, 1, [.null]), (one, 30, 1, [.null])])
        try store.apply([
            .init(entry: 1, recorded: time(1), change: .rows(rows, layout: first.layout)),
            .init(entry: 2, recorded: time(1), change: .rows(rows, layout: first.layout)),
        ])
        let staged = try store.beginImport(.test(view: second), again: false)
        let other = try second.rows([(one, 99, 1, [.null])])
        _ = try store.stage(importID: staged.id, chunk: 0, rows: other, layout: second.layout)
        #expect(
            try store.statistics() == [first.id: .init(rows: 4, segments: 1, newestEvent: time(30))]
        )
        try store.apply([
            .init(entry: 3, recorded: time(3), change: .publish(importID: staged.id))
        ])
        #expect(
            try store.statistics()[second.id] == .init(rows: 1, segments: 1, newestEvent: time(99))
        )
    }

    @Test func `a damaged or missing block is an error, not a trap`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let view = try FeatureView.test()
        try store.push(1, view.rows([(one, 1, 1, [.int64(5)])]), view)
        for damage in [
            "UPDATE block SET bytes = CAST(x'00' || bytes AS BLOB)",
            "UPDATE block SET bytes = zeroblob(length(bytes))",
            "UPDATE block SET bytes = zeroblob(0)",
            "DELETE FROM block",
        ] {
            try store.pool.write { try $0.execute(sql: damage) }
            let error = #expect(throws: AlulaError.self) {
                try store.history(of: view, key: one, through: 9)
            }
            #expect(error?.code == .dataLoss)
        }
    }

    @Test func `a file that is not a database is refused`() throws {
        let scratch = try Scratch()
        try String(repeating: "not a database ", count: 1_000)
            .write(toFile: scratch.path + "/offline.sqlite", atomically: true, encoding: .utf8)
        let error = #expect(throws: AlulaError.self) { try scratch.store() }
        #expect(error?.code == .dataLoss)
    }

    @Test func `a join stops when it is cancelled`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let view = try FeatureView.test()
        try store.push(1, view.rows([(one, 1, 1, [.int64(5)])]), view)
        let spine = try SortedSpine([.int64], [(one, 5)])
        let error = #expect(throws: AlulaError.self) {
            try store.join(
                spine,
                with: view.part(),
                scope: JoinScope(through: 1),
                isCancelled: { true }
            )
        }
        #expect(error?.code == .cancelled)
    }
}
