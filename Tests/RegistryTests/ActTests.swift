import Domain
import Registry
import Testing

struct ActTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    private let id = [UInt8](0..<16)

    @Test func `a repeated request gets the first answer and changes nothing`() throws {
        let run = try fixture.start(call: try fixture.call(id))
        let revision = try fixture.registry.revision()
        let again = try fixture.registry.startRun(
            RunStart(experiment: try ExperimentName("other", as: "experiment")),
            call: try fixture.call(id)
        ) { _ in
            Issue.record("the answer was made again")
            return []
        }
        #expect(again == Array(run.id.text.utf8))
        #expect(
            try fixture.registry.runs(project: try fixture.project, PageRequest()).items.count == 1
        )
        #expect(try fixture.registry.revision() == revision)
        #expect(try fixture.registry.audit().count == 1)
    }

    @Test func `an error is not kept: the repeat is decided anew`() throws {
        let run = RunID.random(prefix: "run")
        #expect(error { try fixture.log(run, call: try fixture.call(id)) }?.code == .notFound)
        let started = try fixture.start()
        try fixture.log(started.id, tags: ["a": "b"], call: try fixture.call(id))
        #expect(
            try fixture.registry.run(started.id, project: try fixture.project).tags == ["a": "b"]
        )
    }

    @Test func `a request id belongs to one act and one actor`() throws {
        let run = try fixture.start(call: try fixture.call(id))
        #expect(
            error { try fixture.log(run.id, call: try fixture.call(id)) }?.code == .invalidArgument
        )
        #expect(
            error { _ = try fixture.start(call: try fixture.call(id, actor: "you")) }?.code
                == .invalidArgument
        )
    }

    @Test func `an answer is kept for a day`() throws {
        let day = Limits.requestIdLife.microseconds
        let first = try fixture.start(call: try fixture.call(id, at: 1_000))
        let kept = try fixture.registry.startRun(
            RunStart(experiment: first.experiment),
            call: try fixture.call(id, at: 1_000 + day)
        ) { _ in [9] }
        #expect(kept == Array(first.id.text.utf8))
        let anew = try fixture.registry.startRun(
            RunStart(experiment: first.experiment),
            call: try fixture.call(id, at: 1_001 + day)
        ) { _ in [9] }
        #expect(anew == [9])
    }

    @Test func `a request id has 16 bytes`() throws {
        #expect(
            error { _ = try fixture.start(call: try fixture.call([1, 2])) }?.code
                == .invalidArgument
        )
    }

    @Test func `the answer to a training set's request can be looked up`() throws {
        let record = try fixture.trainingSet()
        _ = try fixture.registry.recordTrainingSet(record, call: try fixture.call(id)) { _ in
            [7, 7]
        }
        #expect(try fixture.registry.storedAnswer(id) == [7, 7])
        #expect(try fixture.registry.storedAnswer([]) == nil)
        #expect(try fixture.registry.storedAnswer([UInt8](repeating: 1, count: 16)) == nil)
    }

    @Test func `every act is in the audit table, in order, with its request id`() throws {
        let run = try fixture.start(call: try fixture.call(id))
        _ = try fixture.register(run.id)
        _ = try fixture.registry.endRun(run.id, status: .finished, call: try fixture.call()) { _ in
            []
        }
        let entries = try fixture.registry.audit()
        #expect(entries.map(\.act) == ["start run", "register", "end run"])
        #expect(entries.map(\.object) == ["run:\(run.id)", "model:credit", "run:\(run.id)"])
        #expect(entries.map(\.number) == [1, 2, 3])
        #expect(entries[0].requestID == id && entries[0].actor == "me" && !entries[0].isVerified)
        #expect(entries[1].detail.contains("\"version\":\"1\""))
        #expect(try fixture.registry.audit(after: 1, limit: 1).map(\.number) == [2])
        #expect(try fixture.registry.audit(.init(object: "model:credit")).map(\.number) == [2])
    }

    @Test func `writes of many threads under one request id are done once`() async throws {
        let registry = fixture.registry
        let start = RunStart(experiment: try ExperimentName("e", as: "experiment"))
        let calls = try (0..<32).map { _ in try fixture.call(id) }
        let answers = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for call in calls {
                group.addTask {
                    try registry.startRun(start, call: call) { Array($0.id.text.utf8) }
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(answers.count == 1)
        #expect(try registry.runs(project: try fixture.project, PageRequest()).items.count == 1)
    }
}
