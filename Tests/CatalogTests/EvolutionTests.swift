import Catalog
import Domain
import Testing

struct EvolutionTests {
    let fixture: Fixture

    init() throws {
        fixture = try Fixture()
        try fixture.apply(credit)
    }

    private func view(_ name: String = "credit_history") throws -> FeatureView {
        try fixture.project().view(name)
    }

    private func versions(_ name: String) throws -> [FeatureService] {
        try fixture.project().services[FeatureServiceName(name, as: "")] ?? []
    }

    @Test func `the same file twice changes nothing`() throws {
        let before = fixture.catalog.snapshot
        let changes = try fixture.apply(credit)
        #expect(changes.isEmpty && changes.changes.isEmpty && changes.breaks.isEmpty)
        #expect(fixture.catalog.snapshot.revision == before.revision)
        #expect(try versions("credit").count == 1)
    }

    @Test func `what a file leaves out stays as it is`() throws {
        let before = try fixture.project()
        try fixture.apply(
            "views: [{name: credit_history, entity: person, features: {score: float32}, owner: me}]"
        )
        let after = try view()
        #expect(after.owner == "me")
        #expect(after.features == before.views[after.name]?.features)
        #expect(after.lookback == TimeSpan(text: "90d"))
        #expect(after.eventTimeColumn == "event_timestamp")
        #expect(try fixture.project().services == before.services)
    }

    @Test func `a span is taken away with none`() throws {
        try fixture.apply(
            "views: [{name: credit_history, entity: person, features: {score: float32}, lookback: none}]"
        )
        #expect(try view().lookback == nil && view().maxAge == TimeSpan(text: "90d"))
    }

    @Test func `a new feature stands last, in a new layout`() throws {
        let before = try view()
        let changes = try fixture.apply(
            "views: [{name: credit_history, entity: person, features: {income: float64, score: float32}}]"
        )
        let after = try view()
        #expect(changes.changes.map(\.lines) == [["add feature income: float64"]])
        #expect(after.features.dropLast() == before.features[...])
        #expect(after.features.last?.name.text == "income")
        #expect(after.schemaVersion == 2)
        #expect(after.layouts.first == before.layouts.first)
        #expect(after.layout(2) == RowLayout(version: 2, features: after.features))
        #expect(try versions("credit").count == 1, "a service that the file leaves out stays")
    }

    @Test func `a renamed feature keeps its id, its layout and the published columns`() throws {
        let before = try view()
        let yaml = """
            views:
              - name: credit_history
                entity: person
                features: {card_due: {type: int64, was: credit_card_due}}
            """
        let changes = try fixture.apply(yaml)
        #expect(changes.changes.map(\.lines) == [["rename feature credit_card_due to card_due"]])
        let after = try view()
        #expect(after.features.map(\.id) == before.features.map(\.id))
        #expect(after.features[0].name.text == "card_due")
        #expect(after.layouts == before.layouts)
        #expect(
            try versions("credit")[0].projections[0].features[0].column.text == "credit_card_due"
        )
        #expect(try fixture.apply(yaml).isEmpty, "a rename is done once")
        let missing = try fixture.mistakes(
            yaml.replacing("card_due:", with: "other:").replacing(
                "credit_card_due",
                with: "cardx_due"
            )
        )
        #expect(
            missing.first?.contains("has no feature \"cardx_due\" to rename") == true,
            "\(missing)"
        )
    }

    @Test func `a service is published again only where what it resolves to has changed`() throws {
        let service =
            "\nservices: [{name: credit, features: [credit_history:*, place_stats:population], "
            + "request: {loan_amount: float64}}]"
        let history =
            "views: [{name: credit_history, entity: person, features: {score: float32%}OPTION}]"
        func apply(_ feature: String, _ option: String) throws -> Int {
            try fixture.apply(
                history.replacing("%", with: feature).replacing("OPTION", with: option) + service
            )
            return try versions("credit").count
        }
        #expect(try apply("", ", owner: me") == 1)
        #expect(try apply("", ", description: text") == 1)
        #expect(try apply("", ", lookback: 60d") == 2)
        #expect(try apply("", ", lookback: 60d") == 2)
        #expect(try apply(", income: float64", "") == 3)
        let all = try versions("credit")
        #expect(
            all.map(\.projections[0].lookback) == ["90d", "60d", "60d"].map(TimeSpan.init(text:))
        )
        #expect(all.map(\.projections[0].features.count) == [3, 3, 4])
        #expect(all.map(\.version) == [1, 2, 3])
    }

    @Test func `a description alone publishes nothing`() throws {
        let before = try versions("flights")
        let changes = try fixture.apply(
            """
            services:
              - name: flights
                description: both ends
                features:
                  - {view: airport_stats, as: origin, keys: {airport: origin}}
                  - {view: airport_stats, as: destination, keys: {airport: destination}}
            """
        )
        #expect(changes.changes.map(\.action) == [.change])
        #expect(try versions("flights").map(\.projections) == before.map(\.projections))
        #expect(try versions("flights").map(\.description) == ["both ends"])
    }

    /// Each row: the type in the file for `missed_payments_1y: int32`, and whether it is taken.
    @Test(arguments: [
        ("int32", true), ("int64", true), ("float32", false), ("float64", false), ("string", false),
        ("int32[]", false), ("bool", false),
    ])
    func `types only widen`(type: String, isTaken: Bool) throws {
        let changes = try fixture.apply(
            "views: [{name: credit_history, entity: person, features: {missed_payments_1y: '\(type)'}}]"
        )
        #expect(changes.breaks.isEmpty == isTaken)
        #expect(try view().features[1].type.description == (isTaken ? type : "int32"))
        #expect(try view().schemaVersion == (type == "int64" ? 2 : 1))
        if !isTaken {
            #expect(
                changes.breaks[0].hasPrefix(
                    "d.yaml:1: feature \"credit_history:missed_payments_1y\""
                )
            )
        }
    }

    @Test func `a narrowed type is refused`() throws {
        let yaml =
            "views: [{name: credit_history, entity: person, features: {credit_card_due: int32}}]"
        #expect(try fixture.apply(yaml).breaks.count == 1)
    }

    @Test func `what a live version reads is not widened, and the version is named`() throws {
        let yaml = "views: [{name: credit_history, entity: person, features: {score: float64}}]"
        let live = Dependent(
            title: "credit version 3 (production)",
            service: try FeatureServiceReference(text: "credit@1")
        )
        let changes = try fixture.apply(yaml, dependents: [live])
        #expect(
            changes.breaks == [
                "d.yaml:1: feature \"credit_history:score\" cannot become float64: credit version 3 "
                    + "(production) reads it as float32 through credit@1"
            ]
        )
        #expect(try view().features[2].type == .float32)
        let other = Dependent(title: "f", service: try FeatureServiceReference(text: "flights@1"))
        #expect(try fixture.apply(yaml, dependents: [other]).breaks == [])
        #expect(try view().features[2].type == .float64)
        #expect(
            try versions("credit")[0].projections[0].features[2].type == .float32,
            "published pins types"
        )
    }

    @Test func `keys of an entity and the entity of a view never change`() throws {
        let keys = try fixture.apply("entities: [{name: person, keys: {dob_ssn: int64}}]")
        #expect(keys.breaks.count == 1 && keys.breaks[0].contains("keys never change"))
        let entity = try fixture.apply(
            "views: [{name: credit_history, entity: place, features: {score: float32}}]"
        )
        #expect(entity.breaks.count == 1 && entity.breaks[0].contains("define a new view"))
    }

    @Test func `a retired view takes no changes and no new publications, but stays readable`()
        throws
    {
        #expect(try fixture.apply(retire: ["place_stats"]).breaks == [])
        #expect(try view("place_stats").isRetired)
        #expect(try fixture.apply(retire: ["place_stats"]).isEmpty)
        #expect(try fixture.apply(credit).isEmpty, "the file that defines it still applies")
        let changed = try fixture.apply(
            "views: [{name: place_stats, entity: place, features: {area: float64}}]"
        )
        #expect(changed.breaks.count == 1 && changed.breaks[0].contains("is retired"))
        let published = try fixture.apply("services: [{name: s, features: [place_stats:*]}]")
        #expect(published.breaks.count == 1 && published.breaks[0].contains("is retired"))
        let plan = try versions("credit")[0].plan(in: fixture.catalog.snapshot)
        #expect(plan.views.count == 2)
    }

    @Test func `a retired service gets no new version`() throws {
        try fixture.apply(retire: ["flights"])
        #expect(try fixture.project().retiredServices.map(\.text) == ["flights"])
        #expect(try fixture.apply(credit).isEmpty)
        let changes = try fixture.apply("services: [{name: flights, features: [airport_stats:*]}]")
        #expect(changes.breaks.count == 1)
    }

    @Test func `what a live version depends on is not retired, and the version is named`() throws {
        let live = Dependent(
            title: "m version 1 (staging)",
            service: try FeatureServiceReference(text: "credit@1")
        )
        let breaks = try fixture.apply(
            retire: ["place_stats", "credit", "flights"],
            dependents: [live]
        ).breaks
        #expect(
            breaks == [
                "--retire place_stats: m version 1 (staging) reads it through credit@1",
                "--retire credit: m version 1 (staging) reads credit@1",
            ]
        )
        #expect(try !view("place_stats").isRetired)
    }

    @Test func `an unknown name to retire, or one of two things, is a mistake`() throws {
        #expect(
            try fixture.mistakes(retire: ["place_stat"]) == [
                "--retire place_stat: there is no view, service, monitor or rollout \"place_stat\" in project "
                    + "credit: did you mean \"place_stats\"?"
            ]
        )
        try fixture.apply("services: [{name: place_stats, features: [place_stats:*]}]")
        #expect(try fixture.mistakes(retire: ["place_stats"]).count == 1)
        try fixture.apply(retire: ["service:place_stats"])
        #expect(try !view("place_stats").isRetired)
    }

    @Test func `a gate that changes gets its next version`() throws {
        let gate = "gates: [{model: credit, to: production, require: [{metric: auc, min: 0.8}]}]"
        let changes = try fixture.apply(gate)
        #expect(changes.changes.map(\.lines) == [["auc at least 0.8"]])
        let gates = fixture.catalog.gates(try fixture.project().name)
        #expect(gates.map(\.version) == [2])
        #expect(gates[0].gate.from == [])
        #expect(try fixture.apply(gate).isEmpty)
    }

    @Test func `a plan with mistakes or breaks changes nothing`() throws {
        let before = fixture.catalog.snapshot
        _ = try fixture.mistakes(
            "entities: [{name: x, keys: {k: int64}}]\nviews: [{name: v, entity: y, features: {a: int64}}]"
        )
        try fixture.apply(
            "entities: [{name: x, keys: {k: int64}}, {name: person, keys: {other: int64}}]"
        )
        let reopened = try CatalogStore(pool: fixture.pool)
        #expect(reopened.snapshot.revision == before.revision)
        #expect(try fixture.project().entities.count == 3)
    }
}
