import Catalog
import Domain
import Testing

struct DropTests {
    let fixture: Fixture

    init() throws {
        fixture = try Fixture()
        try fixture.apply(
            """
            project: p
            entities: [{name: person, keys: {id: int64}}]
            views:
              - {name: history, entity: person, features: {due: int32, late: int32}}
              - {name: other, entity: person, features: {x: float32}}
            services:
              - {name: credit, features: ["history:due"]}
              - {name: both, features: ["history:*", "other:*"]}
            gates:
              - {model: m, to: production, require: [{metric: auc, better: higher, min: 0.7}]}
            """
        )
    }

    private func breaks(_ drop: String..., dependents: [Dependent] = []) throws -> [String] {
        try fixture.apply(drop: drop, dependents: dependents).breaks
    }

    @Test func `a dropped service is read by no name, and its numbers are not given out again`()
        throws
    {
        let changes = try fixture.apply(drop: ["credit"])
        #expect(changes.changes.map(\.action) == [.drop])
        #expect(changes.unreadable.map(\.description) == ["credit@1"])
        for name in ["credit", "credit@1"] {
            let found = error {
                _ = try fixture.project().service(try FeatureServiceReference(text: name))
            }
            #expect(found?.message == "service \(name) was dropped")
        }
        try fixture.apply("services: [{name: credit, features: [\"other:x\"]}]")
        let again = try fixture.project().service(try FeatureServiceReference(text: "credit"))
        #expect(again.version == 2)
        let reopened = try CatalogStore(pool: fixture.pool)
        #expect(
            try reopened.snapshot.project("p").services == fixture.project().services
        )
        #expect(
            error {
                _ = try fixture.project().service(try FeatureServiceReference(text: "credit@1"))
            } != nil
        )
    }

    @Test func `a dropped view is gone, its name is free and its id is not`() throws {
        let before = try fixture.project().view("history")
        let changes = try fixture.apply(drop: ["view:history", "both", "credit"])
        #expect(changes.breaks.isEmpty)
        #expect(Set(changes.unreadable.map(\.description)) == ["credit@1", "both@1"])
        #expect(error { _ = try fixture.project().view("history") }?.code == .notFound)
        let dropped = fixture.catalog.snapshot.droppedViews
        #expect(dropped.map(\.view.id) == [before.id] && dropped[0].view.name == before.name)
        #expect(dropped[0].time == Timestamp(microseconds: 1))
        try fixture.apply("views: [{name: history, entity: person, features: {z: string}}]")
        let after = try fixture.project().view("history")
        #expect(after.id.number > before.id.number && after.features.map(\.name.text) == ["z"])
        let reopened = try CatalogStore(pool: fixture.pool)
        #expect(reopened.snapshot.droppedViews == dropped)
    }

    @Test func `what a service still reads is not dropped, older versions become unreadable`()
        throws
    {
        #expect(
            try breaks("other") == [
                "--drop other: service both@1 reads it: publish a version without it, or drop the "
                    + "service too"
            ]
        )
        try fixture.apply("services: [{name: both, features: [\"history:*\"]}]")
        let changes = try fixture.apply(drop: ["other"])
        #expect(changes.unreadable.map(\.description) == ["both@1"])
        let snapshot = fixture.catalog.snapshot
        let service = try fixture.project().service(try FeatureServiceReference(text: "both@1"))
        #expect(
            error { _ = try service.plan(in: snapshot) }?.message
                == "service both@1 reads view other, which was dropped"
        )
    }

    @Test func `what live versions read is not dropped, and they are named`() throws {
        let live = Dependent(
            title: "m version 3 (production)",
            service: try FeatureServiceReference(text: "credit@1")
        )
        #expect(
            try breaks("service:credit", dependents: [live]) == [
                "--drop service:credit: m version 3 (production) reads credit@1"
            ]
        )
        let view = try breaks("history", "both", dependents: [live])
        #expect(view.contains("--drop history: m version 3 (production) reads it through credit@1"))
        let all = try breaks("history", "both", "credit", dependents: [live])
        #expect(all == ["--drop credit: m version 3 (production) reads credit@1"])
        #expect(try fixture.project().services.count == 2)
    }

    @Test func `a gate is removed as a version of its own, and may come back`() throws {
        let name = try #require(ProjectName("p"))
        let changes = try fixture.apply(drop: ["gate:m:production"])
        #expect(changes.gateChanges.map(\.after.isRemoved) == [true])
        #expect(changes.gateChanges.map(\.before?.version) == [1])
        #expect(fixture.catalog.gates(name).isEmpty)
        #expect(error { try fixture.apply(drop: ["gate:m:production"]) } != nil)
        let back = try fixture.apply(
            """
            gates: [{model: m, to: production, require: [{metric: auc, better: higher, min: 0.7}]}]
            """
        )
        #expect(back.changes.map(\.action) == [.create])
        #expect(fixture.catalog.gates(name).map(\.version) == [3])
    }

    @Test(arguments: [
        ("nothing", "there is no view or service \"nothing\""),
        ("credti", "did you mean \"credit\"?"),
        ("gate:m", "a gate is named as gate:MODEL:STAGE"),
        ("gate:m:staging", "there is no gate before staging of model m"),
        ("monitor:x", "--retire monitor:x"),
        ("entity:person", "entities stay"),
        ("", "there is no view or service \"\""),
    ])
    func `mistakes say what is there`(_ name: String, _ words: String) throws {
        let found = error { try fixture.apply(drop: [name]) }
        #expect(found?.code == .invalidArgument)
        #expect(found?.details.first?.contains(words) == true, "\(found as Any)")
    }

    @Test func `what a file defines is not dropped by the same apply`() throws {
        let found = error {
            try fixture.apply(
                "views: [{name: new, entity: person, features: {a: int64}}]",
                drop: ["new"]
            )
        }
        #expect(found?.details.first?.contains("define it or drop it") == true)
    }
}
