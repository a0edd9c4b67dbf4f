import Domain
import Testing

@testable import Offline

struct ImportTests {
    private let one = key(.int64(1))

    @Test func `staged rows are unseen until their entry, and then at its position`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let view = try FeatureView.test()
        let record = try store.beginImport(.test(view: view), again: false)
        _ = try stage(store, record.id, 0, view, [(10, nil), (20, 3)])
        _ = try stage(store, record.id, 1, view, [(30, nil)])
        #expect(try store.history(of: view, key: one, through: .max).rows.count == 0)
        #expect(try join(store, view, through: .max) == .notFound)
        try store.push(1, at: 100, view.rows([(one, 5, 1, [.int64(0)])]), view)
        try store.apply([
            .init(entry: 2, recorded: time(200), change: .publish(importID: record.id))
        ])
        let history = try store.history(of: view, key: one, through: 2)
        #expect(history.positions.map(\.entry) == [1, 2, 2, 2])
        #expect(history.positions.map(\.row) == [0, 0, 1, 2])
        #expect(history.recorded == [100, 200, 200, 200].map(time))
        #expect((0..<4).map { history.rows.createdTime($0) } == [time(1), nil, time(3), nil])
        #expect(history.importIDs == [nil, record.id, record.id, record.id])
        #expect(try store.history(of: view, key: one, through: 1).rows.count == 1)
        #expect(try join(store, view, through: 2) == .matched)
    }

    @Test func `an interrupted import goes on where it stopped, and repeats nothing`() throws {
        let scratch = try Scratch()
        let view = try FeatureView.test()
        let id: String
        do {
            let store = try scratch.store()
            id = try store.beginImport(.test(view: view), again: false).id
            _ = try stage(store, id, 0, view, [(10, 1), (20, 1)])
        }
        let store = try scratch.store()
        let resumed = try store.beginImport(.test(view: view), again: false)
        #expect(resumed.id == id && resumed.nextChunk == 1 && resumed.rows == 2)
        #expect(resumed.state == .staging)
        #expect(try stage(store, id, 0, view, [(10, 1), (20, 1)]).rows == 2)
        let gap = #expect(throws: AlulaError.self) { try stage(store, id, 2, view, [(30, 1)]) }
        #expect(gap?.code == .invalidArgument)
        #expect(try stage(store, id, 1, view, []).nextChunk == 2)
        #expect(try stage(store, id, 2, view, [(30, 1)]).rows == 3)
        try store.apply([.init(entry: 1, recorded: time(1), change: .publish(importID: id))])
        #expect(try store.history(of: view, key: one, through: 1).rows.count == 3)
        let late = #expect(throws: AlulaError.self) { try stage(store, id, 3, view, [(40, 1)]) }
        #expect(late?.code == .failedPrecondition)
    }

    @Test func `the same source is the same import unless it is asked for again`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let view = try FeatureView.test()
        let first = try store.beginImport(.test(view: view), again: false)
        #expect(try store.beginImport(.test(view: view), again: true).id == first.id)
        try store.apply([.init(entry: 1, recorded: time(1), change: .publish(importID: first.id))])
        let same = try store.beginImport(.test(view: view), again: false)
        #expect(same.id == first.id && same.state == .published && same.logEntry == 1)
        let again = try store.beginImport(.test(view: view), again: true)
        #expect(again.id != first.id && again.state == .staging)
        let others = try [
            store.beginImport(.test(view: view, options: "x"), again: false),
            store.beginImport(.test(view: view, source: 2), again: false),
            store.beginImport(.test(view: .test(id: 2)), again: false),
        ]
        #expect(Set(others.map(\.id) + [first.id, again.id]).count == 5)
        let project = try ProjectName("p", as: "project")
        #expect(
            try store.imports(project: project).map(\.id) == [first.id, again.id] + others.map(\.id)
        )
        #expect(try store.imports(project: ProjectName("q", as: "project")).isEmpty)
        #expect(try store.importRecord(id: first.id).logEntry == 1)
    }

    @Test func `the first entry that publishes an import is the one that counts`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let view = try FeatureView.test()
        let record = try store.beginImport(.test(view: view), again: false)
        _ = try stage(store, record.id, 0, view, [(10, 1)])
        for entry in 1...2 as ClosedRange<UInt64> {
            try store.apply([
                .init(entry: entry, recorded: time(1), change: .publish(importID: record.id))
            ])
        }
        #expect(try store.importRecord(id: record.id).logEntry == 1)
        #expect(try store.history(of: view, key: one, through: 2).positions.map(\.entry) == [1])
    }

    @Test func `an unknown import and rows of another view are refused`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let (view, other) = (try FeatureView.test(), try FeatureView.test(id: 2))
        let record = try store.beginImport(.test(view: view), again: false)
        let unknown = #expect(throws: AlulaError.self) { try store.importRecord(id: "import-0") }
        #expect(unknown?.code == .notFound)
        let wrong = #expect(throws: AlulaError.self) {
            try stage(store, record.id, 0, other, [(1, 1)])
        }
        #expect(wrong?.code == .invalidArgument)
    }

    private func stage(
        _ store: OfflineStore,
        _ id: String,
        _ chunk: UInt64,
        _ view: FeatureView,
        _ rows: [(event: Int64, created: Int64?)]
    ) throws -> OfflineStore.ImportRecord {
        try store.stage(
            importID: id,
            chunk: chunk,
            rows: view.rows(rows.map { (one, $0.event, $0.created, [.int64($0.event)]) }),
            layout: view.layout
        )
    }

    private func join(
        _ store: OfflineStore,
        _ view: FeatureView,
        through: UInt64
    ) throws -> JoinStatus {
        try store.join(
            SortedSpine([.int64], [(one, 40)]),
            with: view.part(),
            scope: JoinScope(through: through)
        ).statuses[0]
    }
}
