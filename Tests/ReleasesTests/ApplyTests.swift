import Catalog
import Domain
import Registry
import Releases
import Testing

struct ApplyTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    private let wider = "views: [{name: history, entity: person, features: {due: int64}}]"

    @Test func `a plan says what apply would do, and changes nothing`() throws {
        let revision = fixture.catalog.snapshot.revision
        let plan = try fixture.desk.plan(files: [("d.yaml", wider)], project: "p")
        #expect(plan.changes.map(\.lines) == [["widen feature due: int32 to int64"]])
        #expect(plan.breaks.isEmpty && plan.revision == revision + 1)
        #expect(fixture.catalog.snapshot.revision == revision)
        let applied = try #require(try fixture.apply(wider))
        #expect(applied == plan)
        #expect(fixture.catalog.snapshot.revision == revision + 1)
    }

    @Test func `an apply is audited once, and one that changes nothing is not`() throws {
        let before = try fixture.registry.audit()
        #expect(before.map(\.act) == ["apply"] && before[0].object == "project:p")
        #expect(try fixture.apply(Fixture.definitions)?.changes == [])
        #expect(try fixture.registry.audit().count == 1)
        try fixture.apply(wider)
        let detail = try #require(try fixture.registry.audit().last?.detail)
        #expect(detail.contains("\"action\":\"change\"") && detail.contains("d.yaml"))
    }

    @Test func `a repeated apply gets the first answer`() throws {
        let id = [UInt8](0..<16)
        func apply() throws -> [UInt8] {
            try fixture.desk.apply(
                files: [("d.yaml", wider)],
                project: "p",
                call: fixture.call(id)
            ) { [UInt8($0.changes.count)] }
        }
        #expect(try apply() == [1])
        let revision = fixture.catalog.snapshot.revision
        #expect(try apply() == [1])
        #expect(fixture.catalog.snapshot.revision == revision)
    }

    @Test func `mistakes are thrown by plan and by apply, with their lines`() throws {
        let wrong = "views: [{name: v, entity: person, features: {}}]"
        for found in [
            error { _ = try fixture.desk.plan(files: [("d.yaml", wrong)], project: "p") },
            error { try fixture.apply(wrong) },
            error { try fixture.apply(wrong, Fixture.definitions) },
        ] {
            #expect(found?.code == .invalidArgument)
            #expect(
                found?.details.first?.hasPrefix("d.yaml:1: a view needs at least one feature")
                    == true
            )
        }
    }

    @Test func `nothing to apply is an error`() {
        #expect(error { try fixture.apply() }?.code == .invalidArgument)
    }

    /// Each row: the stages that version 1 and version 2 are promoted to, and whether `due` can be
    /// widened.
    @Test(
        arguments: [
            ([], true), ([(1, Stage.staging)], false), ([(1, .production)], false),
            ([(1, .production), (2, .production)], false),
            ([(1, .production), (2, .production), (3, .production)], true),
            ([(1, .staging), (1, .archived)], false),
        ] as [([(UInt32, Stage)], Bool)]
    )
    func `what is live or remembered is not narrowed`(
        promotions: [(UInt32, Stage)],
        isTaken: Bool
    ) throws {
        try fixture.version(service: "credit@1")
        try fixture.version(service: nil)
        try fixture.version(service: nil)
        for (version, stage) in promotions { #expect(try fixture.promote(version, stage).passed) }
        let plan = try fixture.desk.plan(files: [("d.yaml", wider)], project: "p")
        #expect(plan.breaks.isEmpty == isTaken)
        let found = error { try fixture.apply(wider) }
        #expect(found?.code == (isTaken ? nil : .failedPrecondition))
        #expect(found?.details ?? [] == plan.breaks)
        if !isTaken { #expect(plan.breaks[0].contains("credit version 1 (")) }
        let view = try fixture.catalog.snapshot.project("p").view("history")
        #expect(view.features[0].type == (isTaken ? .int64 : .int32))
    }

    @Test func `what a live version reads is not retired, other views are`() throws {
        try fixture.version(service: "credit@1")
        try fixture.promote(1, .production)
        let found = error { try fixture.apply(retire: ["history", "credit", "other"]) }
        #expect(
            found?.details == [
                "--retire history: credit version 1 (production) reads it through credit@1",
                "--retire credit: credit version 1 (production) reads credit@1",
            ]
        )
        #expect(try fixture.apply(retire: ["other"])?.changes.map(\.action) == [.retire])
    }

    @Test func `an apply and a promotion that exclude each other: one of them wins`() async throws {
        for _ in 0..<20 {
            let fixture = try Fixture()
            try fixture.version(service: "credit@1")
            let (desk, call) = (fixture.desk, try fixture.call())
            let (model, yaml) = (try #require(fixture.model), wider)
            async let promoted = Task.detached {
                error {
                    _ = try desk.promote(model: model, version: 1, to: .production, call: call) {
                        _ in []
                    }
                }
            }.value
            async let applied = Task.detached {
                error {
                    _ = try desk.apply(files: [("d.yaml", yaml)], project: "p", call: call) { _ in
                        []
                    }
                }
            }.value
            let (promotion, apply) = await (promoted, applied)
            #expect(promotion == nil)
            let view = try fixture.catalog.snapshot.project("p").view("history")
            #expect(view.features[0].type == (apply == nil ? .int64 : .int32))
        }
    }
}
