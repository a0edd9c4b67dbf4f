import Catalog
import Domain
import GRDB
import Testing

struct DropStageTests {
    let fixture: Fixture

    init() throws {
        fixture = try Fixture()
        try fixture.apply(
            """
            project: p
            stages:
              - {model: m, name: canary, holders: 2}
              - {model: m, name: production, holders: 3}
              - {model: other, name: canary, holders: 1}
            """
        )
    }

    private func use(_ stage: String, _ reason: String, isHolder: Bool = true) throws -> StageUse {
        StageUse(
            model: try RegisteredModelName("m", as: "model"),
            stage: try Stage(text: stage),
            reason: reason,
            isHolder: isHolder
        )
    }

    private func stages() throws -> [String] {
        try fixture.pool.read { database in
            try CatalogStore.state(in: database).stages.values.flatMap { $0 }
                .map { "\($0.model) \($0.stage) \($0.holders)" }.sorted()
        }
    }

    @Test func `a stage that nothing uses is dropped, of its model only, and may come back`() throws
    {
        let changes = try fixture.apply(drop: ["stage:m:canary"])
        #expect(changes.changes.map(\.action) == [.drop] && changes.breaks.isEmpty)
        #expect(changes.stageChanges.map(\.before?.holders) == [2])
        #expect(changes.stageChanges.map(\.after) == [nil])
        #expect(try stages() == ["m production 3", "other canary 1"])
        #expect(error { try fixture.apply(drop: ["stage:m:canary"]) }?.code == .invalidArgument)
        try fixture.apply("stages: [{model: m, name: canary, holders: 1}]")
        #expect(try stages() == ["m canary 1", "m production 3", "other canary 1"])
    }

    @Test func `whoever is in it, or remembered by it, is named and it stays`() throws {
        let uses = try [
            use("canary", "version 3 holds it"),
            use("canary", "a rollback of it returns to version 2", isHolder: false),
            use("staging", "version 9 holds it"),
        ]
        let changes = try fixture.apply(drop: ["stage:m:canary"], stageUses: uses)
        #expect(
            changes.breaks == [
                "--drop stage:m:canary: version 3 holds it",
                "--drop stage:m:canary: a rollback of it returns to version 2",
            ]
        )
        #expect(try stages().count == 3)
        #expect(try fixture.apply(drop: ["stage:other:canary"], stageUses: uses).breaks.isEmpty)
    }

    @Test func `one of the four takes one holder again, unless it has more`() throws {
        let one = try use("production", "version 3 holds it")
        let two = try use("production", "version 4 holds it")
        let past = try use("production", "a rollback of it returns to version 2", isHolder: false)
        #expect(
            try fixture.apply(drop: ["stage:m:production"], stageUses: [one, two, past]).breaks == [
                "--drop stage:m:production: version 3 holds it",
                "--drop stage:m:production: version 4 holds it",
            ]
        )
        try fixture.apply(drop: ["stage:m:production"], stageUses: [one, past])
        #expect(try stages() == ["m canary 2", "other canary 1"])
    }

    @Test func `what names it goes before it, or with it`() throws {
        try fixture.apply(
            """
            gates:
              - {model: m, to: canary, require: [{lineage: complete}]}
              - {model: m, to: production, from: [canary], require: [{lineage: complete}]}
            rollouts:
              - {name: careful, model: m, stage: canary, steps: [{share: 100%}]}
            """
        )
        #expect(
            try fixture.apply(drop: ["stage:m:canary"]).breaks == [
                "--drop stage:m:canary: the gate to canary names it: drop or change that too",
                "--drop stage:m:canary: the gate to production names it: drop or change that too",
                "--drop stage:m:canary: rollout careful is for it: retire that too",
            ]
        )
        let changes = try fixture.apply(
            "gates: [{model: m, to: production, require: [{lineage: complete}]}]",
            retire: ["rollout:careful"],
            drop: ["stage:m:canary", "gate:m:canary"]
        )
        #expect(changes.breaks.isEmpty)
        #expect(try stages() == ["m production 3", "other canary 1"])
    }

    @Test func `a file that defines it does not drop it too, and names are checked`() throws {
        let both = error {
            try fixture.apply(
                "stages: [{model: m, name: canary, holders: 5}]",
                drop: ["stage:m:canary"]
            )
        }
        #expect(both?.details.first?.contains("define it or drop it") == true)
        let close = error { try fixture.apply(drop: ["stage:m:canari"]) }
        #expect(close?.details.first?.contains("canary") == true)
        #expect(error { try fixture.apply(drop: ["stage:m"]) }?.code == .invalidArgument)
        #expect(try stages().count == 3)
    }
}
