import Domain
import GRDB
import Registry
import Search
import TestSupport
import Testing

/// Looking forward from what versions were made of.
struct TraceTests {
    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func `a trace finds what a search for it finds, live ones first`(seed: UInt64) throws {
        let world = try SearchWorld(seed: seed, runs: 40)
        for source in world.sources {
            let trace = try world.trace(source)
            let found = trace.versions.map { "\($0.model) \($0.number)" }
            let expected = world.naiveVersions(SearchExpression(.uses(source)))
            #expect(found.sorted() == expected.sorted() && trace.total == expected.count)
            let ranks = trace.versions.map { version in
                version.stage == .production
                    ? 0 : !version.holds.isEmpty ? 1 : !version.rollbackOf.isEmpty ? 2 : 3
            }
            #expect(ranks == ranks.sorted(), "seed \(seed), \(source)")
            for (left, right) in zip(trace.versions, trace.versions.dropFirst()) {
                let isSame =
                    ranks[found.firstIndex(of: "\(left.model) \(left.number)") ?? 0]
                    == ranks[found.firstIndex(of: "\(right.model) \(right.number)") ?? 0]
                #expect(!isSame || left.registered > right.registered)
            }
            let graph = trace.graph(from: source)
            let root = try #require(graph.nodes.first?.id)
            for version in trace.versions {
                let start = "version:\(version.model)/\(version.number)"
                #expect(Self.reachable(graph, start).contains(root), "\(source): \(start)")
            }
        }
    }

    @Test func `a token for some models sees no others`() throws {
        let world = try SearchWorld(seed: 2, runs: 30)
        let view = SearchSource.view(try FeatureViewName("history", as: "view"))
        let all = try world.trace(view)
        let some = try world.trace(view, models: ["m2"])
        #expect(some.versions == all.versions.filter { $0.model.text == "m2" })
        #expect(some.total == some.versions.count && some.total < all.total)
        #expect(try world.trace(view, models: []).versions.isEmpty)
    }

    @Test func `unknown things are not found`() throws {
        let world = try SearchWorld(seed: 1, runs: 2)
        for source in [
            "view:histor", "feature:history:none", "service:none", "service:credit@9",
            "training_set:ts-1", "run:run-1", "import:none",
        ] {
            #expect(
                error { _ = try world.trace(try SearchSource(text: source)) }?.code == .notFound,
                "\(source)"
            )
        }
        let nothing = try SearchSource(text: "artifact:" + String(repeating: "00", count: 32))
        #expect(try world.trace(nothing).versions.isEmpty)
    }

    @Test(
        arguments: [
            ("view:history", "model_version_of_service"),
            ("feature:history:due", "model_version_of_service"),
            ("service:credit", "model_version_of_service"),
            ("import:x", "model_version_of_training_set"),
            ("artifact:" + String(repeating: "00", count: 32), "version_artifact_of_digest"),
            ("run:run-1", "model_version_of_run"),
            ("training_set:ts-1", "model_version_of_training_set"),
        ]
    )
    func `a trace looks at what it finds only`(source: String, index: String) throws {
        let fixture = try Fixture()
        let plan = try fixture.registry.tracePlan(
            try SearchSource(text: source),
            project: try fixture.project
        ).joined(separator: "\n")
        #expect(plan.contains(index) && !plan.contains("SCAN"), "\(plan)")
    }

    private static func reachable(_ graph: Lineage, _ start: String) -> Set<String> {
        var seen: Set<String> = []
        var todo = [start]
        while let node = todo.popLast() {
            guard seen.insert(node).inserted else { continue }
            todo += graph.edges.filter { $0.from == node }.map(\.to)
        }
        return seen
    }
}

/// Comparing.
struct VersionDiffTests {
    @Test func `what differs is told once, and numbers with their difference`() throws {
        let fixture = try Fixture()
        let set = try fixture.trainingSet()
        try fixture.record(set)
        let one = try fixture.start(params: ["c": "1", "gone": "x", "same": "s"])
        try fixture.log(one.id, metrics: [("auc", 0.8, 1), ("loss", .nan, 1), ("old", 1, 1)])
        _ = try fixture.register(one.id, artifacts: [fixture.artifact("a", 3)])
        let two = try fixture.start(
            params: ["c": "2", "new": "y", "same": "s"],
            trainingSet: set.id
        )
        try fixture.log(two.id, metrics: [("auc", 0.75, 1), ("loss", .nan, 1)])
        _ = try fixture.register(two.id, artifacts: [fixture.artifact("a", 4)])
        let diff = try fixture.registry.diff(
            of: try fixture.model,
            before: 1,
            after: 2,
            project: try fixture.project
        )
        let sections = Dictionary(uniqueKeysWithValues: diff.sections.map { ($0.name, $0) })
        let params = try #require(sections["params"])
        #expect(params.items.map(\.key) == ["c", "gone", "new"] && params.same == 1)
        #expect(params.items.map(\.before) == ["1", "x", nil])
        #expect(params.items.map(\.after) == ["2", nil, "y"])
        let metrics = try #require(sections["metrics"])
        #expect(metrics.items.map(\.key) == ["auc", "old"] && metrics.same == 1)
        #expect(metrics.items[0].change == "-0.05" && metrics.items[1].change.isEmpty)
        let features = try #require(sections["features"])
        #expect(features.items.map(\.key) == ["service version", "due"])
        #expect(features.items.last?.after == "history:due int64, look-back 1m30s")
        #expect(sections["data"]?.items.first?.after == set.id.text)
        #expect(sections["artifacts"]?.items.count == 1)
        let same = try fixture.registry.diff(
            of: try fixture.model,
            before: 2,
            after: 2,
            project: try fixture.project
        )
        let differing = same.sections.filter { !$0.items.isEmpty }
        #expect(differing.isEmpty)
    }
}
