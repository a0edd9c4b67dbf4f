import Domain
import GRDB
import Testing

@testable import Offline

/// Chunks of an import, gathered into runs.
struct ImportStagerTests {
    private func rows(_ view: FeatureView, _ events: Range<Int64>) throws -> FeatureRows {
        try view.rows(events.map { (key(.int64($0 % 3)), $0, nil, [.int64($0)]) })
    }

    private func begin(_ store: OfflineStore, _ view: FeatureView) throws -> String {
        try store.beginImport(.test(view: view), again: false).id
    }

    private func publish(_ store: OfflineStore, _ id: String) throws {
        try store.apply([.init(entry: 1, recorded: time(1), change: .publish(importID: id))])
    }

    private func values(_ store: OfflineStore, _ view: FeatureView) throws -> [Int64] {
        try ([0, 1, 2] as [Int64]).flatMap { number in
            let history = try store.history(of: view, key: key(.int64(number)), through: 1)
            return history.positions.map { Int64($0.row) }
        }.sorted()
    }

    @Test(arguments: [1, 4, 5, 6, 100])
    func `runs of any length hold every row once, numbered on`(runRows: Int) throws {
        let store = try Scratch().store(groupRows: 2)
        let view = try FeatureView.test()
        let id = try begin(store, view)
        let stager = try ImportStager(store, importID: id, layout: view.layout, runRows: runRows)
        for chunk in 0..<4 {
            let first = Int64(chunk) * 5
            try stager.add(chunk: UInt64(chunk), rows: rows(view, first..<first + 5))
        }
        try stager.flush()
        #expect(stager.record.nextChunk == 4 && stager.record.rows == 20)
        try publish(store, id)
        #expect(try values(store, view) == Array(0..<20))
    }

    @Test(arguments: [1, 500, 1_000, 10_000])
    func `what takes memory ends a run, and every row is there once`(bytes: Int) throws {
        let store = try Scratch().store(groupRows: 2)
        let view = try FeatureView.test()
        let id = try begin(store, view)
        let stager = try ImportStager(store, importID: id, layout: view.layout, runBytes: bytes)
        for chunk in 0..<4 {
            let first = Int64(chunk) * 5
            try stager.add(chunk: UInt64(chunk), rows: rows(view, first..<first + 5))
        }
        try stager.flush()
        try publish(store, id)
        #expect(try values(store, view) == Array(0..<20))
        let segments = try store.read { db in
            try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM segment") ?? 0
        }
        // A row stands in memory with eight bytes for each value, beside its key and times.
        #expect(
            bytes == 1
                ? segments == 4 : bytes == 10_000 ? segments == 1 : (1...4).contains(segments)
        )
    }

    @Test func `after a run that failed nothing behind it is kept`() throws {
        let store = try Scratch().store()
        let view = try FeatureView.test()
        let id = try begin(store, view)
        let stager = try ImportStager(store, importID: id, layout: view.layout, runRows: 5)
        try store.write {
            try $0.execute(
                sql: """
                    CREATE TRIGGER full BEFORE INSERT ON block
                    BEGIN SELECT RAISE(ABORT, 'the disk is full'); END
                    """
            )
        }
        #expect(throws: AlulaError.self) {
            // The third waits for the first.
            for chunk in 0..<3 {
                let first = Int64(chunk) * 5
                try stager.add(chunk: UInt64(chunk), rows: rows(view, first..<first + 5))
            }
        }
        try store.write { try $0.execute(sql: "DROP TRIGGER full") }
        #expect(throws: AlulaError.self) { try stager.flush() }
        #expect(throws: AlulaError.self) { try stager.add(chunk: 3, rows: rows(view, 15..<20)) }
        let record = try store.importRecord(id: id)
        #expect(record.nextChunk == 0 && record.rows == 0)

        let next = try ImportStager(store, importID: id, layout: view.layout, runRows: 5)
        for chunk in 0..<3 {
            let first = Int64(chunk) * 5
            try next.add(chunk: UInt64(chunk), rows: rows(view, first..<first + 5))
        }
        try next.flush()
        try publish(store, id)
        #expect(try values(store, view) == Array(0..<15))
    }
}
