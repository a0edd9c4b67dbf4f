import Domain
import GRDB
import Registry
import Synchronization
import Testing

struct MaintenanceTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    private let id = [UInt8](0..<16)

    private func keep(_ byte: UInt8) -> ContentDigest {
        fixture.artifacts.sizes.withLock { $0[fixture.digest(byte)] = 10 }
        return fixture.digest(byte)
    }

    private func recorded(_ service: String = "credit@1") throws -> TrainingSetRecord {
        let record = try fixture.trainingSet(service)
        try fixture.record(record)
        return record
    }

    @discardableResult
    private func replace(
        _ set: TrainingSetRecord,
        _ old: UInt8,
        _ new: UInt8,
        rows: UInt64 = 2
    ) throws -> ContentDigest? {
        try fixture.registry.replaceSpine(
            of: set.id,
            replacing: fixture.digest(old),
            with: keep(new),
            blankedRows: rows,
            call: try fixture.call(id)
        )
    }

    @Test func `a spine is replaced, its blanked rows add up, and done again nothing changes`()
        throws
    {
        let set = try recorded()
        #expect(try replace(set, 9, 20) == fixture.digest(9))
        let revision = try fixture.registry.revision()
        #expect(try replace(set, 9, 20) == nil)
        #expect(try fixture.registry.revision() == revision)
        #expect(try replace(set, 20, 21, rows: 3) == fixture.digest(20))
        var expected = set
        expected.spineArtifact = fixture.digest(21)
        expected.blankedRows = 5
        #expect(try fixture.registry.trainingSet(set.id) == expected)
        #expect(error { try replace(set, 9, 22) }?.code == .aborted)
        let missing = error {
            _ = try fixture.registry.replaceSpine(
                of: set.id,
                replacing: fixture.digest(21),
                with: fixture.digest(99),
                blankedRows: 1,
                call: try fixture.call()
            )
        }
        #expect(missing?.code == .failedPrecondition)
        let entries = try fixture.registry.audit(.init(object: "training-set:\(set.id)"))
            .dropFirst()
        #expect(entries.map(\.act) == ["blank spine", "blank spine"])
        #expect(entries.map(\.detail).first == #"{"project":"p","rows":"2"}"#)
    }

    @Test func `a replaced spine is discarded when nothing names it, also after a crash`() throws {
        let (first, second) = (try recorded(), try recorded())
        #expect(try replace(first, 9, 20) == nil, "the other set has it")
        #expect(try fixture.registry.discardedArtifacts() == [])
        let run = try fixture.start()
        _ = try fixture.register(run.id, artifacts: [fixture.artifact("m", 20)])
        #expect(try replace(second, 9, 20) == fixture.digest(9))
        #expect(try fixture.registry.discardedArtifacts() == [fixture.digest(9)])
        #expect(try replace(first, 20, 21) == nil, "the other set has it")
        #expect(try replace(second, 20, 21) == nil, "a version has it")
        #expect(try fixture.registry.discardedArtifacts() == [fixture.digest(9)])
        try fixture.registry.artifactIsGone(fixture.digest(9))
        #expect(try fixture.registry.discardedArtifacts() == [])
    }

    @Test func `sets are found by the entity and the view that their service reads`() throws {
        try fixture.pool.write { database in
            try database.execute(
                sql: """
                    INSERT INTO entity VALUES (2, 'p', 'place'), (3, 'q', 'person');
                    INSERT INTO view (id, project, name, entity, event_time_column, owner,
                        description) VALUES (8, 'p', 'places', 2, 't', '', ''),
                        (9, 'q', 'history', 3, 't', '', '');
                    INSERT INTO projection VALUES (1, 2, 0, 8, 'places', NULL, 2, NULL, NULL),
                        (1, 2, 1, 7, 'history', 'a', 1, NULL, NULL),
                        (1, 2, 2, 7, 'history', 'b', 1, NULL, NULL),
                        (2, 1, 0, 9, 'history', NULL, 3, NULL, NULL);
                    """
            )
        }
        let (old, new) = (try recorded("credit@1"), try recorded("credit@2"))
        let other = try fixture.trainingSet("other@1", project: "q")
        try fixture.record(other)
        let registry = fixture.registry
        #expect(try registry.trainingSets(using: EntityID(1)) == [old, new])
        #expect(try registry.trainingSets(using: EntityID(2)) == [new])
        #expect(try registry.trainingSets(using: EntityID(3)) == [other])
        #expect(try registry.trainingSets(using: EntityID(4)) == [])
        #expect(try registry.trainingSets(using: FeatureViewID(7)) == [old, new])
        #expect(try registry.trainingSets(using: FeatureViewID(8)) == [new])
        #expect(try registry.trainingSets(using: FeatureViewID(9)) == [other])
    }

    @Test func `upkeep of history is audited in names and counts, once for each request`() throws {
        let history = try FeatureViewName("history", as: "view")
        let person = try EntityName("person", as: "entity")
        let acts: [MaintenanceAct] = [
            .forget(person, rows: [history: 12], logEntry: 40, trainingSets: 2),
            .retract(history, entries: 3...5, importID: "imp-1", rows: 9, logEntry: 41),
            .retract(nil, entries: 3...3, importID: nil, rows: 1, logEntry: 42),
            .retention(history, RetentionRule(rowsPerKey: 3), rows: 7),
            .compact(history, segmentsBefore: 30, segmentsAfter: 1, rows: 1_000),
        ]
        let call = try fixture.call(id)
        for act in acts + acts { try fixture.registry.record(act, call: call) }
        let entries = try fixture.registry.audit()
        let texts = entries.map { "\($0.act) \($0.object) \($0.detail)" }
        #expect(
            texts == [
                "forget entity:person " + #"{"log_entry":40,"project":"p","rows":12,"#
                    + #""training_sets":2,"views":{"history":12}}"#,
                "retract view:history " + #"{"first_entry":3,"import":"imp-1","last_entry":5,"#
                    + #""log_entry":41,"project":"p","rows":9}"#,
                "retract project:p "
                    + #"{"first_entry":3,"last_entry":3,"log_entry":42,"project":"p","rows":1}"#,
                "retention view:history "
                    + #"{"project":"p","rows":7,"rule":"{rows_per_key: 3}"}"#,
                "compact view:history "
                    + #"{"project":"p","rows":1000,"segments_after":1,"segments_before":30}"#,
            ]
        )
        #expect(entries.allSatisfy { $0.actor == "me" && $0.requestID == id })
        let anonymous = try fixture.call()
        for _ in 0..<2 { try fixture.registry.record(acts[4], call: anonymous) }
        #expect(try fixture.registry.audit().count == 7)
    }
}
