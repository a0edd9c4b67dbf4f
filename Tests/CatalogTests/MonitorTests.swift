import Catalog
import Domain
import GRDB
import Testing

struct MonitorTests {
    private static let views = """
        project: p
        entities: [{name: person, keys: {id: int64}}]
        views: [{name: income, entity: person, features: {amount: float64, due: int64}}]
        services: [{name: s, features: ["income:*"], request: {asked: float64}}]

        """

    private static func decide(
        _ text: String,
        over state: CatalogState,
        retire: [String] = []
    ) throws -> DefinitionChanges {
        try CatalogStore.decide(
            [DefinitionFile(name: "m.yaml", yaml: "project: p\nmonitors:\n" + text)],
            retire: retire,
            project: "",
            over: state,
            models: { _ throws(AlulaError) in
                [
                    MonitoredModel(
                        name: try RegisteredModelName("credit", as: "model"),
                        services: [
                            FeatureServiceReference(
                                name: try FeatureServiceName("s", as: "service"),
                                version: 1
                            )
                        ]
                    )
                ]
            },
            dependents: { _ in [] }
        )
    }

    private static func fixture() throws -> (Fixture, CatalogState) {
        let made = try Fixture()
        try made.apply(views)
        return (made, try made.pool.read { try CatalogStore.state(in: $0) })
    }

    @Test func whatIsWrittenIsReadAgainAndChangesOnce() throws {
        let (fixture, state) = try Self.fixture()
        let text = """
              - {name: a, model: credit, what: drift, feature: amount, window: 7d, min_rows: 5,
                 threshold: 0.2, test: psi, for: 1h, every: 10s, against: {window: 28d}}
              - {name: b, model: credit, what: performance, metric: auc, threshold: 0.7, delay: 1d}
              - {name: c, view: income, what: freshness, threshold: 2h}
              - {name: d, model: credit, what: drifted_share}

            """
        let changes = try Self.decide(text, over: state)
        #expect(changes.changes.map(\.name) == ["a", "b", "c", "d"])
        #expect(changes.changes.allSatisfy { $0.kind == .monitor && $0.action == .create })
        let after = try fixture.pool.write {
            try CatalogStore.write(changes, now: .distantPast, in: $0)
        }
        let stored = after.monitors[try ProjectName("p", as: "project")] ?? []
        #expect(stored == changes.monitorChanges.map(\.after))
        #expect(stored[0].monitor.reference == .window(.seconds(28 * 86_400)))
        #expect(stored[2].monitor.threshold == 7_200 && stored[3].monitor.threshold == 0.5)
        #expect(stored[3].monitor.reference == .training)
        #expect(try Self.decide(text, over: after).isEmpty)
        let changed = try Self.decide(
            "  - {name: c, view: income, what: freshness, threshold: 3h}\n",
            over: after,
            retire: ["monitor:d"]
        )
        #expect(changed.monitorChanges.map(\.after.version) == [2, 2])
        let last = try fixture.pool.write {
            try CatalogStore.write(changed, now: .distantPast, in: $0)
        }
        let left = last.monitors[try ProjectName("p", as: "project")] ?? []
        #expect(left.map(\.isRetired) == [false, false, false, true])
        let back = try Self.decide(
            "  - {name: d, model: credit, what: drifted_share}\n",
            over: last
        )
        #expect(back.monitorChanges.map(\.after.version) == [3])
    }

    @Test(arguments: [
        ("{name: a, model: credt, what: drifted_share}", "did you mean \"credit\"?"),
        ("{name: a, model: credit, what: drift, feature: amuont}", "did you mean \"amount\"?"),
        ("{name: a, view: incom, what: freshness, threshold: 1h}", "did you mean \"income\"?"),
        ("{name: a, model: credit, what: drift}", "needs a feature"),
        ("{name: a, model: credit, what: drft}", "did you mean \"drift\"?"),
        (
            "{name: a, model: credit, what: freshness, threshold: 1h}",
            "is of a view, not of a model"
        ),
        ("{name: a, model: credit, what: performance, threshold: 1}", "needs a metric"),
        ("{name: a, model: credit, what: performance, metric: au, threshold: 1}", "\"auc\"?"),
        ("{name: a, model: credit, what: performance, metric: auc}", "needs a threshold"),
        ("{name: a, model: credit, what: prediction_drift, against: training}", "no predictions"),
        ("{name: a, model: credit, what: prediction_drift}", "no predictions"),
        ("{name: a, model: credit, what: drifted_share, feature: due}", "takes no feature"),
        ("{name: a, model: credit, what: drifted_share, threshold: 1.5}", "at most 1"),
        ("{name: a, model: credit, what: drifted_share, every: 10ms}", "1s or more"),
        ("{name: a, model: credit, what: drifted_share, min_rows: 0}", "whole number from 1"),
        ("{name: a, model: credit, what: drifted_share, window: long}", "is not a duration"),
        ("{name: a, model: credit, what: drifted_share, against: yesterday}", "expected training"),
        ("{name: a, model: credit, what: drifted_share, wat: 1}", "wat"),
    ])
    func mistakesAreTold(text: String, expected: String) throws {
        let (_, state) = try Self.fixture()
        let error = #expect(throws: AlulaError.self) {
            try Self.decide("  - \(text)\n", over: state)
        }
        #expect(
            error?.details.contains { $0.contains(expected) } == true,
            "\(error?.details ?? [])"
        )
    }
}
