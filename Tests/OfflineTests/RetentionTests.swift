import Domain
import GRDB
import TestSupport
import Testing

@testable import Offline

struct RetentionTests {
    private static let rules: [RetentionRule] = [
        RetentionRule(age: TimeSpan(microseconds: 4)),
        RetentionRule(rowsPerKey: 2),
        RetentionRule(rowsPerKey: 1),
        RetentionRule(age: TimeSpan(microseconds: 6), rowsPerKey: 3),
    ]

    @Test(arguments: [1, 3, 65_536], rules)
    func `what a rule takes is in no answer, and the rest is as it was`(
        groupRows: Int,
        rule: RetentionRule
    ) throws {
        for seed in 1...2 as ClosedRange<UInt64> {
            let scratch = try Scratch()
            let store = try scratch.store(groupRows: groupRows)
            let world = try World(store, .composite, seed: seed)
            try world.grow(entries: 14)
            let kept = RetentionTests.kept(world, rule, now: 9)
            let taken = world.rows.count - kept.count
            let before = try Answers(world)
            #expect(try store.countRetention(world.view, rule, now: time(9)) == UInt64(taken))
            let staged = try store.stageRetention(world.view, rule)
            #expect(staged?.rowsTaken ?? 0 == UInt64(taken), "seed \(seed)")
            #expect(try Answers(world) == before, "seed \(seed)")
            guard let staged else { continue }
            try world.push()
            let late = world.rows[(kept.count + taken)...].map(\.position)
            try world.apply(.retire(view: world.view.id, merge: staged.merge))
            let answers = try Answers(world)
            let visible = world.rows.filter {
                !world.hiding.hides($0, through: world.lastEntry)
                    && (kept.contains($0.position) || late.contains($0.position))
            }
            #expect(Set(answers.exported[2]) == Set(visible.map(\.position)), "seed \(seed)")
            let earlier = world.rows.filter {
                !world.hiding.hides($0, through: world.lastEntry / 3)
                    && $0.position.entry <= world.lastEntry / 3 && kept.contains($0.position)
                    && $0.event >= time(1) && $0.event <= time(6)
            }
            #expect(Set(answers.exported[0]) == Set(earlier.map(\.position)), "seed \(seed)")
            #expect(try store.removals() == ["\(world.lastEntry) \(taken)"])
            while try store.compactStep([world.view], isCancelled: { false }) {}
            #expect(try store.leftovers() == [])
            #expect(try Answers(world) == answers)
            #expect(try store.stageRetention(world.view, rule) == nil || late.count > 0)
        }
    }

    /// Where the rows stand that the rule leaves: the oldest of a key go.
    private static func kept(_ world: World, _ rule: RetentionRule, now: Int64) -> Set<LogPosition>
    {
        var kept: Set<LogPosition> = []
        for key in Set(world.rows.map(\.key)) {
            let rows = world.rows.filter { $0.key == key }.sorted { $0.order < $1.order }
            for (place, row) in rows.enumerated() {
                let newer = rows[(place + 1)...].filter {
                    !world.hiding.hides($0, through: world.lastEntry)
                }
                if let age = rule.age, row.event < time(now) - age { continue }
                if let most = rule.rowsPerKey, newer.count >= most { continue }
                kept.insert(row.position)
            }
        }
        return kept
    }

    @Test func `a staged retention outlives a restart, and is swapped in by its entry`() throws {
        let scratch = try Scratch()
        let rule = RetentionRule(rowsPerKey: 1)
        let staged: StagedRetention
        let entries: UInt64
        let keys: Int
        do {
            let store = try scratch.store(groupRows: 2)
            let world = try World(store, .number, seed: 3)
            for _ in 0..<9 { try world.push() }
            staged = try #require(try store.stageRetention(world.view, rule))
            keys = Set(world.rows.map(\.key)).count
            entries = world.lastEntry
        }
        let store = try scratch.store(groupRows: 2)
        let world = try World(store, .number, seed: 3)
        world.lastEntry = entries
        // No segment of the view changes meanwhile.
        #expect(try store.compactStep([world.view], isCancelled: { false }) == false)
        var asked = 0
        let waits = #expect(throws: AlulaError.self) {
            try store.compact(
                world.view,
                isCancelled: {
                    asked += 1
                    return asked > 3
                },
                progress: { _, _ in }
            )
        }
        #expect(waits?.code == .cancelled)
        try world.apply(.retire(view: world.view.id, merge: staged.merge))
        #expect(try Answers(world).exported[2].count == keys)
        // A second entry of the same merge, and one of no merge, change nothing.
        try world.apply(.retire(view: world.view.id, merge: staged.merge))
        try world.apply(.retire(view: world.view.id, merge: 77))
        #expect(try store.removals() == ["10 \(staged.rowsTaken)"])
        #expect(try store.compact(world.view).rows == UInt64(keys))
        #expect(try store.leftovers() == [])
    }

    @Test func `a staged retention without an entry is given up`() throws {
        let scratch = try Scratch()
        let rule = RetentionRule(rowsPerKey: 1)
        let entries: UInt64
        let before: Answers
        do {
            let store = try scratch.store()
            let world = try World(store, .number, seed: 4)
            for _ in 0..<9 { try world.push() }
            before = try Answers(world)
            let first = try #require(try store.stageRetention(world.view, rule))
            // It is of this process: its entry may still come.
            try store.discardAbandonedRetention()
            #expect(try store.leftovers() == ["segment", "merge", "merge_input"])
            try store.discard(first)
            try store.discard(first)
            #expect(try store.leftovers() == [])
            _ = try #require(try store.stageRetention(world.view, rule))
            entries = world.lastEntry
        }
        let store = try scratch.store()
        #expect(try store.leftovers() == ["segment", "merge", "merge_input"])
        try store.discardAbandonedRetention()
        #expect(try store.leftovers() == [])
        let world = try World(store, .number, seed: 4)
        world.lastEntry = entries
        #expect(try Answers(world) == before)
    }

    @Test func `a key with many rows is cut exactly`() {
        func rows(_ range: Range<Int>) -> [MergedRow] {
            range.map {
                MergedRow(
                    group: 0,
                    row: Int32($0),
                    event: Int64($0),
                    created: 0,
                    entry: 1,
                    number: UInt32($0),
                    key: UInt32($0 / 1_000),
                    isCreatedKnown: true,
                    isHidden: $0 % 1_000 == 999,
                    isForgotten: $0 % 1_000 == 1
                )
            }
        }
        for size in [1, 7, 999, 1_000, 1_001, 3_000] {
            var cut = RetentionCut(cutoff: .min, rowsPerKey: 10)
            var kept: [MergedRow] = []
            for start in stride(from: 0, to: 3_000, by: size) {
                let end = min(start + size, 3_000)
                kept += cut.keep(rows(start..<end), isEnd: end == 3_000)
            }
            let expected = [0, 1_000, 2_000].flatMap { Array($0 + 989..<$0 + 1_000) }
            #expect(kept.map { Int($0.row) } == expected)
            #expect(cut.taken == 3 * (989 - 1))
        }
    }
}

extension OfflineStore {
    fileprivate func stageRetention(
        _ view: FeatureView,
        _ rule: RetentionRule
    ) throws -> StagedRetention? {
        try stageRetention(
            view,
            rule,
            now: time(9),
            isCancelled: { false },
            progress: { _, _ in }
        )
    }

    fileprivate func removals() throws -> [String] {
        try read {
            try String.fetchAll($0, sql: "SELECT log_entry || ' ' || rows FROM removal")
        }
    }
}
