import Domain
import Foundation
import GRDB
import Registry
import Testing

/// The audit log against somebody who has the file: triggers are dropped, bytes are changed.
struct AuditTests {
    let fixture: Fixture

    init() throws {
        fixture = try Fixture()
        for index in 0..<6 { _ = try fixture.start("e\(index)", tags: ["t": "\(index)"]) }
    }

    private func tamper(_ sql: String) throws {
        try fixture.pool.write { database in
            try database.execute(
                sql: "DROP TRIGGER IF EXISTS audit_stays; DROP TRIGGER IF EXISTS audit_remains; "
                    + sql
            )
        }
    }

    private func check(_ kept: AuditHead? = nil) throws -> AuditCheck {
        try fixture.registry.verifyAudit(
            kept: kept.map { [KeptHead(head: $0, place: "a safe place")] } ?? []
        )
    }

    @Test func `a log that nobody touched is whole`() throws {
        let head = try fixture.registry.auditHead()
        let check = try check(head)
        #expect(check.isIntact && check.entries == 6 && check.head == head && head.number == 6)
        #expect(try AuditHead(text: head.description) == head)
        #expect(AuditHead(stored: head.stored) == head)
    }

    @Test(arguments: [
        "time = time + 1", "actor = 'you'", "verified = 1", "verified = 2", "project = 'q'",
        "act = 'start'", "object = 'run:other'", "detail = detail || ' '", "before = '{}'",
        "after = '{}'", "verdict = '[]'", "request_id = x'00'",
        "hash = x'0000000000000000000000000000000000000000000000000000000000000000'",
    ])
    func `every change of an entry is found`(change: String) throws {
        for number in [1, 3, 6] {
            let own = try AuditTests()
            try own.tamper("UPDATE audit SET \(change) WHERE number = \(number)")
            let check = try own.check()
            #expect(!check.isIntact, "\(change) of entry \(number)")
        }
    }

    @Test func `a removed entry is found and named`() throws {
        try tamper("DELETE FROM audit WHERE number = 3")
        #expect(try check().problems == ["entry 3 is missing"])
        try tamper("DELETE FROM audit WHERE number IN (1, 2, 5)")
        #expect(try check().problems == ["entries 1 to 3 are missing", "entry 5 is missing"])
    }

    @Test func `a removed entry is found though the others are numbered anew`() throws {
        try tamper(
            "DELETE FROM audit WHERE number = 3; UPDATE audit SET number = number - 1 "
                + "WHERE number > 3;"
        )
        #expect(try !check().isIntact)
    }

    @Test func `entries that changed places are found`() throws {
        try tamper(
            """
            UPDATE audit SET number = 100 WHERE number = 2;
            UPDATE audit SET number = 2 WHERE number = 4;
            UPDATE audit SET number = 4 WHERE number = 100;
            """
        )
        #expect(try check().problemCount >= 2)
    }

    @Test func `an entry that was put in is found, wherever it stands`() throws {
        for number in [0, -1, 7] {
            let own = try AuditTests()
            try own.tamper(
                """
                INSERT INTO audit SELECT \(number), time, actor, verified, project, act, object,
                    detail, before, after, verdict, request_id, hash FROM audit WHERE number = 6
                """
            )
            #expect(try !own.check().isIntact, "entry \(number)")
        }
    }

    @Test func `a cut tail is found by a head that was kept, and by nothing else`() throws {
        let head = try fixture.registry.auditHead()
        try tamper("DELETE FROM audit WHERE number > 4")
        #expect(try check().isIntact, "the entries that are left are as they were")
        let problem = try check(head).problems
        #expect(problem.count == 1 && problem[0].contains("cut off"))
        #expect(try fixture.registry.contradiction(of: head)?.contains("ends at entry 4") == true)
    }

    @Test func `a tail that was cut and grew again is found by a head that was kept`() throws {
        let head = try fixture.registry.auditHead()
        try tamper("DELETE FROM audit WHERE number > 4")
        for _ in 0..<4 { _ = try fixture.start() }
        #expect(try check().isIntact)
        #expect(try check(head).problems.count == 1)
        #expect(try fixture.registry.contradiction(of: head)?.contains("another one") == true)
    }

    @Test func `a head that is older than the log is no contradiction`() throws {
        let head = try fixture.registry.auditHead()
        _ = try fixture.start()
        #expect(try fixture.registry.contradiction(of: head) == nil)
        #expect(try fixture.registry.contradiction(of: .empty) == nil)
        #expect(try check(head).isIntact)
    }

    @Test func `a log that was found broken says so for ever`() throws {
        try fixture.registry.noteBrokenAudit("entry 4 was cut off", call: try fixture.call())
        let problems = try check().problems
        #expect(problems.count == 1 && problems[0].contains("entry 4 was cut off"))
    }

    @Test func `another key is refused, and makes no chain that passes`() throws {
        let other = error {
            _ = try RegistryStore(
                pool: fixture.pool,
                artifacts: .init(size: { _ in nil }, firstBytes: { _ in [] }),
                auditKey: try AuditKey(secret: [UInt8](repeating: 8, count: 32))
            )
        }
        #expect(other?.code == .failedPrecondition)
        try tamper("DELETE FROM audit_key")
        let forger = try RegistryStore(
            pool: fixture.pool,
            artifacts: .init(size: { _ in nil }, firstBytes: { _ in [] }),
            auditKey: try AuditKey(secret: [UInt8](repeating: 8, count: 32))
        )
        try forger.noteBrokenAudit("nothing", call: try fixture.call())
        #expect(try check().problems.contains { $0.hasPrefix("entry 7 is not as it was written") })
    }

    @Test func `the end of the log is handed out after each commit, in order`() async throws {
        final class Kept: @unchecked Sendable {
            let lock = NSLock()
            var heads: [AuditHead] = []
        }
        let kept = Kept()
        let registry = try RegistryStore(
            pool: fixture.pool,
            artifacts: .init(size: { _ in nil }, firstBytes: { _ in [] }),
            auditKey: try AuditKey(secret: [UInt8](repeating: 7, count: 32)),
            keepHead: { head in kept.lock.withLock { kept.heads.append(head) } }
        )
        let calls = try (0..<40).map { _ in try fixture.call() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for call in calls {
                group.addTask {
                    _ = try registry.startRun(
                        RunStart(experiment: try ExperimentName("e", as: "experiment")),
                        call: call
                    ) { _ in [] }
                }
            }
            try await group.waitForAll()
        }
        let numbers = kept.lock.withLock { kept.heads.map(\.number) }
        #expect(numbers == numbers.sorted() && numbers.last == 46)
        #expect(try registry.verifyAudit(kept: []).entries == 46)
        #expect(try registry.verifyAudit(kept: []).isIntact)
    }

    @Test func `filters narrow, and pages go on where the one before ended`() throws {
        _ = try fixture.start("other", call: try fixture.call(actor: "you", project: "q", at: 900))
        func numbers(_ filter: AuditFilter, after: UInt64 = 0, limit: Int = 100) throws -> [UInt64]
        {
            try fixture.registry.audit(filter, after: after, limit: limit).map(\.number)
        }
        #expect(try numbers(.init()) == [1, 2, 3, 4, 5, 6, 7])
        #expect(try numbers(.init(), after: 2, limit: 3) == [3, 4, 5])
        #expect(try numbers(.init(actor: "you")) == [7])
        #expect(try numbers(.init(project: try fixture.project), after: 5) == [6])
        #expect(try numbers(.init(act: "register")) == [])
        let third = try #require(try fixture.registry.audit().dropFirst(2).first)
        #expect(try numbers(.init(object: third.object)) == [3])
        #expect(try numbers(.init(since: third.time), limit: 2) == [3, 4])
        #expect(try numbers(.init(until: third.time)) == [1, 2, 7])
    }
}
