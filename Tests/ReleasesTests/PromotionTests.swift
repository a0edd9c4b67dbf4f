import Domain
import Registry
import Releases
import Testing

struct PromotionTests {
    @Test func `a stage without a gate takes any complete version, and holders take turns`() throws
    {
        let fixture = try Fixture()
        for _ in 0..<3 { try fixture.version(auc: nil) }
        let first = try fixture.promote(1, .production)
        #expect(first.passed && first.previous == nil && first.from == .none && first.revision == 4)
        #expect(try fixture.holders() == "production 1")
        #expect(try fixture.promote(2, .production).previous == 1)
        #expect(try fixture.holders() == "production 2 < 1")
        #expect(try fixture.promote(3, .staging).passed)
        #expect(try fixture.stages() == ["archived", "production", "staging"])
        #expect(try fixture.promote(3, .production).from == .staging)
        #expect(try fixture.holders() == "production 3 < 2")
        #expect(try fixture.stages() == ["archived", "archived", "production"])
        let holder = try fixture.registry.version(
            .stage(.production, version: nil),
            of: try #require(fixture.model),
            project: try #require(fixture.project)
        )
        #expect(holder.number == 3)
        let nobody = error {
            _ = try fixture.registry.version(
                .stage(.staging, version: nil),
                of: try #require(fixture.model),
                project: try #require(fixture.project)
            )
        }
        #expect(nobody?.code == .notFound)
    }

    @Test func `an incomplete version is refused, with every reason`() throws {
        let fixture = try Fixture(gated: true)
        try fixture.version(auc: nil, artifacts: 0, status: .failed)
        let outcome = try fixture.promote(1, .production)
        #expect(!outcome.passed)
        #expect(
            outcome.verdict.rules.map(\.outcome) == [
                .failed, .failed, .failed, .cannotTell, .passed, .passed,
            ]
        )
        try fixture.version()
        fixture.damageArtifacts()
        #expect(
            try fixture.promote(2, .staging).verdict.rules[0].reason == "missing or damaged: m0"
        )
        #expect(try fixture.holders() == "")
    }

    @Test func `a version of a running run may be promoted`() throws {
        let fixture = try Fixture()
        try fixture.version(status: .running)
        #expect(try fixture.promote(1, .staging).passed)
    }

    @Test func `a gate holds: a bad version is refused and a good one promoted`() throws {
        let fixture = try Fixture(gated: true)
        for auc in [0.75, 0.6, 0.73, 0.745] { try fixture.version(auc: auc) }
        #expect(try !fixture.promote(1, .production).passed, "not from staging")
        for (version, passes) in [(1, true), (2, false), (3, false), (4, true)] as [(UInt32, Bool)]
        {
            #expect(try fixture.promote(version, .staging).passed)
            let before = try fixture.revision()
            let outcome = try fixture.promote(version, .production)
            #expect(outcome.passed == passes, "version \(version)")
            #expect(try fixture.revision() == before + (passes ? 1 : 0))
            #expect(outcome.revision == (try fixture.revision()))
        }
        #expect(try fixture.holders() == "production 4 < 1")
    }

    @Test func `a refusal changes nothing but the audit table`() throws {
        let fixture = try Fixture(gated: true)
        try fixture.version(auc: 0.1)
        let (stages, revision) = (try fixture.stages(), try fixture.revision())
        let audited = try fixture.registry.audit().count
        #expect(try !fixture.promote(1, .production).passed)
        #expect(try fixture.stages() == stages && fixture.revision() == revision)
        let entries = try fixture.registry.audit()
        #expect(entries.count == audited + 1)
        #expect(entries.last?.act == "promote refused" && entries.last?.object == "model:credit")
        #expect(entries.last?.verdict.contains("0.1 is below 0.7") == true)
        #expect(entries.last?.detail.contains("because") == true)
    }

    @Test func `a dry run changes nothing at all`() throws {
        let fixture = try Fixture()
        try fixture.version()
        let audited = try fixture.registry.audit().count
        let id = [UInt8](0..<16)
        #expect(try fixture.promote(1, .production, dryRun: true, call: fixture.call(id)).passed)
        #expect(try fixture.holders() == "" && fixture.registry.audit().count == audited)
        #expect(try fixture.promote(1, .production, call: fixture.call(id)).passed)
        #expect(try fixture.holders() == "production 1")
    }

    @Test func `a repeated refusal is the first answer, though the gate would pass now`() throws {
        let fixture = try Fixture(gated: true)
        try fixture.version()
        let id = [UInt8](0..<16)
        func answer() throws -> [UInt8] {
            try fixture.desk.promote(
                model: try #require(fixture.model),
                version: 1,
                to: .production,
                call: fixture.call(id)
            ) { [$0.passed ? 1 : 0] }
        }
        #expect(try answer() == [0])
        try fixture.promote(1, .staging)
        let audited = try fixture.registry.audit().count
        #expect(try answer() == [0])
        #expect(try fixture.registry.audit().count == audited)
        #expect(try fixture.holders() == "staging 1")
    }

    @Test func `a version that is there already stays, and nothing is written`() throws {
        let fixture = try Fixture(gated: true)
        try fixture.version()
        try fixture.promote(1, .staging)
        let (revision, audited) = (try fixture.revision(), try fixture.registry.audit().count)
        let outcome = try fixture.promote(1, .staging)
        #expect(outcome.passed && outcome.revision == revision && outcome.from == .staging)
        #expect(try fixture.revision() == revision && fixture.registry.audit().count == audited)
    }

    @Test func `a stage changes only at the revision that was read`() throws {
        let fixture = try Fixture()
        try fixture.version()
        try fixture.version()
        let revision = try fixture.revision()
        #expect(try fixture.promote(1, .production, revision: revision).revision == revision + 1)
        let late = error { try fixture.promote(2, .production, revision: revision) }
        #expect(late?.code == .aborted && late?.retry == .afterReading)
        #expect(try fixture.holders() == "production 1")
    }

    @Test func `of many promotions at one revision exactly one is done`() async throws {
        let fixture = try Fixture()
        for _ in 0..<16 { try fixture.version() }
        let (desk, revision) = (fixture.desk, try fixture.revision())
        let (model, call) = (try #require(fixture.model), try fixture.call())
        let codes = await withTaskGroup(of: AlulaError.Code?.self) { group in
            for number in UInt32(1)...16 {
                group.addTask {
                    error {
                        _ = try desk.promote(
                            model: model,
                            version: number,
                            to: .production,
                            expectedRevision: revision,
                            call: call
                        ) { _ in [] }
                    }?.code
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.count { $0 == nil } == 1)
        #expect(codes.count { $0 == .aborted } == 15)
        #expect(try fixture.stages().count { $0 == "production" } == 1)
    }

    @Test func `racing promotions without a revision leave one holder and no lost version`()
        async throws
    {
        let fixture = try Fixture()
        for _ in 0..<16 { try fixture.version() }
        let (desk, model, call) = (fixture.desk, try #require(fixture.model), try fixture.call())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in UInt32(1)...16 {
                group.addTask {
                    _ = try desk.promote(
                        model: model,
                        version: number,
                        to: .production,
                        call: call
                    ) { _ in [] }
                }
            }
            try await group.waitForAll()
        }
        let stages = try fixture.stages()
        #expect(stages.count { $0 == "production" } == 1 && stages.count { $0 == "archived" } == 15)
        #expect(try fixture.revision() == 32)
    }

    @Test func `unknown models and versions are not found`() throws {
        let fixture = try Fixture()
        #expect(error { try fixture.promote(1, .production) }?.code == .notFound)
        try fixture.version()
        #expect(error { try fixture.promote(2, .production) }?.code == .notFound)
    }
}

struct RollbackTests {
    let fixture: Fixture

    init() throws {
        fixture = try Fixture()
        for _ in 0..<4 { try fixture.version() }
    }

    @Test func `a rollback returns to the holder before, again and again`() throws {
        for version in UInt32(1)...3 { try fixture.promote(version, .production) }
        let outcome = try fixture.rollback(.production)
        #expect(
            outcome.passed && outcome.version == 2 && outcome.previous == 1
                && outcome.from == .archived
        )
        #expect(try fixture.holders() == "production 2 < 1")
        #expect(try fixture.stages() == ["archived", "production", "archived", "none"])
        #expect(try fixture.rollback(.production).version == 1)
        #expect(try fixture.holders() == "production 1")
        let last = error { try fixture.rollback(.production) }
        #expect(last?.code == .failedPrecondition)
        let acts = try fixture.registry.audit(.init(object: "model:credit")).map(\.act)
        #expect(acts.suffix(2) == ["rollback", "rollback"])
    }

    @Test func `a promotion after a rollback remembers whom it displaced`() throws {
        for version in UInt32(1)...3 { try fixture.promote(version, .production) }
        try fixture.rollback(.production)
        try fixture.promote(4, .production)
        #expect(try fixture.holders() == "production 4 < 2")
        #expect(try fixture.rollback(.production).version == 2)
        #expect(try fixture.holders() == "production 2 < 1")
    }

    @Test func `a version taken out of production can be brought back`() throws {
        try fixture.promote(1, .production)
        try fixture.promote(1, .archived)
        #expect(try fixture.holders() == "")
        #expect(try fixture.rollback(.production).version == 1)
        #expect(try fixture.holders() == "production 1")
    }

    @Test func `a stage that its version left upwards remembers the one before`() throws {
        try fixture.promote(1, .staging)
        try fixture.promote(2, .staging)
        try fixture.promote(2, .production)
        #expect(try fixture.holders() == "production 2")
        #expect(try fixture.rollback(.staging).version == 1)
        #expect(try fixture.holders() == "staging 1, production 2")
    }

    @Test func `a previous holder that lost its artifacts is refused`() throws {
        try fixture.promote(1, .production)
        try fixture.promote(2, .production)
        fixture.damageArtifacts()
        let outcome = try fixture.rollback(.production)
        #expect(!outcome.passed)
        #expect(try fixture.holders() == "production 2 < 1")
        #expect(try fixture.registry.audit().last?.act == "rollback refused")
    }

    @Test func `stages without a holder are not rolled back`() throws {
        #expect(error { try fixture.rollback(.archived) }?.code == .invalidArgument)
        #expect(error { try fixture.rollback(.staging) }?.code == .failedPrecondition)
    }
}
