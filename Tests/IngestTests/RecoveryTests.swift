import Domain
import Foundation
import Log
import Offline
import Online
import RocksDB
import TestSupport
import Testing

@testable import Ingest

/// What a crash between the acknowledgement and its projections leaves, and how it is made good.
struct RecoveryTests {
    let directory: TemporaryDirectory
    let view = Fixtures.view()

    init() throws { directory = try TemporaryDirectory() }

    private func push(
        _ rows: [(key: Int64, event: Int64, value: Int64)],
        id: [UInt8]? = nil
    ) throws -> Job {
        let checked = try FeatureRowsChecker.check(
            try Fixtures.rows(rows),
            view: view,
            now: Timestamp(microseconds: Fixtures.now)
        )
        return Job(
            .push(
                PushJob(
                    view: view,
                    checked: checked,
                    requestID: id ?? Fixtures.requestID(),
                    answer: { Fixtures.encode($0) }
                )
            )
        )
    }

    /// Commits groups with nobody following, as if the server died right after it answered.
    private func commit(
        _ groups: [[Job]],
        after head: LogHead = .empty
    ) throws -> [Result<Job.Answer, AlulaError>] {
        let database = try Database(path: directory.file("online"), cacheBytes: 8 << 20)
        let catalog = TestCatalog([view])
        var committer = try Committer(
            database: database,
            online: OnlineStore(database, cache: RowCache(byteBudget: 0, lanes: 1)),
            head: head,
            catalog: { catalog.snapshot }
        )
        let batch = WriteBatch(database)
        return groups.flatMap {
            committer.commit($0, in: batch, now: Timestamp(microseconds: Fixtures.now))
        }
    }

    @Test func `what was acknowledged before a crash comes into history when it starts again`()
        throws
    {
        let jobs = try (0..<30).map { try push([(Int64($0 % 3), Int64($0 - 100), Int64($0))]) }
        let results = try commit([Array(jobs[..<1]), Array(jobs[1..<20]), Array(jobs[20...])])
        #expect(results.allSatisfy { if case .success = $0 { true } else { false } })
        let fixture = try IngestFixture(in: directory)
        #expect(fixture.ingestor.lastEntry == 30)
        for key in Int64(0)..<3 {
            let history = try fixture.history(key)
            #expect(
                (0..<history.rows.count).map { history.rows.features[0][$0] }
                    == (0..<10).map { .int64($0 * 3 + key) }
            )
        }
        #expect(try fixture.push(try Fixtures.rows([(1, 0, 0)])).logEntry == 31)
        try fixture.settle()
        #expect(try fixture.offline.statistics()[view.id]?.rows == 31)
    }

    @Test func `applied entries leave the log`() throws {
        let fixture = try IngestFixture()
        for value in Int64(0)..<5 { try fixture.push(try Fixtures.rows([(1, value - 10, value)])) }
        try fixture.settle()
        try fixture.ingestor.stop()
        #expect(try FeatureLog(fixture.database).dropped() == 5)
        var left = 0
        try fixture.database.scan(.log, from: []) { _, _ in
            left += 1
            return true
        }
        #expect(left == 0)
    }

    @Test func `a group with a job that fails writes the others`() throws {
        let first = try push([(1, -10, 1)])
        _ = try commit([[first]])
        try breakRow()
        let jobs = [
            try push([(2, 0, 2)]), try push([(3, 0, 3), (1, 0, 1)]), try push([(3, -1, 4)]),
        ]
        let results = try commit([jobs], after: LogHead(number: 1, recorded: .distantPast))
        let answers = results.map { result -> PushResult? in
            guard case .success(.bytes(let bytes)) = result else { return nil }
            return Fixtures.decode(bytes)
        }
        #expect(answers.map { $0?.logEntry } == [2, nil, 3])
        #expect(answers[2]?.statuses == [.accepted])
        let fixture = try IngestFixture(in: directory)
        #expect(try fixture.read([2, 3]) == [.int64(2), .int64(4)])
        #expect(try fixture.history(3).rows.count == 1)
    }

    private func breakRow() throws {
        let database = try Database(path: directory.file("online"), cacheBytes: 8 << 20)
        var stored: (key: [UInt8], value: [UInt8]) = ([], [])
        try database.scan(.rows, from: []) { key, value in
            stored = (key, value)
            return true
        }
        stored.value[8] ^= 1
        let batch = WriteBatch(database)
        batch.put(.rows, stored.key, stored.value)
        try database.write(batch, .synced)
    }

    @Test func `an offline store ahead of the log is refused`() throws {
        let fixture = try IngestFixture(in: directory)
        try fixture.push(try Fixtures.rows([(1, 0, 1)]))
        try fixture.settle()
        try fixture.ingestor.stop()
        let empty = try Database(path: directory.file("empty"), cacheBytes: 8 << 20)
        let error = try #require(throws: AlulaError.self) {
            _ = try Follower(
                log: FeatureLog(empty),
                offline: fixture.offline,
                limit: Backlog.Limit()
            )
        }
        #expect(error.code == .dataLoss)
        #expect(error.message.contains("not of one directory"))
    }

    @Test func `a log that begins behind the offline store is refused`() throws {
        let fixture = try IngestFixture(in: directory)
        try fixture.push(try Fixtures.rows([(1, 0, 1)]))
        try fixture.settle()
        try fixture.ingestor.stop()
        let empty = try OfflineStore(path: directory.file("empty.sqlite"))
        let error = try #require(throws: AlulaError.self) {
            _ = try Follower(
                log: FeatureLog(fixture.database),
                offline: empty,
                limit: Backlog.Limit()
            )
        }
        #expect(error.code == .dataLoss)
    }
}
