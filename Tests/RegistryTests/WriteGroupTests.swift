import Domain
import Foundation
import GRDB
import Synchronization
import Testing

@testable import Registry

/// Many writers at once: each gets his own answer, whatever becomes of the others.
struct WriteGroupTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    /// Each in a thread of its own, all at once.
    private func inThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let group = DispatchGroup()
        for index in 0..<count {
            group.enter()
            Thread.detachNewThread {
                body(index)
                group.leave()
            }
        }
        group.wait()
    }

    @Test func `writes at once are all there, those refused are not, and the audit has no gap`()
        throws
    {
        let run = try fixture.start(params: ["taken": "1"])
        let refused = Mutex(0)
        nonisolated(unsafe) let fixture = fixture
        inThreads(100) { writer in
            let clashes = writer % 5 == 0
            let params = clashes ? ["taken": "2", "x\(writer)": "1"] : ["p\(writer)": "1"]
            let failure = error { try fixture.log(run.id, params: params) }
            if failure?.code == .failedPrecondition, clashes { refused.withLock { $0 += 1 } }
            if writer % 3 == 0 { _ = error { _ = try fixture.start("e\(writer)") } }
        }
        #expect(refused.withLock { $0 } == 20)
        let params = try fixture.registry.run(run.id, project: try fixture.project).params
        let expected = Set((0..<100).filter { $0 % 5 != 0 }.map { "p\($0)" } + ["taken"])
        #expect(Set(params.keys) == expected)
        let numbers = try fixture.pool.read { database in
            try Int64.fetchAll(database, sql: "SELECT number FROM audit ORDER BY number")
        }
        #expect(numbers == Array(1...Int64(1 + 34)))
    }

    @Test func `a repeat at once gets the first answer`() throws {
        let id = [UInt8](repeating: 3, count: 16)
        let runs = Mutex<[[UInt8]]>([])
        nonisolated(unsafe) let fixture = fixture
        inThreads(50) { _ in
            let failure = error {
                let answer = try fixture.registry.startRun(
                    RunStart(experiment: try ExperimentName("e", as: "experiment")),
                    call: try fixture.call(id)
                ) { Array($0.id.text.utf8) }
                runs.withLock { $0.append(answer) }
            }
            #expect(failure == nil)
        }
        let answers = runs.withLock { $0 }
        #expect(answers.count == 50 && Set(answers).count == 1)
    }
}

struct RunItemTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    private func log(_ run: Run, inputs: [RunItem] = [], outputs: [RunItem] = []) -> AlulaError? {
        error {
            _ = try fixture.registry.log(
                run: run.id,
                RunAddition(inputs: inputs, outputs: outputs),
                call: try fixture.call()
            ) { [] }
        }
    }

    @Test func `what a run read and made is there, or refused`() throws {
        let run = try fixture.start()
        let artifact = fixture.artifact("m", 1)
        let digest = artifact.digest.description
        let inputs = [
            RunItem(kind: .view, target: "history"),
            RunItem(kind: .uri, target: "s3://bucket/x", name: "raw"),
        ]
        #expect(
            log(run, inputs: inputs, outputs: [RunItem(kind: .artifact, target: digest)]) == nil
        )
        let missing: [RunItem] = [
            RunItem(kind: .view, target: "histori"), RunItem(kind: .trainingSet, target: "ts-1"),
            RunItem(kind: .version, target: "credit@1"), RunItem(kind: .version, target: "credit"),
            RunItem(kind: .artifact, target: fixture.digest(99).description),
            RunItem(kind: .artifact, target: "abc"), RunItem(kind: .uri, target: ""),
        ]
        for item in missing {
            #expect(log(run, inputs: [item]) != nil, "\(item)")
        }
        let found = try fixture.registry.run(run.id, project: try fixture.project)
        #expect(found.inputs.map(\.target) == ["s3://bucket/x", "history"])
        #expect(found.outputs == [RunItem(kind: .artifact, target: digest, bytes: 100)])
        #expect(try fixture.registry.heldArtifacts() == [artifact.digest])
        #expect(try fixture.registry.holders(of: artifact.digest) == ["an output of \(run.id)"])
    }

    @Test func `a silent run is lost, and one that is heard of again is not`() throws {
        var start = RunStart(experiment: try ExperimentName("e", as: "experiment"))
        start.heartbeat = .seconds(10)
        start.environment = ["python": "3.11"]
        var run: Run?
        _ = try fixture.registry.startRun(start, call: try fixture.call()) {
            run = $0
            return []
        }
        let id = try #require(run).id
        let project = try fixture.project
        #expect(try fixture.registry.beatingRuns().map(\.id) == [id])
        let heard = Timestamp(microseconds: 5)
        try fixture.registry.loseRun(id, lastHeard: heard, call: try fixture.call())
        var now = try fixture.registry.run(id, project: project)
        #expect(now.status == .lost && now.ended == heard && now.environment == ["python": "3.11"])
        #expect(try fixture.registry.beatingRuns().isEmpty)
        #expect(try fixture.registry.reviveRun(id, call: try fixture.call()))
        #expect(try !fixture.registry.reviveRun(id, call: try fixture.call()))
        now = try fixture.registry.run(id, project: project)
        #expect(now.status == .running && now.ended == nil)
        try fixture.registry.loseRun(id, lastHeard: heard, call: try fixture.call())
        try fixture.log(id, metrics: [("auc", 1, 1)])
        #expect(try fixture.registry.run(id, project: project).status == .running)
        try fixture.registry.loseRun(id, lastHeard: heard, call: try fixture.call())
        _ = try fixture.registry.endRun(id, status: .finished, call: try fixture.call()) { _ in [] }
        try fixture.registry.loseRun(id, lastHeard: heard, call: try fixture.call())
        #expect(try fixture.registry.run(id, project: project).status == .finished)
    }
}
