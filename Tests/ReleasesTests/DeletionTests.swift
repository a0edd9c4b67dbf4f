import Catalog
import Domain
import Registry
import Releases
import Synchronization
import Testing

/// Deleting versions, and dropping what versions read.
struct DeletionTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    @discardableResult
    private func delete(
        _ number: UInt32,
        dryRun: Bool = false,
        call: WriteCall? = nil
    ) throws -> RecordDeletion? {
        var deletion: RecordDeletion?
        _ = try fixture.registry.deleteVersion(
            number,
            of: try #require(fixture.model),
            dryRun: dryRun,
            call: try call ?? fixture.call()
        ) {
            deletion = $0
            return [1]
        }
        return deletion
    }

    private func holders(_ number: UInt32) throws -> [String] {
        let refused = error { try delete(number) }
        #expect(try delete(number, dryRun: true)?.holders == refused?.details)
        return refused?.details ?? []
    }

    @Test func `a version that something refers to stays, and everything is named`() throws {
        for _ in 0..<3 { try fixture.version() }
        try fixture.promote(1, .production)
        try fixture.promote(2, .production)
        #expect(try holders(2) == ["it is in production"])
        #expect(try holders(1) == ["a rollback of production returns to it"])
        _ = try fixture.registry.setAlias(
            try AliasName("champion", as: "alias"),
            to: 3,
            of: try #require(fixture.model),
            call: try fixture.call()
        ) { _ in [] }
        #expect(try holders(3) == ["alias champion points to it"])
    }

    @Test func `a deleted version is found by nothing, and its number is not given out again`()
        throws
    {
        for _ in 0..<2 { try fixture.version() }
        #expect(try delete(2)?.isDone == true)
        #expect(error { try fixture.promote(2, .staging) }?.message.contains("was deleted") == true)
        #expect(try fixture.stages() == ["none"])
        #expect(try fixture.version() == 3)
        #expect(error { try delete(2) }?.code == .notFound)
        let found = try fixture.registry.search(
            versionsOf: nil,
            try SearchRequest(),
            project: try #require(fixture.project)
        ) { _ in ImportFact(view: FeatureViewID(1), logEntry: nil, retracted: nil) }
        #expect(found.items.map(\.number) == [3, 1])
        let entry = try fixture.registry.audit().last {
            $0.act == "delete version"
        }
        #expect(entry?.before.contains("\"version\":\"2\"") == true)
    }

    @Test func `what a version held stays in history when it is deleted`() throws {
        for _ in 0..<3 { try fixture.version() }
        for number in 1...3 as ClosedRange<UInt32> {
            fixture.clock.withLock { $0 = Timestamp(microseconds: Int64(number) * 10_000) }
            try fixture.promote(number, .production)
        }
        try delete(1)
        let held = try fixture.registry.tenures(
            of: try #require(fixture.model),
            at: Timestamp(microseconds: 15_000),
            project: try #require(fixture.project)
        )
        #expect(held.map(\.version) == [1])
    }

    @Test func `a rollback does not lead to a version that was deleted`() throws {
        for _ in 0..<3 { try fixture.version() }
        for number in 1...3 as ClosedRange<UInt32> { try fixture.promote(number, .production) }
        try delete(1)
        let back = try fixture.rollback(.production)
        #expect(back.passed && back.version == 2 && back.previous == nil)
        #expect(
            error { try fixture.rollback(.production) }?.message.contains("no earlier holder")
                == true
        )
    }

    @Test func `the same request deletes once`() throws {
        try fixture.version()
        let call = try fixture.call([UInt8](repeating: 5, count: 16))
        try delete(1, call: call)
        #expect(error { try delete(1, call: call) } == nil)
        #expect(error { try delete(1) }?.code == .notFound)
    }

    @Test func `a stage goes when nobody is in it and none is remembered, and that is audited`()
        throws
    {
        let canary = try Stage(text: "canary")
        try fixture.apply("stages: [{model: credit, name: canary, holders: 1}]")
        for _ in 0..<3 { try fixture.version() }
        func refusals() throws -> [String] {
            let plan = try fixture.desk.plan(
                files: [],
                drop: ["stage:credit:canary"],
                project: ""
            )
            let found = error { try fixture.apply(drop: ["stage:credit:canary"]) }
            #expect(plan.breaks == found?.details ?? [])
            return plan.breaks
        }
        try fixture.promote(1, canary)
        #expect(try refusals() == ["--drop stage:credit:canary: version 1 holds it"])
        try fixture.promote(2, canary)
        #expect(
            try refusals() == [
                "--drop stage:credit:canary: a rollback of it returns to version 1",
                "--drop stage:credit:canary: version 2 holds it",
            ]
        )
        #expect(try fixture.rollback(canary).version == 1)
        fixture.clock.withLock { $0 = Timestamp(microseconds: 5_000) }
        try fixture.promote(1, .staging)
        #expect(try refusals() == [])
        let refused = error { try fixture.promote(3, canary) }
        #expect(refused?.message.contains("no stage \"canary\"") == true)
        let past = try fixture.registry.tenures(
            of: try #require(fixture.model),
            at: Timestamp(microseconds: 4_999),
            project: try #require(fixture.project)
        )
        #expect(past.map { "\($0.stage) \($0.version)" } == ["canary 1"])
        let entry = try fixture.registry.audit().last { $0.act == "drop stage" }
        #expect(entry?.object == "model:credit" && entry?.before == "{\"holders\":1}")
        #expect(entry?.after.isEmpty == true)
    }

    @Test func `a version whose service was dropped enters no stage`() throws {
        try fixture.version()
        let outcome = try fixture.apply(drop: ["credit"])
        #expect(
            outcome?.loses == ["credit version 1 of credit@1: cannot be served or reproduced"]
        )
        let verdict = try fixture.promote(1, .staging)
        #expect(!verdict.passed)
        #expect(
            verdict.verdict.rules.first { $0.outcome == .failed }?.reason
                == "service credit@1 was dropped"
        )
    }

    @Test func `a gate is removed by whoever may, with before and after in the audit log`() throws {
        try fixture.apply(Fixture.gate)
        try fixture.version(auc: 0.1)
        #expect(try !fixture.promote(1, .production).passed)
        let trainer = Identity(name: "tom", roles: [.definer, .trainer], isVerified: true)
        #expect(
            error {
                _ = try fixture.desk.apply(
                    files: [],
                    drop: ["gate:credit:production"],
                    project: "",
                    by: trainer,
                    call: try fixture.call(by: trainer)
                ) { _ in [] }
            }?.code == .permissionDenied
        )
        try fixture.apply(drop: ["gate:credit:production"])
        #expect(try fixture.promote(1, .production).passed)
        let entry = try fixture.registry.audit().last { $0.act == "remove gate" }
        #expect(entry?.before.contains("\"version\":1") == true)
        #expect(entry?.after.contains("\"removed\":true") == true)
        let history = try fixture.desk.gateHistory(
            model: try #require(fixture.model),
            project: try #require(fixture.project)
        )
        #expect(history.map(\.isRemoved) == [false, true])
    }
}
