import Domain
import Registry
import Releases
import Testing

struct GateEventTests {
    private func told(_ fixture: Fixture, after revision: UInt64 = 0) throws -> [RegistryEvent] {
        try fixture.registry.events(
            after: revision,
            project: try #require(fixture.project),
            limit: 100
        )
    }

    @Test func `a refusal is told of with every rule that did not pass`() throws {
        let fixture = try Fixture(gated: true)
        try fixture.version(auc: nil, artifacts: 0, status: .failed)
        let before = fixture.registry.events.revision
        let outcome = try fixture.promote(1, .production)
        let events = try told(fixture, after: before)
        #expect(events.map(\.kind) == [.gateRefused])
        let event = try #require(events.first)
        #expect(event.stage == .production && event.other == Stage.none && event.version == 1)
        for rule in outcome.verdict.rules {
            #expect(
                event.detail.contains("\(rule.rule): \(rule.reason)") == (rule.outcome != .passed)
            )
        }
        #expect(fixture.registry.events.revision == event.revision)
    }

    @Test func `what no gate was asked about, and a dry run, pass in silence`() throws {
        let fixture = try Fixture()
        try fixture.version()
        let before = fixture.registry.events.revision
        try fixture.promote(1, .production, dryRun: true)
        #expect(try told(fixture, after: before).isEmpty)
        try fixture.promote(1, .production)
        try fixture.promote(1, .production)
        #expect(try told(fixture, after: before).map(\.kind) == [.promoted])
        fixture.damageArtifacts()
        #expect(try !fixture.promote(1, .staging).passed)
        #expect(try told(fixture, after: before).map(\.kind) == [.promoted, .gateRefused])
    }

    @Test func `events of one move stand together, the gate's first`() throws {
        let fixture = try Fixture(gated: true)
        try fixture.version()
        try fixture.version()
        for number in [UInt32(1), 2] {
            try fixture.promote(number, .staging)
            let before = fixture.registry.events.revision
            let passed = try fixture.promote(number, .production).passed
            let kinds = try told(fixture, after: before).map(\.kind)
            #expect(kinds.first == (passed ? .gatePassed : .gateRefused))
            #expect(kinds.contains(.promoted) == passed)
        }
        let all = try told(fixture)
        #expect(all.map(\.revision) == Array(1...UInt64(all.count)))
    }

    @Test func `an import is told of once, whoever says it again`() throws {
        let fixture = try Fixture()
        let project = try #require(fixture.project)
        var published = PublishedImport(
            id: "import-1",
            project: project,
            view: FeatureViewName("v"),
            rows: 7,
            source: "rows.csv"
        )
        let models = fixture.registry.modelsRevision
        for _ in 0..<3 { try fixture.registry.tell(published, call: try fixture.call()) }
        published.id = "import-2"
        published.view = nil
        try fixture.registry.tell(published, call: try fixture.call())
        let events = try told(fixture)
        #expect(events.map(\.kind) == [.importPublished, .importPublished])
        #expect(events.map(\.subject) == ["import-1", "import-2"])
        #expect(events.map(\.view) == [FeatureViewName("v"), nil])
        #expect(events.map(\.model) == [nil, nil] && events[0].detail == "7 rows of rows.csv")
        #expect(try fixture.registry.toldImports() == ["import-1", "import-2"])
        #expect(fixture.registry.modelsRevision == models)
    }
}
