import Domain
import Ingest
import Offline
import Synchronization
import TestSupport
import Testing

struct ImportTests {
    let fixture: IngestFixture
    let view = Fixtures.view()

    init() throws { fixture = try IngestFixture() }

    /// Stages rows as an import and gives its id.
    private func stage(
        _ rows: [(key: Int64, event: Int64, value: Int64)],
        created: [Int64?]? = nil,
        source: UInt8 = 0
    ) throws -> String {
        let record = try fixture.offline.beginImport(
            OfflineStore.ImportDescriptor(
                view: view.id,
                project: Fixtures.name("p"),
                sourceName: "rows.csv",
                sourceDigest: try #require(
                    ContentDigest(bytes: Array(repeating: source, count: 32))
                ),
                options: "",
                begun: fixture.clock.now
            ),
            again: true
        )
        let checked = try FeatureRowsChecker.check(
            try Fixtures.rows(rows, created: created),
            view: view,
            now: fixture.clock.now,
            futureRows: .kept
        )
        _ = try fixture.offline.stage(
            importID: record.id,
            chunk: 0,
            rows: checked.rows,
            layout: view.layouts[0]
        )
        return record.id
    }

    private func publish(_ id: String, requestID: [UInt8] = Fixtures.requestID()) throws -> UInt64 {
        let bytes = try fixture.ingestor.publishImport(
            id: id,
            view: view,
            rows: 1,
            requestID: requestID
        ) { [UInt8($0)] }
        return UInt64(bytes[0])
    }

    @Test func `staged rows are seen by nobody until they are published`() throws {
        let id = try stage([(1, -10, 5)])
        #expect(try fixture.history(1).rows.count == 0)
        try fixture.push(try Fixtures.rows([(2, 0, 0)]))
        #expect(try publish(id) == 2)
        let history = try fixture.history(1)
        #expect(history.rows.features[0][0] == .int64(5))
        #expect(history.positions == [LogPosition(entry: 2, row: 0)])
        #expect(try fixture.read([1]) == [nil])
    }

    @Test func `an import is published once, whoever asks again`() throws {
        let id = try stage([(1, -10, 5)])
        let requestID = Fixtures.requestID()
        #expect(try publish(id, requestID: requestID) == 1)
        #expect(try publish(id, requestID: requestID) == 1)
        #expect(try publish(id) == 1)
        #expect(fixture.ingestor.lastEntry == 1)
    }

    @Test func `an unknown import and one of another view are refused`() throws {
        let id = try stage([(1, -10, 5)])
        let other = Fixtures.view(id: 2, name: "other")
        for (id, view, code) in [
            ("import-none", view, AlulaError.Code.notFound), (id, other, .invalidArgument),
        ] {
            let error = try #require(throws: AlulaError.self) {
                _ = try fixture.ingestor.publishImport(
                    id: id,
                    view: view,
                    rows: 1,
                    requestID: Fixtures.requestID()
                ) { _ in [] }
            }
            #expect(error.code == code)
        }
        #expect(fixture.ingestor.lastEntry == 0)
    }

    @Test func `materialize carries the newest rows, and never over newer ones`() throws {
        let id = try stage([
            (1, -10, 1), (1, -20, 2), (2, -10, 3), (3, -10, 4), (4, 5, 5), (4, -5, 6), (5, 1, 7),
        ])
        try fixture.push(try Fixtures.rows([(2, -5, 100), (3, -15, 200)]))
        _ = try publish(id)
        try fixture.settle()
        let seen = Mutex<[Ingestor.MaterializeProgress]>([])
        let written = try fixture.ingestor.materialize(
            views: [view],
            progress: { progress in seen.withLock { $0.append(progress) } }
        )
        #expect(written == 3)
        #expect(
            try fixture.read([1, 2, 3, 4, 5])
                == [.int64(1), .int64(100), .int64(4), .int64(6), nil]
        )
        let last = try #require(seen.withLock { $0.last })
        #expect(last.viewIsDone)
        #expect(last.keysDone == 4)
        #expect(last.rowsWritten == 3)
        #expect(try fixture.ingestor.materialize(views: [view]) == 0)
    }

    @Test func `an imported row without a created time loses to one that has it`() throws {
        try fixture.push(try Fixtures.rows([(1, -10, 1)], created: [-1_000]))
        _ = try publish(try stage([(1, -10, 2)]))
        try fixture.settle()
        #expect(try fixture.ingestor.materialize(views: [view]) == 0)
        _ = try publish(try stage([(1, -10, 3)], created: [-1_000], source: 1))
        try fixture.settle()
        #expect(try fixture.ingestor.materialize(views: [view]) == 1)
        #expect(try fixture.read([1]) == [.int64(3)])
    }

    @Test func `materialize stops when it is cancelled`() throws {
        _ = try publish(try stage([(1, -10, 1)]))
        try fixture.settle()
        let error = try #require(throws: AlulaError.self) {
            try fixture.ingestor.materialize(views: [view], cancelled: { true })
        }
        #expect(error.code == .cancelled)
        #expect(try fixture.read([1]) == [nil])
    }

    @Test func `the online row is the newest of history, whatever came in which way`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededRandom(seed: seed)
        var published: [String] = []
        for step in 0..<60 {
            let rows = (0..<Int64.random(in: 1...4, using: &random)).map { _ in
                (
                    key: Int64.random(in: 0..<6, using: &random),
                    event: Int64.random(in: -3...0, using: &random),
                    value: Int64.random(in: 0...1_000_000, using: &random)
                )
            }
            let created: [Int64?] = rows.map { _ in
                Bool.random(using: &random) ? Int64.random(in: -2...2, using: &random) : nil
            }
            if Int.random(in: 0..<3, using: &random) == 0 {
                let id = try stage(rows, created: created, source: UInt8(step))
                published.append(id)
                _ = try publish(id)
            } else {
                try fixture.push(try Fixtures.rows(rows, created: created))
            }
            if Int.random(in: 0..<4, using: &random) == 0 {
                fixture.clock.now = fixture.clock.now + TimeSpan(microseconds: 1)
            }
        }
        try fixture.settle()
        try fixture.ingestor.materialize(views: [view])
        for key in Int64(0)..<6 {
            let history = try fixture.history(key)
            let newest = (0..<history.rows.count).max { left, right in
                let (mine, other) = (history.rows, history.rows)
                let keys = [left, right].map { row in
                    (
                        mine.eventTime(row).microseconds,
                        other.createdTime(row)?.microseconds ?? .min,
                        history.positions[row].entry, history.positions[row].row
                    )
                }
                return keys[0] < keys[1]
            }
            let expected = newest.map { history.rows.features[0][$0] }
            #expect(try fixture.read([key]) == [expected], "seed \(seed)")
        }
        #expect(published.count > 5, "seed \(seed)")
    }
}
