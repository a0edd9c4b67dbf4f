import Domain
import Registry
import Testing

struct RunTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    private func read(_ id: RunID, history: Bool = false) throws -> Run {
        try fixture.registry.run(id, project: try fixture.project, history: history)
    }

    @Test func `a run is read back as it was started`() throws {
        let run = try fixture.start(params: ["c": "1.0"], tags: ["who": "me"])
        #expect(try read(run.id) == run)
        #expect(run.status == .running && run.ended == nil && run.actor == "me")
    }

    @Test func `a run of another project is not found`() throws {
        let run = try fixture.start()
        let found = error {
            _ = try fixture.registry.run(run.id, project: try ProjectName("q", as: "project"))
        }
        #expect(found?.code == .notFound)
    }

    @Test func `a training set that is not there cannot be used`() throws {
        #expect(
            error { _ = try fixture.start(trainingSet: .random(prefix: "ts")) }?.code == .notFound
        )
        let other = try fixture.trainingSet("other@1", project: "q")
        try fixture.record(other)
        #expect(error { _ = try fixture.start(trainingSet: other.id) }?.code == .notFound)
        #expect(
            try fixture.registry.runs(project: try fixture.project, PageRequest()).items.isEmpty
        )
    }

    @Test func `a param is written once, and a clash takes nothing of the call`() throws {
        let run = try fixture.start(params: ["c": "1"])
        try fixture.log(run.id, params: ["c": "1", "d": "2"])
        let clash = error {
            try fixture.log(
                run.id,
                params: ["c": "9", "e": "3"],
                metrics: [("auc", 1, 0)],
                tags: ["x": "y"]
            )
        }
        #expect(clash?.code == .failedPrecondition && clash?.message.contains(": c") == true)
        let after = try read(run.id)
        #expect(
            after.params == ["c": "1", "d": "2"] && after.metrics.isEmpty && after.tags.isEmpty
        )
    }

    @Test func `a metric is a series in which a point stands once, and the last step is shown`()
        throws
    {
        let run = try fixture.start()
        let points: [(String, Double, Int64)] = [
            ("auc", 0.5, 1), ("auc", 0.7, 3), ("auc", 0.6, 2), ("loss", .nan, 0),
            ("loss", -.infinity, 1),
        ]
        try fixture.log(run.id, metrics: points)
        try fixture.log(run.id, metrics: points)
        let last = try read(run.id).metrics
        #expect(
            last.map(\.name.text) == ["auc", "loss"] && last.map(\.value) == [0.7, -.infinity]
        )
        let all = try read(run.id, history: true).metrics
        #expect(all.map(\.step) == [1, 2, 3, 0, 1])
        #expect(
            all.map(\.value.bitPattern)
                == [0.5, 0.6, 0.7, Double.nan, -.infinity].map(\.bitPattern)
        )
    }

    @Test func `of two values of one point, the one that came last is shown`() throws {
        let run = try fixture.start()
        try fixture.log(run.id, metrics: [("auc", 0.9, 1)])
        try fixture.log(run.id, metrics: [("auc", 0.1, 1)])
        #expect(try read(run.id).metrics.map(\.value) == [0.1])
    }

    @Test func `an ended run takes tags, and no more params and metrics`() throws {
        let run = try fixture.start()
        var ended: [Run] = []
        for _ in 0..<2 {
            _ = try fixture.registry.endRun(run.id, status: .finished, call: try fixture.call()) {
                ended.append($0)
                return []
            }
        }
        #expect(ended[0].status == .finished && ended[0].ended != nil && ended[0] == ended[1])
        #expect(error { try fixture.log(run.id, params: ["a": "b"]) }?.code == .failedPrecondition)
        #expect(
            error { try fixture.log(run.id, metrics: [("a", 1, 1)]) }?.code == .failedPrecondition
        )
        try fixture.log(run.id, tags: ["late": "yes"])
        #expect(try read(run.id).tags == ["late": "yes"])
        let failed = error {
            _ = try fixture.registry.endRun(run.id, status: .failed, call: try fixture.call()) {
                _ in []
            }
        }
        #expect(failed?.code == .failedPrecondition)
    }

    @Test func `runs are listed newest first, by experiment, up to a limit`() throws {
        let ids = try ["a", "b", "a", "a"].map { try fixture.start($0).id }
        let a = try ExperimentName("a", as: "experiment")
        let project = try fixture.project
        #expect(
            try fixture.registry.runs(project: project, PageRequest()).items.map(\.id)
                == ids.reversed()
        )
        #expect(
            try fixture.registry.runs(project: project, experiment: a, PageRequest(limit: 2)).items
                .map(\.id)
                == [ids[3], ids[2]]
        )
    }

    /// Each row: a key and a value of a param, and whether they are taken.
    @Test(arguments: [
        (1, 0, true), (Limits.nameLength, Limits.textBytes, true), (0, 1, false),
        (Limits.nameLength + 1, 1, false), (1, Limits.textBytes + 1, false),
    ])
    func `params hold at the limit and not one past it`(key: Int, value: Int, isTaken: Bool) throws
    {
        let params = [String(repeating: "k", count: key): String(repeating: "v", count: value)]
        #expect((error { _ = try fixture.start(params: params) } == nil) == isTaken)
        let run = try fixture.start()
        #expect((error { try fixture.log(run.id, tags: params) } == nil) == isTaken)
    }
}
