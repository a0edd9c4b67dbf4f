import Domain
import GRDB
import Registry
import Search
import TestSupport
import Testing

/// Searches of a registry that was filled at random, against going through what was written.
struct SearchTests {
    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `a search finds what going through everything finds`(seed: UInt64) throws {
        let world = try SearchWorld(seed: seed, runs: 60)
        var expressions = world.expressions(seed: seed)
        for _ in 0..<150 {
            let expression = expressions.expression()
            #expect(
                try world.runs(expression.description) == world.naiveRuns(expression),
                "seed \(seed), runs: \(expression)"
            )
            #expect(
                try world.versions(expression.description) == world.naiveVersions(expression),
                "seed \(seed), versions: \(expression)"
            )
        }
    }

    @Test(
        arguments: ["param.c != 1", "metric.auc at 1 > 0.5", "alias in (champion, best)"],
        [true, false]
    )
    func `the deepest expression that is taken is read`(_ condition: String, negated: Bool) throws {
        let world = try SearchWorld(seed: 1, runs: 3)
        var expression = condition
        for level in 0..<Limits.searchNesting {
            let isOr = level % 2 == 0
            expression =
                negated
                ? "not (\(expression))" : "(\(condition) \(isOr ? "or" : "and") \(expression))"
            if negated, level == Limits.searchNesting / 2 - 1 { break }
        }
        let order = try SearchOrder(parsing: "param.c desc")
        _ = try world.runs(expression, order: order)
        _ = try world.versions(expression, order: order)
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `pages in any order put together are the whole in that order`(seed: UInt64) throws {
        let world = try SearchWorld(seed: seed, runs: 40)
        var expressions = world.expressions(seed: seed)
        for round in 0..<60 {
            let order = SearchOrder(expressions.field(), isDescending: round % 2 == 0)
            let expression = round % 3 == 0 ? expressions.expression() : nil
            #expect(
                try world.runs(expression?.description ?? "", order: order, limit: 7)
                    == world.naiveRuns(expression, order),
                "seed \(seed): \(expression?.description ?? "all") by \(order)"
            )
            #expect(
                try world.versions(expression?.description ?? "", order: order, limit: 7)
                    == world.naiveVersions(expression, order),
                "seed \(seed): \(expression?.description ?? "all") by \(order)"
            )
        }
    }

    @Test func `a page goes on behind its last item, whatever came meanwhile`() throws {
        let world = try SearchWorld(seed: 3, runs: 10)
        let fixture = world.fixture
        func page(_ token: String, order: String) throws -> Page<Run> {
            try fixture.registry.search(
                runsOf: nil,
                try SearchRequest(order: order, limit: 4, token: token),
                project: try fixture.project
            ) { _ in throw AlulaError.notFound("no import") }
        }
        for order in ["", "experiment desc"] {
            let whole = try world.runs("", order: order.isEmpty ? nil : SearchOrder(parsing: order))
            let first = try page("", order: order)
            _ = try fixture.start("zzz")
            let second = try page(try #require(first.entries.last).token, order: order)
            #expect(Array(whole.prefix(8)) == (first.items + second.items).map(\.id.text))
        }
    }

    @Test func `a token of another search is refused`() throws {
        let world = try SearchWorld(seed: 3, runs: 5)
        let project = try world.fixture.project
        func page(_ filter: String, _ token: String) throws -> Page<Run> {
            try world.fixture.registry.search(
                runsOf: nil,
                try SearchRequest(where: filter, limit: 1, token: token),
                project: project
            ) { _ in throw AlulaError.notFound("no import") }
        }
        let token = try #require(try page("", "").entries.first).token
        #expect(error { _ = try page("status = running", token) }?.code == .invalidArgument)
        for strange in ["x", "..", "a.b.c", token + "_1", String(token.dropLast(2))] {
            #expect(error { _ = try page("", strange) }?.code == .invalidArgument, "\(strange)")
        }
    }

    @Test func `what is known of a series is what its points say, however they came`() throws {
        let fixture = try Fixture()
        let run = try fixture.start()
        var random = SeededRandom(seed: 8)
        var seen: [(String, Double, Int64)] = []
        for _ in 0..<60 {
            var batch: [(String, Double, Int64)] = []
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let value = [1, 2, 3, -0.0, .nan, -.infinity][Int.random(in: 0..<6, using: &random)]
                batch.append(
                    (
                        ["a", "b"][Int.random(in: 0..<2, using: &random)], value,
                        Int64.random(in: 0..<5, using: &random)
                    )
                )
            }
            try fixture.log(run.id, metrics: batch)
            for point in batch
            where !seen.contains(where: {
                $0.0 == point.0 && $0.2 == point.2 && $0.1.bitPattern == point.1.bitPattern
            }) {
                seen.append(point)
            }
            let read = try fixture.registry.run(run.id, project: try fixture.project)
            for metric in read.metrics {
                let points = seen.filter { $0.0 == metric.name.text }
                let step = points.map(\.2).max()
                let last = try #require(points.last { $0.2 == step })
                #expect(metric.value.bitPattern == last.1.bitPattern && metric.step == last.2)
            }
            #expect(read.metrics.count == Set(seen.map(\.0)).count)
        }
    }

    @Test(
        arguments: [
            (SearchSubject.runs(nil), "", "", ["SEARCH r USING INDEX run_of_project"]),
            (.runs(nil), "experiment = e", "", ["SEARCH r USING INDEX run_of_experiment"]),
            (
                .runs(nil), "metric.auc > 0.5", "",
                ["(run=? AND name=?)"]
            ),
            (
                .runs(nil), "stage = production", "",
                ["SEARCH v USING COVERING INDEX model_version_of_run", "SEARCH v USING INDEX"]
            ),
            (.versions(nil), "", "", ["model_version_by_time"]),
            (.versions(nil), "tag.a = 1", "", ["model_version_by_time"]),
        ] as [(SearchSubject, String, String, [String])]
    )
    func `default order needs no sorting, and conditions are looked up`(
        subject: SearchSubject,
        filter: String,
        order: String,
        uses: [String]
    ) throws {
        let fixture = try Fixture()
        let run = try fixture.start()
        _ = try fixture.register(run.id)
        let plan = try fixture.registry.searchPlan(
            try SearchRequest(where: filter, order: order),
            subject,
            project: try fixture.project
        )
        let text = plan.joined(separator: "\n")
        #expect(!text.contains("TEMP B-TREE"), "\(text)")
        #expect(!text.contains("SCAN r") && !text.contains("SCAN x"), "\(text)")
        #expect(uses.contains { text.contains($0) }, "\(text)")
    }

    @Test func `versions of one model come from the primary key`() throws {
        let fixture = try Fixture()
        _ = try fixture.register(try fixture.start().id)
        let plan = try fixture.registry.searchPlan(
            try SearchRequest(),
            .versions(try fixture.model),
            project: try fixture.project
        ).joined(separator: "\n")
        #expect(plan.contains("SEARCH v USING PRIMARY KEY (model=?)"), "\(plan)")
        #expect(!plan.contains("TEMP B-TREE"), "\(plan)")
    }

    @Test func `values are bound: what looks like SQL is a value`() throws {
        let fixture = try Fixture()
        let nasty = "'); DROP TABLE run; --"
        let run = try fixture.start(params: [nasty: nasty], tags: ["a\"b": nasty])
        for filter in [
            "param.\"\(nasty)\" = \"\(nasty)\"", #"tag."a\"b" contains "DROP TABLE""#,
            "name != \"\(nasty)\"",
        ] {
            let found = try fixture.registry.search(
                runsOf: nil,
                try SearchRequest(where: filter),
                project: try fixture.project
            ) { _ in throw AlulaError.notFound("no import") }
            #expect(found.items.map(\.id) == [run.id], "\(filter)")
        }
    }
}
