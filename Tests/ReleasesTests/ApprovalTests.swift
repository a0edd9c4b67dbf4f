import Catalog
import Domain
import Registry
import Releases
import Synchronization
import Testing

struct ApprovalTests {
    let fixture: Fixture
    private let ann = Identity(name: "ann", roles: [.approver], isVerified: true)

    init() throws {
        fixture = try Fixture()
        try fixture.apply(
            """
            gates:
              - {model: credit, to: production, require: [{approvals: 1}], rollback: [{approvals: 1}]}
            """
        )
        for _ in 0..<2 { try fixture.version() }
    }

    @discardableResult
    private func approve(
        _ version: UInt32,
        by identity: Identity,
        for stage: Stage = .production
    ) throws -> Approval {
        var given: Approval?
        _ = try fixture.desk.approve(
            model: try #require(fixture.model),
            version: version,
            for: stage,
            reason: "looks right",
            call: try fixture.call(by: identity)
        ) {
            given = $0
            return []
        }
        return try #require(given)
    }

    @Test func `a version passes when somebody else has approved of it`() throws {
        #expect(try !fixture.promote(1, .production).passed)
        try approve(1, by: ann)
        let outcome = try fixture.promote(1, .production)
        #expect(outcome.passed && outcome.verdict.gateVersion == 1)
        #expect(outcome.verdict.rules.contains { $0.reason == "1 of 1: ann" })
        #expect(try !fixture.promote(2, .production).passed, "each version for itself")
    }

    @Test func `nobody approves unknown, without the role, or of their own`() throws {
        let refused: [Identity] = [
            .local, Identity(name: "ann", roles: [.approver], isVerified: false),
            Identity(
                name: "tom",
                roles: Set(Role.allCases).subtracting([.approver]),
                isVerified: true
            ),
            Identity(name: "me", roles: [.approver], isVerified: true),
        ]
        for identity in refused {
            #expect(
                error { try approve(1, by: identity) }?.code == .permissionDenied,
                "\(identity.name)"
            )
        }
        #expect(error { try approve(1, by: ann, for: .archived) }?.code == .invalidArgument)
        #expect(error { try approve(3, by: ann) }?.code == .notFound)
        #expect(try !fixture.promote(1, .production).passed)
    }

    @Test func `an approval said again is the first one`() throws {
        let first = try approve(1, by: ann)
        fixture.clock.withLock { $0 = Timestamp(microseconds: 5_000) }
        let audited = try fixture.registry.audit().count
        #expect(try approve(1, by: ann) == first)
        #expect(try fixture.registry.audit().count == audited)
    }

    @Test func `a rollback goes through its own rules`() throws {
        for version in UInt32(1)...2 { try approve(version, by: ann) }
        try fixture.promote(1, .production)
        try fixture.promote(2, .production)
        #expect(try fixture.rollback(.production).passed)
        try fixture.apply(
            "gates: [{model: credit, to: production, require: [], rollback: [{approvals: 2}]}]"
        )
        try fixture.promote(2, .production)
        let outcome = try fixture.rollback(.production)
        #expect(!outcome.passed && outcome.verdict.gateVersion == 2)
        #expect(outcome.verdict.rules.last?.reason == "1 of 2: ann")
        #expect(try fixture.holders() == "production 2 < 1")
    }

    @Test func `a changed gate is a new version, audited with what it was and what it is`() throws {
        try fixture.apply(
            """
            gates:
              - {model: credit, to: production, require: [{approvals: 2, by: [approver, admin]}]}
            """
        )
        let model = try #require(fixture.model)
        let versions = try fixture.desk.gateHistory(
            model: model,
            project: try #require(fixture.project)
        )
        #expect(versions.map(\.version) == [1, 2])
        let entries = try fixture.registry.audit(.init(act: "change gate"))
        #expect(entries.count == 2 && entries[0].before.isEmpty)
        #expect(entries[1].before == entries[0].after)
        #expect(entries[1].after.contains(#""approvals":{"by":["approver","admin"],"count":2}"#))
        #expect(entries.allSatisfy { $0.object == "model:credit" })
    }

    @Test func `every rule is read back as it was written`() throws {
        let yaml = """
            stages: [{model: credit, name: canary, holders: 2}]
            gates:
              - model: credit
                to: canary
                from: [none, staging]
                require:
                  - {metric: auc, on: holdout, better: higher, min: 0.7, no_worse_than_holder_by: 0.01}
                  - {training_set: reproducible}
                  - {training_set: {reproducible: true, checked_within: 7d, younger_than: 30d, min_rows: 9}}
                  - {lineage: complete}
                  - {signature: compatible}
                  - {tags: [owner]}
                  - {tags: {team: risk, reviewed: }}
                  - {artifacts: [onnx, .json]}
                  - {approvals: 2, by: [approver, admin]}
                  - {soak: 1d12h}
            """
        try fixture.apply(yaml)
        let written = fixture.catalog.gates(try #require(fixture.project))
        let read = try fixture.registry.read {
            try CatalogStore.state(in: $0.database).gates.values.first
        }
        #expect(written == read)
        let lines = written.first { $0.gate.to.text == "canary" }?.gate.rules.flatMap(
            \.descriptions
        )
        #expect(
            lines == [
                "auc on holdout at least 0.7",
                "auc on holdout no worse than the holder's by more than 0.01 (higher is better)",
                "training set is reproducible",
                "training set is reproducible, tried within 7d", "training set younger than 30d",
                "training set of at least 9 rows", "lineage is complete",
                "takes what callers send to the holder", "tag owner is there",
                "tag team is \"risk\"", "tag reviewed is there", "artifacts are onnx or json",
                "2 approvals by approver or admin, none the author's",
                "in the stage before for 1d12h or longer",
            ]
        )
        #expect(try fixture.apply(yaml)?.changes.isEmpty == true)
    }
}
