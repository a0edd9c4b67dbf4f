import Domain
import GRDB
import Registry
import Testing

/// Deleting runs and training sets; versions are in ReleasesTests.
struct DeletionTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    @discardableResult
    private func delete(_ run: RunID, dryRun: Bool = false) throws -> RecordDeletion? {
        var deletion: RecordDeletion?
        _ = try fixture.registry.deleteRun(run, dryRun: dryRun, call: try fixture.call()) {
            deletion = $0
            return []
        }
        return deletion
    }

    @discardableResult
    private func delete(_ set: TrainingSetID, dryRun: Bool = false) throws -> RecordDeletion? {
        var deletion: RecordDeletion?
        _ = try fixture.registry.deleteTrainingSet(set, dryRun: dryRun, call: try fixture.call()) {
            deletion = $0
            return []
        }
        return deletion
    }

    private func end(_ run: RunID) throws {
        _ = try fixture.registry.endRun(run, status: .finished, call: try fixture.call()) { _ in []
        }
    }

    @Test func `a run goes with all it logged, once nothing refers to it`() throws {
        let run = try fixture.start(params: ["c": "1"], tags: ["t": "x"])
        try fixture.log(run.id, metrics: [("auc", 0.6, 1), ("auc", 0.7, 2)])
        #expect(error { try delete(run.id) }?.details == ["it is running: end it first"])
        try end(run.id)
        let kept = try fixture.start()
        try end(kept.id)
        _ = try fixture.register(kept.id)
        #expect(
            error { try delete(kept.id) }?.details == ["credit version 1 was registered from it"]
        )
        #expect(try delete(run.id, dryRun: true)?.isDone == false)
        #expect(try fixture.registry.run(run.id, project: fixture.project).params == ["c": "1"])
        #expect(try delete(run.id)?.isDone == true)
        let gone = error { _ = try fixture.registry.run(run.id, project: try fixture.project) }
        #expect(gone?.code == .notFound && gone?.message.contains("was deleted") == true)
        #expect(
            try fixture.registry.runs(project: fixture.project, PageRequest()).items.map(\.id)
                == [kept.id]
        )
        #expect(error { try fixture.log(run.id, metrics: [("auc", 1, 3)]) }?.code == .notFound)
        #expect(error { _ = try fixture.register(run.id) }?.code == .notFound)
        let counts = try fixture.registry.read { tables in
            try ["run_param", "run_tag", "run_series", "metric_point"].map { table in
                try Int.fetchOne(tables.database, sql: "SELECT count(*) FROM \(table)")
            }
        }
        #expect(counts == [0, 0, 0, 0])
    }

    @Test func `a training set stays while runs, versions or items refer to it`() throws {
        let set = try fixture.trainingSet()
        try fixture.record(set)
        let run = try fixture.start(trainingSet: set.id)
        let reader = try fixture.start()
        _ = try fixture.registry.log(
            run: reader.id,
            RunAddition(inputs: [RunItem(kind: .trainingSet, target: set.id.text, name: "")]),
            call: try fixture.call()
        ) { [] }
        for id in [run.id, reader.id] { try end(id) }
        _ = try fixture.register(run.id)
        let found = error { try delete(set.id) }?.details
        #expect(
            found == [
                "credit version 1 was trained with it", "run \(run.id) used it",
                "it is an input of run \(reader.id)",
            ]
        )
        _ = try fixture.registry.deleteVersion(
            1,
            of: try fixture.model,
            call: try fixture.call()
        ) { _ in [] }
        try delete(run.id)
        try delete(reader.id)
        let done = try delete(set.id)
        #expect(done?.artifacts == 1 && done?.artifactBytes == 10)
        #expect(try fixture.registry.trainingSet(set.id) == nil)
        #expect(try fixture.registry.trainingSets(project: fixture.project).isEmpty)
        #expect(try fixture.registry.discardedArtifacts() == [set.spineArtifact])
        #expect(error { _ = try fixture.start(trainingSet: set.id) }?.code == .notFound)
    }

    @Test func `a spine that another set has too is kept`() throws {
        let (first, second) = (try fixture.trainingSet(), try fixture.trainingSet())
        try fixture.record(first)
        try fixture.record(second)
        #expect(try delete(first.id)?.artifacts == 0)
        #expect(try fixture.registry.discardedArtifacts().isEmpty)
        #expect(try fixture.registry.holders(of: second.spineArtifact).count == 1)
    }
}
