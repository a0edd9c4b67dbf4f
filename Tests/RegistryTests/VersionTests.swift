import Domain
import GRDB
import Registry
import Synchronization
import Testing

struct VersionTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    @Test func `a training set is read back as it was recorded`() throws {
        let record = try fixture.trainingSet()
        try fixture.record(record)
        #expect(try fixture.registry.trainingSet(record.id) == record)
        #expect(try fixture.registry.trainingSets(project: try fixture.project) == [record])
        #expect(try fixture.registry.trainingSet(.random(prefix: "ts")) == nil)
    }

    @Test func `a training set needs its service version and its spine`() throws {
        #expect(
            error { try fixture.record(try fixture.trainingSet("credit@3")) }?.code == .notFound
        )
        #expect(
            error { try fixture.record(try fixture.trainingSet("nothing@1")) }?.code == .notFound
        )
        #expect(error { try fixture.record(try fixture.trainingSet("other@1")) }?.code == .notFound)
        let record = try fixture.trainingSet()
        fixture.artifacts.sizes.withLock { $0 = [:] }
        #expect(error { try fixture.record(record) }?.code == .failedPrecondition)
    }

    @Test func `a version takes params, metrics, training set and service from its run`() throws {
        let record = try fixture.trainingSet()
        try fixture.record(record)
        let run = try fixture.start(params: ["c": "1"], trainingSet: record.id)
        try fixture.log(run.id, metrics: [("auc", 0.6, 1), ("auc", 0.7, 2)])
        let version = try fixture.register(run.id)
        #expect(version.number == 1 && version.stage == .none)
        #expect(version.params == ["c": "1"] && version.metrics.map(\.value) == [0.7])
        #expect(version.trainingSet == record.id && version.service?.description == "credit@1")
        #expect(version.codeRevision == "abc")
        try fixture.log(run.id, metrics: [("auc", 0.9, 3)])
        let read = try fixture.registry.version(
            .version(1),
            of: try fixture.model,
            project: try fixture.project
        )
        #expect(read == version, "a version does not change with its run")
        #expect(try fixture.register(run.id).number == 2)
        #expect(
            try fixture.registry.versions(
                of: try fixture.model,
                project: try fixture.project,
                PageRequest()
            ).items
                .map(\.number) == [2, 1]
        )
        let model = try #require(try fixture.registry.models(project: try fixture.project).first)
        #expect(model.revision == 2 && model.newestVersion == 2 && model.holders.isEmpty)
    }

    @Test
    func `a service without its version is the newest, and without a training set it is enough`()
        throws
    {
        let run = try fixture.start()
        #expect(try fixture.register(run.id, service: "credit").service?.description == "credit@2")
        #expect(try fixture.register(run.id).service == nil)
    }

    @Test func `what does not agree or is not there is refused, and no version is made`() throws {
        let (one, two) = (try fixture.trainingSet(), try fixture.trainingSet())
        try fixture.record(one)
        try fixture.record(two)
        let run = try fixture.start(trainingSet: one.id)
        let failed = try fixture.start()
        _ = try fixture.registry.endRun(failed.id, status: .failed, call: try fixture.call()) { _ in
            []
        }
        var wrong = fixture.artifact()
        wrong.bytes = 99
        let gone = ModelVersion.Artifact(name: "m", digest: fixture.digest(99), bytes: 0)
        let cases: [(AlulaError.Code, () throws -> Void)] = [
            (.failedPrecondition, { _ = try fixture.register(run.id, service: "credit@2") }),
            (.failedPrecondition, { _ = try fixture.register(run.id, trainingSet: two.id) }),
            (.notFound, { _ = try fixture.register(run.id, service: "credit@9") }),
            (.notFound, { _ = try fixture.register(run.id, service: "nothing") }),
            (.notFound, { _ = try fixture.register(.random(prefix: "run")) }),
            (.notFound, { _ = try fixture.register(run.id, call: try fixture.call(project: "q")) }),
            (.failedPrecondition, { _ = try fixture.register(failed.id) }),
            (.failedPrecondition, { _ = try fixture.register(run.id, artifacts: [gone]) }),
            (.invalidArgument, { _ = try fixture.register(run.id, artifacts: [wrong]) }),
        ]
        for (index, (code, body)) in cases.enumerated() {
            #expect(error(body)?.code == code, "case \(index)")
        }
        #expect(try fixture.registry.models(project: try fixture.project).isEmpty)
    }

    @Test(arguments: [
        ("model.onnx", true), ("a b.txt", true), ("ü", true), (".hidden", true), ("", false),
        (".", false),
        ("..", false), ("a/b", false), ("/a", false), ("a\\b", false), ("..\\a", false),
        ("a\nb", false),
        ("a\u{0}b", false), ("a\u{7F}", false), (String(repeating: "a", count: 255), true),
        (String(repeating: "a", count: 256), false),
    ])
    func `an artifact's name is a plain file name`(name: String, isTaken: Bool) throws {
        let run = try fixture.start()
        let found = error { _ = try fixture.register(run.id, artifacts: [fixture.artifact(name)]) }
        #expect((found == nil) == isTaken)
    }

    @Test func `two artifacts cannot have one name`() throws {
        let run = try fixture.start()
        let twice = [fixture.artifact("m", 3), fixture.artifact("m", 4)]
        #expect(
            error { _ = try fixture.register(run.id, artifacts: twice) }?.code == .invalidArgument
        )
    }

    @Test func `published facts cannot be changed in the tables`() throws {
        let record = try fixture.trainingSet()
        try fixture.record(record)
        let run = try fixture.start(params: ["a": "b"], trainingSet: record.id)
        _ = try fixture.register(run.id)
        for sql in [
            "UPDATE model_version SET run = 'x'", "UPDATE model_version SET service_version = 2",
            "UPDATE version_artifact SET name = 'x'", "UPDATE run_param SET value = 'x'",
            "UPDATE audit SET actor = 'x'", "DELETE FROM audit",
            "DELETE FROM audit WHERE number = 1",
            "UPDATE service_version SET version = 7", "UPDATE selection SET type = 'string'",
        ] {
            #expect(throws: DatabaseError.self, "\(sql)") {
                try fixture.pool.write { try $0.execute(sql: sql) }
            }
        }
    }

    @Test func `lineage goes from the version back to views and log`() throws {
        let record = try fixture.trainingSet()
        try fixture.record(record)
        let run = try fixture.start(trainingSet: record.id)
        _ = try fixture.register(
            run.id,
            artifacts: [
                fixture.artifact("a", 3), fixture.artifact("b", 4), fixture.artifact("b again", 4),
            ]
        )
        let lineage = try fixture.registry.lineage(
            of: 1,
            model: try fixture.model,
            project: try fixture.project
        ).graph
        let set = "training set:\(record.id)"
        #expect(
            lineage.nodes.map(\.id) == [
                "version:credit/1", "artifact:\(fixture.digest(3))/a",
                "artifact:\(fixture.digest(4))/b", "artifact:\(fixture.digest(4))/b again",
                "run:\(run.id)", set, "log:42", "service:credit@1", "view:history",
            ]
        )
        #expect(
            lineage.edges.map { "\($0.from) -> \($0.to)" } == [
                "version:credit/1 -> artifact:\(fixture.digest(3))/a",
                "version:credit/1 -> artifact:\(fixture.digest(4))/b",
                "version:credit/1 -> artifact:\(fixture.digest(4))/b again",
                "version:credit/1 -> run:\(run.id)",
                "run:\(run.id) -> \(set)", "\(set) -> log:42", "\(set) -> service:credit@1",
                "service:credit@1 -> view:history",
            ]
        )
        let view = try #require(lineage.nodes.last)
        #expect(
            view.facts.map { "\($0.key) \($0.value)" } == [
                "entity person", "features 1", "look-back 1m30s",
            ]
        )
        #expect(
            error {
                _ = try fixture.registry.lineage(
                    of: 2,
                    model: try fixture.model,
                    project: try fixture.project
                )
            }?.code == .notFound
        )
    }
}
