import Catalog
import Domain
import Releases
import Testing

struct RetentionTests {
    private let spans = "views: [{name: history, entity: person, ttl: 90d, features: {due: int32}}]"
    private let service = "services: [{name: credit, features: ['history:*']}]"

    private func retention(_ rule: String) -> String {
        "views: [{name: history, entity: person, ttl: 30d, retention: \(rule), "
            + "features: {due: int32}}]"
    }

    /// Each row: the stages that version 1, which looks back 90d, and versions 2 and 3 are promoted
    /// to, and whether rows older than 30d can be taken.
    @Test(
        arguments: [
            ([], true), ([(1, Stage.staging)], false), ([(1, .production)], false),
            ([(1, .production), (2, .production)], false),
            ([(1, .production), (2, .production), (3, .production)], true),
        ] as [([(UInt32, Stage)], Bool)]
    )
    func `rows that a live or remembered version looks back to are not taken`(
        promotions: [(UInt32, Stage)],
        isTaken: Bool
    ) throws {
        let fixture = try Fixture()
        try fixture.apply(spans, service)
        try fixture.version(service: "credit@2")
        try fixture.version(service: nil)
        try fixture.version(service: nil)
        for (version, stage) in promotions { #expect(try fixture.promote(version, stage).passed) }
        let yaml = retention("{age: 30d}")
        let plan = try fixture.desk.plan(files: [("d.yaml", yaml)], project: "p")
        let found = error { try fixture.apply(yaml) }
        #expect(plan.breaks.isEmpty == isTaken && found?.details ?? [] == plan.breaks)
        #expect(found?.code == (isTaken ? nil : .failedPrecondition))
        if !isTaken {
            #expect(
                plan.breaks[0].hasPrefix(
                    "d.yaml:1: view \"history\": a retention age of 30d would take rows that credit "
                        + "version 1 ("
                )
            )
            #expect(plan.breaks[0].hasSuffix("a look-back of 90d and a max age of 90d"))
        }
        let view = try fixture.catalog.snapshot.project("p").view("history")
        #expect(view.retention == (isTaken ? RetentionRule(age: TimeSpan(text: "30d")) : nil))
        try fixture.apply(retention("{age: 90d, rows_per_key: 1}"))
    }
}
