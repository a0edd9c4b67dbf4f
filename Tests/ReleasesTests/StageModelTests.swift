import Domain
import Registry
import Releases
import Synchronization
import TestSupport
import Testing

/// Stages as they are, with nothing but dictionaries; shares by fractions that are worked out anew.
private struct NaiveStages {
    /// Of each version its share in hundredths of a percent; who entered first comes first.
    typealias Held = [(version: UInt32, share: Int)]

    var stage: [UInt32: Stage] = [:]
    var held: [Stage: Held] = [:]
    var memory: [Stage: Held] = [:]
    /// How a stage was held when a version last entered it by a promotion.
    var before: [Stage: [UInt32: Held]] = [:]
    let places: [Stage: Int]

    func holders(_ stage: Stage) -> [UInt32] { (held[stage] ?? []).map(\.version) }

    /// Whether something changed; nil where it must be refused.
    mutating func promote(_ version: UInt32, _ to: Stage, _ share: Int = 10_000) -> Bool? {
        let from = stage[version] ?? .none
        var now = held[to] ?? []
        if from == to, !to.hasHolder { return false }
        if now.contains(where: { $0.version == version && $0.share == share }) { return false }
        let old = now
        let others = now.filter { $0.version != version }
        if share < 10_000 {
            let sum = others.reduce(0) { $0 + $1.share }
            guard to.hasHolder, sum > 0 else { return nil }
            guard let scaled = Self.scaled(now, but: version, to: 10_000 - share) else {
                return nil
            }
            now = scaled
        } else {
            while now.count(where: { $0.version != version }) >= places[to] ?? 1,
                let place = now.firstIndex(where: { $0.version != version })
            {
                stage[now.remove(at: place).version] = .archived
            }
            now = now.map { ($0.version, 0) }
        }
        if from != to { leave(from, version, for: to) }
        stage[version] = to
        guard to.hasHolder else { return true }
        if let place = now.firstIndex(where: { $0.version == version }) {
            now[place].share = share
        } else {
            now.append((version, share))
        }
        held[to] = now
        guard from != to else { return true }
        before[to, default: [:]][version] = old
        if !old.isEmpty {
            memory[to] = old
        } else if (memory[to] ?? []).contains(where: { $0.version == version }) {
            memory[to] = nil
        }
        return true
    }

    /// Whether it was done.
    mutating func rollback(_ to: Stage) -> Bool {
        guard let target = memory[to], let last = target.last else { return false }
        for (version, _) in target {
            let place = stage[version] ?? .none
            if place.hasHolder, place != to { return false }
        }
        for version in holders(to) where !target.contains(where: { $0.version == version }) {
            stage[version] = .archived
        }
        for (version, _) in target { stage[version] = to }
        // Who stayed came before who returns.
        let stayed = holders(to)
        held[to] =
            target.filter { stayed.contains($0.version) }
            + target.filter { !stayed.contains($0.version) }
        let earlier = before[to]?[last.version] ?? []
        memory[to] =
            earlier.isEmpty || Self.isSame(earlier, target) ? nil : earlier
        return true
    }

    private static func isSame(_ one: Held, _ other: Held) -> Bool {
        one.map(\.version) == other.map(\.version) && one.map(\.share) == other.map(\.share)
    }

    /// The greatest remainders get what is left over; nil where one would be left with nothing.
    private static func scaled(_ held: Held, but version: UInt32, to total: Int) -> Held? {
        let sum = held.filter { $0.version != version }.reduce(0) { $0 + $1.share }
        var made = held.map { ($0.version, $0.version == version ? 0 : $0.share * total / sum) }
        var left = total - made.reduce(0) { $0 + $1.1 }
        let order = held.indices.filter { held[$0].version != version && held[$0].share > 0 }
            .sorted { one, other in
                let (first, second) = (
                    held[one].share * total % sum, held[other].share * total % sum
                )
                return first == second ? one > other : first > second
            }
        for place in order where left > 0 {
            made[place].1 += 1
            left -= 1
        }
        for place in order where made[place].1 == 0 { return nil }
        return made.map { (version: $0.0, share: $0.1) }
    }

    private mutating func leave(_ from: Stage, _ version: UInt32, for to: Stage) {
        guard from.hasHolder else { return }
        let old = held[from] ?? []
        let left = old.filter { $0.version != version }
        if left.isEmpty || left.allSatisfy({ $0.share == 0 }) {
            held[from] = left.enumerated().map {
                ($1.version, $0 == left.count - 1 ? 10_000 : 0)
            }
        } else {
            held[from] = Self.scaled(old, but: version, to: 10_000)?
                .filter { $0.version != version }
        }
        if !to.hasHolder { memory[from] = old }
    }

    /// `production 2:9000 1:1000 < 3:10000`: holders, the newest first, and who is remembered.
    func text(_ stages: [Stage]) -> String {
        func names(_ held: Held?) -> [String] {
            (held ?? []).reversed().map { "\($0.version):\($0.share)" }
        }
        return stages.map { stage in
            let past = names(memory[stage])
            return
                ([stage.text] + names(held[stage])
                + (past.isEmpty ? [] : ["<"] + past)).joined(separator: " ")
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
                func names(_ split: StageSplit) -> [String] {
                    split.parts.map { "\($0.version):\($0.share.hundredths)" }
                }
                let past = names(seat.memory)
                return
                    ([stage.text] + names(try seat.split)
                    + (past.isEmpty ? [] : ["<"] + past)).joined(separator: " ")
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
        var past: [(time: Timestamp, held: [Stage: NaiveStages.Held])] = []
        for step in 0..<60 {
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
                let shares = [10_000, 10_000, 1_000, 5_000, 3_333, 1, 9_999]
                let share = to == .archived ? 10_000 : shares.randomElement(using: &generator) ?? 0
                story += " \(version)>\(to):\(share)"
                let done = naive.promote(version, to, share)
                var passed = false
                let refusal = error {
                    passed = try fixture.promote(
                        version,
                        to,
                        share: try #require(Share(hundredths: UInt32(share)))
                    ).passed
                }
                #expect(passed == (done != nil), "\(story)")
                #expect((refusal == nil) == (done != nil), "\(story)")
            }
            try check(fixture, naive, stages, story)
            past.append((time, naive.held))
        }
        for (time, held) in past {
            for shift in [0, 9] {
                let tenures = try fixture.registry.tenures(
                    of: try #require(fixture.model),
                    at: Timestamp(microseconds: time.microseconds + Int64(shift)),
                    project: try #require(fixture.project)
                )
                for stage in stages {
                    let found = tenures.filter { $0.stage == stage }
                    let expected = held[stage] ?? []
                    #expect(
                        found.map { "\($0.version):\($0.share)" }
                            == expected.map {
                                "\($0.version):\(Share(hundredths: UInt32($0.share)) ?? .none)"
                            },
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
