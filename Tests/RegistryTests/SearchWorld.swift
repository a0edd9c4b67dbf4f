import Domain
import Registry
import Search
import TestSupport
import Testing

/// A registry that was filled at random, and what was written into it.
struct SearchWorld {
    let fixture: Fixture
    /// In the order in which they were started.
    private(set) var truth: [TruthRun] = []
    private var sets: [TrainingSetRecord] = []
    private var random: SeededRandom
    private let naive = NaiveSearch(
        readers: ["view:history": ["credit@1"], "feature:history:due": ["credit@1"]],
        imports: [
            "import-1": ("view:history", 10, nil), "import-2": ("view:history", 10, 20),
            "import-3": ("view:history", nil, nil),
        ]
    )

    private static let texts = [
        "red", "Red", "or", "7", "1.50", "a b", "", "é\n", "x\\'y", "-1", "0.5",
    ]
    private static let keys = ["c", "learning rate", "and", "a.b", "\"quoted\""]

    init(seed: UInt64, runs: Int) throws {
        fixture = try Fixture()
        random = SeededRandom(seed: seed)
        for service in ["credit@1", "credit@2", "credit@1"] {
            var set = try fixture.trainingSet(service)
            set.logEntry = UInt64.random(in: 5...25, using: &random)
            try fixture.record(set)
            sets.append(set)
        }
        for _ in 0..<runs { try addRun() }
        try moveAndName()
    }

    private mutating func some<T>(_ items: [T]) throws -> T {
        try #require(items.randomElement(using: &random))
    }

    private mutating func pairs() throws -> [String: String] {
        var pairs: [String: String] = [:]
        for key in Self.keys where random.chance(0.4) { pairs[key] = try some(Self.texts) }
        return pairs
    }

    private mutating func addRun() throws {
        let set = random.chance(0.7) ? try some(sets) : nil
        let start = RunStart(
            experiment: try ExperimentName(try some(["e", "f"]), as: "experiment"),
            name: try some(["first", "", "or"]),
            params: try pairs(),
            tags: try pairs(),
            trainingSet: set?.id,
            codeRevision: try some(["abc", ""])
        )
        var started: Run?
        let call = try fixture.call(actor: try some(["me", "you"]))
        _ = try fixture.registry.startRun(start, call: call) {
            started = $0
            return []
        }
        var made = TruthRun(run: try #require(started), set: set)
        for _ in 0..<Int.random(in: 0...3, using: &random) { try addPoints(to: &made) }
        let versions = Int.random(in: 0...2, using: &random)
        for _ in 0..<versions { try addVersion(to: &made) }
        if random.chance(0.5) { try end(&made) }
        if random.chance(0.3), made.run.status == .running { try addPoints(to: &made) }
        truth.append(made)
    }

    private mutating func addPoints(to made: inout TruthRun) throws {
        var metrics: [Metric] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let point = TruthRun.Point(
                name: try some(["auc", "loss"]),
                dataSet: try some(["", "holdout", "train"]),
                step: Int64.random(in: 0..<4, using: &random),
                time: Int64.random(in: 0..<2, using: &random),
                value: try some([-1, 0, -0.0, 0.5, 1, 1.5, 2, 7, .nan, .infinity])
            )
            let isThere = made.points.contains {
                $0.name == point.name && $0.dataSet == point.dataSet && $0.step == point.step
                    && $0.time == point.time && $0.value.bitPattern == point.value.bitPattern
            }
            if !isThere { made.points.append(point) }
            metrics.append(
                Metric(
                    name: try MetricName(point.name, as: "metric"),
                    value: point.value,
                    step: point.step,
                    time: Timestamp(microseconds: point.time),
                    dataSet: point.dataSet
                )
            )
        }
        _ = try fixture.registry.log(
            run: made.run.id,
            RunAddition(metrics: metrics),
            call: try fixture.call()
        ) { [] }
    }

    private mutating func addVersion(to made: inout TruthRun) throws {
        var version = try fixture.register(
            made.run.id,
            model: try some(["credit", "m2"]),
            artifacts: [fixture.artifact("a", UInt8.random(in: 3...4, using: &random))]
        )
        // What the registry copied is what the points say.
        let series = Dictionary(grouping: made.points) { [$0.name, $0.dataSet] }
        version.metrics = try series.compactMap { NaiveSearch.last($0.value) }.map {
            Metric(
                name: try MetricName($0.name, as: "metric"),
                value: $0.value,
                step: $0.step,
                time: Timestamp(microseconds: $0.time),
                dataSet: $0.dataSet
            )
        }
        made.versions.append(TruthVersion(version: version))
    }

    private mutating func end(_ made: inout TruthRun) throws {
        var ended: Run?
        _ = try fixture.registry.endRun(
            made.run.id,
            status: try some([.finished, .failed]),
            call: try fixture.call()
        ) {
            ended = $0
            return []
        }
        made.run = try #require(ended)
    }

    /// Gives versions stages and aliases; a full stage archives who held it.
    private mutating func moveAndName() throws {
        for index in truth.indices {
            for place in truth[index].versions.indices where random.chance(0.6) {
                let version = truth[index].versions[place].version
                let stage = try some([Stage.staging, .production, .archived])
                _ = try fixture.registry.write("promote", call: try fixture.call()) { tables in
                    let model = try tables.requireModel(version.model, in: fixture.project)
                    let current = try tables.requireVersion(version.number, of: model)
                    let move = StageMove(
                        act: .promote,
                        version: current,
                        to: stage,
                        reason: "",
                        verdict: GateVerdict(rules: [])
                    )
                    _ = try tables.move(move, of: model, call: try fixture.call())
                    return []
                }
                for other in truth.indices {
                    for spot in truth[other].versions.indices {
                        let held = truth[other].versions[spot].version
                        if stage.hasHolder, held.model == version.model, held.stage == stage {
                            truth[other].versions[spot].version.stage = .archived
                        }
                    }
                }
                truth[index].versions[place].version.stage = stage
            }
            for place in truth[index].versions.indices where random.chance(0.4) {
                let alias = try some(["champion", "and"])
                let version = truth[index].versions[place].version
                _ = try fixture.registry.setAlias(
                    try AliasName(alias, as: "alias"),
                    to: version.number,
                    of: version.model,
                    call: try fixture.call()
                ) { _ in [] }
                for other in truth.indices {
                    for spot in truth[other].versions.indices
                    where truth[other].versions[spot].version.model == version.model {
                        truth[other].versions[spot].aliases.removeAll { $0 == alias }
                    }
                }
                truth[index].versions[place].aliases.append(alias)
            }
        }
    }
}

/// Asking.
extension SearchWorld {
    var sources: [SearchSource] {
        guard let view = FeatureViewName("history"), let feature = FeatureName("due"),
            let service = FeatureServiceName("credit")
        else { return [] }
        return [
            .view(view), .feature(view, feature), .service(.init(name: service)),
            .service(.init(name: service, version: 2)), .trainingSet(sets[0].id),
            .run(truth[0].run.id), .artifact(fixture.digest(3)), .importID("import-1"),
            .importID("import-2"), .importID("import-3"),
        ]
    }

    func trace(_ source: SearchSource, models: [String]? = nil) throws -> Trace {
        try fixture.registry.trace(
            source,
            models: try models.map { names in
                Set(try names.map { try RegisteredModelName($0, as: "model") })
            },
            project: try fixture.project,
            importFact: fact
        )
    }

    func expressions(seed: UInt64) -> RandomSearch {
        var search = RandomSearch(seed: seed)
        search.texts = [
            .run: truth.prefix(3).map(\.run.id.text), .experiment: ["e", "f", "g"],
            .name: ["first", "or", "", "r"], .model: ["credit", "m2", "none"],
            .stage: ["none", "staging", "production", "archived"], .alias: ["champion", "and"],
            .description: ["a try", "try"], .actor: ["me", "you"], .code: ["abc", "b"],
            .trainingSet: sets.map(\.id.text),
            .service: ["credit", "credit@1", "credit@2", "cred"],
        ]
        search.sources = sources
        return search
    }

    func runs(_ filter: String, order: SearchOrder? = nil, limit: UInt32 = 1_000) throws -> [String]
    {
        try pages { token in
            let request = try SearchRequest(
                where: filter,
                order: order?.description ?? "",
                limit: limit,
                token: token
            )
            let page = try fixture.registry.search(
                runsOf: nil,
                request,
                project: try fixture.project,
                importFact: fact
            )
            return (page.items.map(\.id.text), page.hasMore ? page.entries.last?.token : nil)
        }
    }

    func versions(
        _ filter: String,
        order: SearchOrder? = nil,
        limit: UInt32 = 1_000
    ) throws -> [String] {
        try pages { token in
            let request = try SearchRequest(
                where: filter,
                order: order?.description ?? "",
                limit: limit,
                token: token
            )
            let page = try fixture.registry.search(
                versionsOf: nil,
                request,
                project: try fixture.project,
                importFact: fact
            )
            return (
                page.items.map { "\($0.model) \($0.number)" },
                page.hasMore ? page.entries.last?.token : nil
            )
        }
    }

    private func pages(
        _ page: (String) throws -> (items: [String], next: String?)
    ) throws -> [String] {
        var items: [String] = []
        var token: String? = ""
        while let asked = token {
            let next = try page(asked)
            items += next.items
            token = next.next
        }
        return items
    }

    private func fact(_ id: String) throws -> ImportFact {
        guard let found = naive.imports[id] else { throw AlulaError.notFound("no import") }
        return ImportFact(
            view: FeatureViewID(7),
            logEntry: found.entry,
            retracted: found.retracted
        )
    }

    func naiveRuns(_ expression: SearchExpression?, _ order: SearchOrder? = nil) -> [String] {
        sorted(truth.reversed().map { NaiveSearch.Item(owner: $0) }, expression, order)
            .map(\.owner.run.id.text)
    }

    func naiveVersions(_ expression: SearchExpression?, _ order: SearchOrder? = nil) -> [String] {
        let items = truth.flatMap { run in
            run.versions.map { NaiveSearch.Item(owner: run, version: $0) }
        }.sorted {
            ($0.version?.version.registered ?? .distantPast)
                > ($1.version?.version.registered ?? .distantPast)
        }
        return sorted(items, expression, order).compactMap(\.version?.version)
            .map { "\($0.model) \($0.number)" }
    }

    private func sorted(
        _ items: [NaiveSearch.Item],
        _ expression: SearchExpression?,
        _ order: SearchOrder?
    ) -> [NaiveSearch.Item] {
        let found = items.filter { item in expression.map { naive.holds($0.root, item) } ?? true }
        guard let order else { return found }
        return found.enumerated().sorted {
            let sign = naive.compare($0.element, $1.element, by: order)
            return sign == 0 ? $0.offset < $1.offset : sign < 0
        }.map(\.element)
    }
}
