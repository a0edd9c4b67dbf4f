import Domain
import Registry
import Releases
import Synchronization
import TestSupport
import Testing

/// Stages as they are, with nothing but dictionaries.
private struct NaiveStages {
    var stage: [UInt32: Stage] = [:]
    /// Who entered first comes first.
    var holders: [Stage: [UInt32]] = [:]
    var memory: [Stage: UInt32] = [:]
    var displaced: [Stage: [UInt32: UInt32?]] = [:]
    let places: [Stage: Int]

    /// Whether it moved.
    mutating func promote(_ version: UInt32, _ to: Stage) -> Bool {
        let from = stage[version] ?? .none
        guard from != to else { return false }
        var gone: UInt32?
        if to.hasHolder {
            while (holders[to] ?? []).count >= places[to] ?? 1 {
                gone = holders[to]?.removeFirst()
                if let gone { stage[gone] = .archived }
            }
        }
        leave(from, version, for: to)
        stage[version] = to
        guard to.hasHolder else { return true }
        holders[to, default: []].append(version)
        displaced[to, default: [:]][version] = .some(gone)
        remember(gone ?? memory[to], in: to, unless: version)
        return true
    }

    /// Whether it was done.
    mutating func rollback(_ to: Stage) -> Bool {
        guard let version = memory[to], stage[version]?.hasHolder == false else { return false }
        while (holders[to] ?? []).count >= places[to] ?? 1 {
            if let gone = holders[to]?.removeLast() { stage[gone] = .archived }
        }
        stage[version] = to
        holders[to, default: []].append(version)
        remember((displaced[to]?[version] ?? nil) ?? nil, in: to, unless: version)
        return true
    }

    private mutating func leave(_ from: Stage, _ version: UInt32, for to: Stage) {
        guard from.hasHolder else { return }
        holders[from]?.removeAll { $0 == version }
        if !to.hasHolder { memory[from] = version }
    }

    private mutating func remember(_ version: UInt32?, in stage: Stage, unless other: UInt32) {
        memory[stage] = version == other ? nil : version
    }

    /// `production 2 1 < 3`: holders, the newest first, and who is remembered.
    func text(_ stages: [Stage]) -> String {
        stages.map { stage in
            let names = (holders[stage] ?? []).reversed().map(String.init)
            return ([stage.text] + names + [memory[stage].map { "< \($0)" } ?? ""])
                .joined(separator: " ")
        }.joined(separator: ", ")
    }
}

struct StageModelTests {
    private static let canary = try? Stage(text: "canary")

    private static let definitions = """
        stages:
          - {model: credit, name: canary, holders: 2}
        """

    private func check(
        _ fixture: Fixture,
        _ naive: NaiveStages,
        _ stages: [Stage],
        _ story: String
    ) throws {
        let found = try fixture.registry.read { tables in
            let model = try tables.requireModel(
                try #require(fixture.model),
                in: try #require(fixture.project)
            )
            return try stages.map { stage in
                let seat = try tables.seat(of: stage, in: model)
                let names = seat.holders.map { String($0.version) }
                return ([stage.text] + names + [seat.previous.map { "< \($0)" } ?? ""])
                    .joined(separator: " ")
            }.joined(separator: ", ")
        }
        #expect(found == naive.text(stages), "\(story)")
        let places = try fixture.stages()
        for (index, place) in places.enumerated() {
            let expected = naive.stage[UInt32(index + 1)] ?? .none
            #expect(place == expected.text, "version \(index + 1) after \(story)")
        }
    }

    @Test(arguments: 0..<12)
    func `stages agree with dictionaries, at every moment of their past too`(seed: Int) throws {
        let canary = try #require(Self.canary)
        let fixture = try Fixture()
        try fixture.apply(Self.definitions)
        for _ in 0..<4 { try fixture.version() }
        let stages: [Stage] = [.staging, .production, canary]
        var naive = NaiveStages(places: [.staging: 1, .production: 1, canary: 2])
        var generator = SeededRandom(seed: UInt64(seed))
        var story = "seed \(seed):"
        var past: [(time: Timestamp, held: [Stage: [UInt32]])] = []
        for step in 0..<40 {
            let time = Timestamp(microseconds: Int64(10_000 + step * 10))
            fixture.clock.withLock { $0 = time }
            let stage = stages[Int.random(in: 0..<3, using: &generator)]
            if Int.random(in: 0..<3, using: &generator) == 0 {
                story += " rollback \(stage)"
                let done = naive.rollback(stage)
                var passed = false
                let refusal = error { passed = try fixture.rollback(stage).passed }
                #expect(passed == done && (refusal == nil || !done), "\(story)")
            } else {
                let version = UInt32.random(in: 1...4, using: &generator)
                let down = Int.random(in: 0..<5, using: &generator) == 0
                let to: Stage = down ? .archived : stage
                story += " \(version)>\(to)"
                _ = naive.promote(version, to)
                #expect(try fixture.promote(version, to).passed, "\(story)")
            }
            try check(fixture, naive, stages, story)
            past.append((time, naive.holders))
        }
        for (time, held) in past {
            for shift in [0, 9] {
                let tenures = try fixture.registry.tenures(
                    of: try #require(fixture.model),
                    at: Timestamp(microseconds: time.microseconds + Int64(shift)),
                    project: try #require(fixture.project)
                )
                for stage in stages {
                    #expect(
                        tenures.filter { $0.stage == stage }.map(\.version) == held[stage] ?? [],
                        "\(stage) at \(time) + \(shift), \(story)"
                    )
                }
            }
        }
    }

    @Test func `every short story of two versions agrees with dictionaries`() throws {
        let moves: [(version: UInt32, to: Stage)?] = [
            nil, (1, .production), (2, .production), (1, .staging), (2, .archived),
        ]
        for first in moves {
            for second in moves {
                for third in moves {
                    let fixture = try Fixture()
                    for _ in 0..<2 { try fixture.version() }
                    var naive = NaiveStages(places: [:])
                    var story = ""
                    for move in [first, second, third] {
                        if let move {
                            story += " \(move.version)>\(move.to)"
                            _ = naive.promote(move.version, move.to)
                            try fixture.promote(move.version, move.to)
                        } else {
                            story += " rollback"
                            let done = naive.rollback(.production)
                            var passed = false
                            _ = error { passed = try fixture.rollback(.production).passed }
                            #expect(passed == done, "\(story)")
                        }
                        try check(fixture, naive, [.staging, .production], story)
                    }
                }
            }
        }
    }

    @Test func `times of a model never run backwards, though the clock does`() throws {
        let fixture = try Fixture()
        for _ in 0..<2 { try fixture.version() }
        fixture.clock.withLock { $0 = Timestamp(microseconds: 9_000) }
        try fixture.promote(1, .production)
        fixture.clock.withLock { $0 = Timestamp(microseconds: 5_000) }
        try fixture.promote(2, .production)
        func held(_ time: Int64) throws -> [UInt32] {
            try fixture.registry.tenures(
                of: try #require(fixture.model),
                at: Timestamp(microseconds: time),
                in: .production,
                project: try #require(fixture.project)
            ).map(\.version)
        }
        #expect(try held(5_000) == [] && held(8_999) == [])
        #expect(try held(9_000) == [2] && held(.max) == [2])
    }

    @Test func `a stage that no model has is named with those there are`() throws {
        let fixture = try Fixture()
        try fixture.apply(Self.definitions)
        try fixture.version()
        let unknown = error { try fixture.promote(1, Stage(text: "shadow")) }
        #expect(unknown?.code == .invalidArgument)
        #expect(
            unknown?.message.contains("none, staging, production, archived, canary") == true
        )
        let own = try #require(Self.canary)
        #expect(try fixture.promote(1, own).passed)
        #expect(try fixture.holders() == "canary 1")
    }

    @Test func `a version that holds another stage is not taken out of it by a rollback`() throws {
        let fixture = try Fixture()
        for _ in 0..<2 { try fixture.version() }
        try fixture.promote(1, .staging)
        try fixture.promote(2, .staging)
        try fixture.promote(1, .production)
        let outcome = try fixture.rollback(.staging)
        #expect(!outcome.passed)
        #expect(outcome.verdict.rules.last?.reason.contains("is in production") == true)
        #expect(try fixture.holders() == "staging 2 < 1, production 1")
    }

    @Test func `fewer places let go who came first, with the next promotion`() throws {
        let fixture = try Fixture()
        let canary = try #require(Self.canary)
        try fixture.apply("stages: [{model: credit, name: canary, holders: 3}]")
        for _ in 0..<4 { try fixture.version() }
        for version in UInt32(1)...3 { try fixture.promote(version, canary) }
        try fixture.apply("stages: [{model: credit, name: canary, holders: 1}]")
        #expect(try fixture.stages() == ["canary", "canary", "canary", "none"])
        try fixture.promote(4, canary)
        #expect(try fixture.stages() == ["archived", "archived", "archived", "canary"])
        #expect(try fixture.holders() == "canary 4 < 3")
    }
}
