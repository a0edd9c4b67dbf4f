import Domain
import Registry
import Testing

struct UpkeepTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    private let id = [UInt8](0..<16)

    @Test func `a deletion is audited once, in counts, and its answer kept`() throws {
        let person = try EntityName("person", as: "entity")
        let view = try FeatureViewName("history", as: "view")
        for answer: [UInt8] in [[1, 2], [3]] {
            let kept = try fixture.registry.record(
                .forget(person, rows: [view: 3], logEntry: 9, trainingSets: 1),
                call: try fixture.call(id),
                answer: answer
            )
            #expect(kept == [1, 2])
        }
        let entries = try fixture.registry.audit()
        #expect(entries.map(\.act) == ["forget"])
        #expect(entries.map(\.object) == ["entity:person"])
        #expect(entries.first?.actor == "me")
        #expect(try fixture.registry.storedAnswer(id, act: "forget") == [1, 2])
        #expect(try fixture.registry.storedAnswer(id, act: "retract") == nil)
    }

    @Test func `named artifacts are those of versions and the spines of sets`() throws {
        let set = try fixture.trainingSet()
        try fixture.record(set)
        let run = try fixture.start(trainingSet: set.id)
        _ = try fixture.register(run.id)
        _ = try fixture.register(run.id, artifacts: [fixture.artifact("other.bin", 4)])
        let named = try fixture.registry.namedArtifacts()
        #expect(
            named.map(\.name) == [
                "model.onnx of credit version 1", "other.bin of credit version 2",
                "the spine of \(set.id)",
            ]
        )
        #expect(named.map(\.digest) == [3, 4, 9].map { fixture.digest($0) })
        #expect(try fixture.registry.isNamed(fixture.digest(9)))
        #expect(try fixture.registry.isNamed(fixture.digest(4)))
        #expect(try !fixture.registry.isNamed(fixture.digest(5)))
        #expect(
            try fixture.registry.versions(trainedWith: [set.id, .random(prefix: "ts")])
                == ["credit 1", "credit 2"]
        )
    }
}
