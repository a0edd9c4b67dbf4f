import Codec
import Dispatch
import Domain
import GRDB
import Synchronization
import TestSupport
import Testing

@testable import Offline

struct CompactionTests {
    typealias KeyKind = JoinAgainstOracleTests.KeyKind

    @Test(arguments: [1, 2, 3, 65_536], KeyKind.allCases)
    func `compaction changes no answer, from no position`(groupRows: Int, kind: KeyKind) throws {
        for seed in 1...2 as ClosedRange<UInt64> {
            let scratch = try Scratch()
            let store = try scratch.store(groupRows: groupRows)
            let world = try World(store, kind, seed: seed)
            for round in 1...3 {
                try world.grow(entries: 8, forgets: true)
                let before = try Answers(world)
                try check(before, world, "seed \(seed) round \(round), before")
                if round == 2 {
                    while try store.compactStep([world.view], isCancelled: { false }) {}
                } else {
                    let result = try store.compact(world.view)
                    #expect(result.segmentsAfter <= 1 && result.segmentsBefore > 0)
                    let left = world.rows.filter { !world.hiding.isDeleted($0) }.count
                    #expect(result.rows == UInt64(left), "seed \(seed)")
                }
                let after = try Answers(world)
                #expect(before == after, "seed \(seed) round \(round)")
                #expect(try store.leftovers() == [])
            }
        }
    }

    /// The joins against nested loops, and the export against a sorted list.
    private func check(_ answers: Answers, _ world: World, _ context: Comment) throws {
        let spine = Answers.spine(world)
        let join = answers.joins[answers.joins.count - 2]
        for (row, entry) in spine.enumerated() {
            let answer = Naive.answer(
                key: entry.key,
                time: entry.time.map(time),
                in: world.rows,
                lookback: TimeSpan(microseconds: 3),
                through: world.lastEntry,
                asKnown: false,
                hiding: world.hiding
            )
            #expect(join.statuses[row] == answer.status, context)
            var value: Int64?
            if case .matched(let index) = answer { value = world.values[index] }
            #expect(join.columns[2][row] == (value.map { .int64($0) } ?? .null), context)
        }
        let visible = world.rows.filter { !world.hiding.hides($0, through: world.lastEntry) }
        let sorted = visible.sorted { left, right in
            let (key, other) = (KeyCodec.encode(left.key), KeyCodec.encode(right.key))
            return key != other
                ? key.lexicographicallyPrecedes(other) : left.order < right.order
        }
        #expect(answers.exported.last == sorted.map(\.position), context)
    }

    @Test(arguments: [1, 2, 5, 100]) func `a merge is the same however little it keeps in memory`(
        windowRows: Int
    ) throws {
        let scratch = try Scratch()
        let store = try scratch.store(groupRows: 4)
        let world = try World(store, .text, seed: 7)
        try world.grow(entries: 30)
        let runs = try store.runs(of: store.liveSegments(of: world.view.id).map(\.id), world.view)
        var merge = SortedMerge(
            runs,
            hiding: .marks,
            tracksKeys: true,
            windowRows: windowRows
        )
        var rows: [MergedRow] = []
        while !merge.isAtEnd {
            var some: [MergedRow] = []
            try store.read { try merge.fill(&some, upTo: 7, try BlockReading($0)) }
            #expect(some.count == 7 || merge.isAtEnd)
            rows += some
        }
        let sorted = world.rows.sorted { left, right in
            let (key, other) = (KeyCodec.encode(left.key), KeyCodec.encode(right.key))
            return key != other
                ? key.lexicographicallyPrecedes(other) : left.order < right.order
        }
        #expect(rows.map(\.position) == sorted.map(\.position))
        let keys = Set(world.rows.map(\.key)).count
        #expect(Set(rows.map(\.key)).count == keys)
    }

    @Test func `joins go on while segments are merged and cleaned away`() throws {
        let scratch = try Scratch()
        let store = try scratch.store(groupRows: 3)
        let world = try World(store, .number, seed: 3)
        try world.grow(entries: 12)
        let (view, through) = (world.view, world.lastEntry)
        let spine = try SortedSpine(view.entity.keys.map(\.type), Answers.spine(world))
        let part = try view.part()
        @Sendable func answer() throws -> [Domain.Column] {
            let joined = try store.join(spine, with: part, scope: JoinScope(through: through))
            return try store.features(of: joined).0
        }
        let expected = try answer()
        let isDone = Mutex(false)
        let failures = Mutex<[String]>([])
        let joins = Mutex(0)
        let group = DispatchGroup()
        for _ in 0..<2 {
            DispatchQueue.global().async(group: group) {
                while !isDone.withLock({ $0 }) {
                    do {
                        let found = try answer()
                        if found != expected { failures.withLock { $0.append("another answer") } }
                        joins.withLock { $0 += 1 }
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                    }
                }
            }
        }
        for round in 0..<30 {
            try world.push(rows: 4)
            if round % 2 == 0 {
                _ = try store.compact(view)
            } else {
                _ = try store.compactStep([view], isCancelled: { false })
            }
        }
        while joins.withLock({ $0 }) < 20 { try world.push(rows: 1) }
        isDone.withLock { $0 = true }
        group.wait()
        #expect(failures.withLock { $0 } == [])
        while try store.compactStep([view], isCancelled: { false }) {}
        #expect(try store.leftovers() == [])
    }

    @Test func `a map keeps the blocks it names until it is gone`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let world = try World(store, .number, seed: 9)
        for _ in 0..<4 { try world.push() }
        let spine = try SortedSpine(world.view.entity.keys.map(\.type), Answers.spine(world))
        var joined: JoinedView? = try store.join(
            spine,
            with: world.view.part(),
            scope: JoinScope(through: 4)
        )
        let expected = try store.features(of: try #require(joined)).0
        let blocks = try store.blockCount()
        #expect(try store.compact(world.view).segmentsAfter == 1)
        #expect(try store.blockCount() > blocks)
        #expect(try store.leftovers() == ["segment", "merge"])
        #expect(try store.compactStep([world.view], isCancelled: { false }) == false)
        #expect(try store.features(of: try #require(joined)).0 == expected)
        joined = nil
        #expect(try store.compactStep([world.view], isCancelled: { false }))
        #expect(try store.leftovers() == [])
        // Three features, or two, and a key, times, number and log entry.
        #expect(try store.blockCount() == 8)
    }
}

extension OfflineStore {
    func compact(_ view: FeatureView) throws -> CompactionResult {
        try compact(view, isCancelled: { false }, progress: { _, _ in })
    }

    func blockCount() throws -> Int {
        try read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM block") ?? 0 }
    }

    /// Tables with rows that compaction should have cleaned away.
    func leftovers() throws -> [String] {
        let queries = [
            ("segment", "SELECT EXISTS (SELECT 1 FROM segment WHERE merge IS NOT NULL)"),
            ("merge", "SELECT EXISTS (SELECT 1 FROM merge)"),
            ("merge_input", "SELECT EXISTS (SELECT 1 FROM merge_input)"),
            (
                "block",
                """
                SELECT (SELECT COUNT(*) FROM block)
                    <> (SELECT IFNULL(SUM(blocks), 0) FROM row_group)
                """
            ),
        ]
        return try read { db in
            try queries.filter { try Bool.fetchOne(db, sql: $0.1) ?? false }.map(\.0)
        }
    }
}
