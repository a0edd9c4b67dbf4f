import Domain
import Foundation
import Log
import Offline
import Online
import RocksDB
import Synchronization
import TestSupport
import Testing

@testable import Ingest

/// A forgotten key is in no answer at once, and in no file after the erasure.
struct ForgettingTests {
    private static let secretKey = "SEAGULL-4711"
    private static let secretValue = "PELICAN-0815"

    private let view = Fixtures.view(
        keys: [("id", .string)],
        features: [(1, "x", .string)]
    )
    let fixture: IngestFixture

    init() throws { fixture = try IngestFixture([view]) }

    private func rows(
        _ rows: [(key: String, event: Int64, value: String)]
    ) throws -> RecordBatch {
        try Fixtures.batch([
            ("id", .string, rows.map { .string($0.key) }),
            (RowColumn.eventTime, .timestamp, rows.map { Fixtures.time($0.event) }),
            ("x", .string, rows.map { .string($0.value) }),
        ])
    }

    private func forget(
        _ fixture: IngestFixture,
        _ key: String = secretKey,
        requestID: [UInt8] = Fixtures.requestID()
    ) throws -> UInt64 {
        try fixture.ingestor.forget(
            EntityKey([.string(key)]),
            of: view.entity,
            views: [view],
            requestID: requestID
        )
    }

    private func finish(
        _ fixture: IngestFixture,
        blank: (OfflineStore.PendingErasure) throws(AlulaError) -> Void = { _ in }
    ) throws {
        try fixture.ingestor.finishForgetting(
            blankSpines: blank,
            cancelled: { false },
            progress: { _, _, _ in }
        )
    }

    private func read(_ fixture: IngestFixture, _ keys: [String]) throws -> [FeatureValue] {
        let answer = try fixture.online.read(
            plan: Fixtures.plan(view),
            keys: try Fixtures.batch([("id", .string, keys.map { .string($0) })]),
            now: fixture.clock.now
        )
        return keys.indices.map { answer.columns[0][$0] }
    }

    /// Files of the directory that hold one of the secrets.
    private func leaks(_ fixture: IngestFixture) throws -> [String] {
        let top = fixture.directory.path
        return try FileManager.default.subpathsOfDirectory(atPath: top).filter { name in
            guard let bytes = FileManager.default.contents(atPath: top + "/" + name) else {
                return false
            }
            return [Self.secretKey, Self.secretValue].contains {
                bytes.range(of: Data($0.utf8)) != nil
            }
        }
    }

    /// The secret pushed, imported, and pushed again so that the first row is overwritten.
    private func fill(_ fixture: IngestFixture) throws {
        let others = (0..<50).map { ("SEAGULL-\($0)", Int64(-$0), "PELICAN-\($0)") }
        let secret = (Self.secretKey, Int64(-100), Self.secretValue)
        try fixture.push(try rows(others + [secret]), to: view)
        try fixture.database.flush()
        try fixture.push(try rows([(Self.secretKey, -50, Self.secretValue + "b")]), to: view)
        try fixture.settle()
    }

    @Test func `a forgotten key is in no answer, its neighbours are, and a new row lives`() throws {
        try fill(fixture)
        let entry = try forget(fixture)
        #expect(entry == 3)
        #expect(
            try read(fixture, [Self.secretKey, "SEAGULL-47"]) == [.null, .string("PELICAN-47")]
        )
        try fixture.settle()
        let key = EntityKey([.string(Self.secretKey)])
        #expect(try fixture.offline.history(of: view, key: key, through: 2).rows.count == 0)
        try fixture.ingestor.materialize(views: [view])
        #expect(try read(fixture, [Self.secretKey]) == [.null])
        try fixture.push(try rows([(Self.secretKey, -500, "new")]), to: view)
        #expect(try read(fixture, [Self.secretKey]) == [.string("new")])
        try finish(fixture)
        #expect(try read(fixture, [Self.secretKey]) == [.string("new")])
        try fixture.settle()
        #expect(try fixture.offline.history(of: view, key: key, through: 9).rows.count == 1)
    }

    @Test func `a repeat forgets once, and a key of other parts is refused`() throws {
        try fill(fixture)
        let id = Fixtures.requestID()
        #expect(try forget(fixture, requestID: id) == 3)
        try fixture.push(try rows([(Self.secretKey, -500, "new")]), to: view)
        #expect(try forget(fixture, requestID: id) == 3)
        #expect(try read(fixture, [Self.secretKey]) == [.string("new")])
        let error = try #require(throws: AlulaError.self) {
            _ = try fixture.ingestor.forget(
                EntityKey([.int64(1)]),
                of: view.entity,
                views: [view],
                requestID: Fixtures.requestID()
            )
        }
        #expect(error.code == .invalidArgument)
    }

    @Test func `no file of the directory holds the key or its values`() throws {
        try fill(fixture)
        #expect(try !leaks(fixture).isEmpty)
        _ = try forget(fixture)
        var blanked: [[UInt8]] = []
        try finish(fixture) { blanked.append($0.key) }
        #expect(blanked.count == 1)
        #expect(try leaks(fixture) == [])
        #expect(try read(fixture, ["SEAGULL-1"]) == [.string("PELICAN-1")])
        try finish(fixture) { _ in Issue.record("nothing is left to blank") }
        try fixture.ingestor.stop()
        #expect(try leaks(fixture) == [])
    }

    @Test func `a crash at any step leaves it to be finished at the next start`() throws {
        try fill(fixture)
        _ = try forget(fixture)
        let steps = Mutex<[IngestFixture]>([try fixture.crashed()])
        try fixture.ingestor.finishForgetting(
            blankSpines: { _ in },
            cancelled: { false },
            progress: { _, _, _ in
                do {
                    let crashed = try fixture.crashed()
                    steps.withLock { $0.append(crashed) }
                } catch { Issue.record(error) }
            }
        )
        #expect(steps.withLock { $0.count } > 5)
        for crashed in steps.withLock({ $0 }) {
            #expect(try read(crashed, [Self.secretKey]) == [.null])
            try crashed.settle()
            try finish(crashed)
            #expect(try leaks(crashed) == [])
            #expect(try crashed.offline.pendingErasures() == [])
        }
    }

    @Test func `a step that fails is done again`() throws {
        try fill(fixture)
        _ = try forget(fixture)
        #expect(throws: AlulaError.self) {
            try finish(fixture) { _ throws(AlulaError) in throw .refused("no") }
        }
        let cancelled = try #require(throws: AlulaError.self) {
            try fixture.ingestor.finishForgetting(
                blankSpines: { _ in },
                cancelled: { true },
                progress: { _, _, _ in }
            )
        }
        #expect(cancelled.code == .cancelled)
        #expect(try fixture.offline.pendingErasures().count == 1)
        try finish(fixture)
        #expect(try leaks(fixture) == [])
    }

    @Test func `a key forgotten while another is erased is not lost`() throws {
        try fill(fixture)
        _ = try forget(fixture, "SEAGULL-1")
        var blanked: [[UInt8]] = []
        try finish(fixture) { pending throws(AlulaError) in
            blanked.append(pending.key)
            guard blanked.count == 1 else { return }
            do {
                _ = try forget(fixture)
                try fixture.settle()
            } catch { Issue.record(error) }
        }
        #expect(try fixture.offline.pendingErasures().count == 1)
        try finish(fixture) { blanked.append($0.key) }
        #expect(blanked.count == 2)
        #expect(try leaks(fixture) == [])
    }

    @Test func `pushes in the same group stand on both sides of a deletion`() throws {
        let committed = try fixture.crashed()
        try committed.ingestor.stop()
        let batch = WriteBatch(committed.database)
        var committer = try Committer(
            database: committed.database,
            online: committed.online,
            head: .empty,
            catalog: { [view] in TestCatalog([view]).snapshot }
        )
        func push(_ value: String) throws -> Job {
            let checked = try FeatureRowsChecker.check(
                try rows([(Self.secretKey, -10, value)]),
                view: view,
                now: Timestamp(microseconds: Fixtures.now)
            )
            return Job(
                .push(
                    PushJob(
                        view: view,
                        checked: checked,
                        requestID: Fixtures.requestID(),
                        answer: { Fixtures.encode($0) }
                    )
                )
            )
        }
        let forget = ForgetJob(
            entity: view.entity.id,
            views: [],
            key: [6] + Array(Self.secretKey.utf8) + [0, 1],
            keyHash: Array(repeating: 0, count: 32),
            requestID: Fixtures.requestID()
        )
        let now = Timestamp(microseconds: Fixtures.now)
        for result in committer.commit([try push("a"), Job(.forget(forget))], in: batch, now: now) {
            _ = try result.get()
        }
        #expect(try read(committed, [Self.secretKey]) == [.null])
        for result in committer.commit([Job(.forget(forget)), try push("b")], in: batch, now: now) {
            _ = try result.get()
        }
        #expect(try read(committed, [Self.secretKey]) == [.string("b")])
    }

    @Test func `rows of a key are counted online`() throws {
        try fill(fixture)
        func count(_ key: String) throws -> UInt64? {
            try fixture.ingestor.countOnline(
                EntityKey([.string(key)]),
                of: view.entity,
                views: [view]
            )[view.id]
        }
        #expect(try count(Self.secretKey) == 1)
        #expect(try count("SEAGULL-99") == 0)
        _ = try forget(fixture)
        #expect(try count(Self.secretKey) == 0)
    }
}
