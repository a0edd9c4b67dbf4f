import Codec
import Domain
import TestSupport
import Testing

@testable import Offline

/// Retraction and deletion against plain lists, before the bytes are gone, behind it, and merged.
struct HidingAgainstOracleTests {
    @Test(arguments: [1, 65_536], JoinAgainstOracleTests.KeyKind.allCases)
    func `what is hidden is in no join, history or newest row`(
        groupRows: Int,
        kind: JoinAgainstOracleTests.KeyKind
    ) throws {
        for seed in 1...3 as ClosedRange<UInt64> {
            var random = SeededRandom(seed: seed)
            let scratch = try Scratch()
            let store = try scratch.store(groupRows: groupRows)
            var world = try RandomWorld(store, kind: kind, steps: 25, &random)
            try check(world, "seed \(seed)", &random)
            if Bool.random(using: &random) {
                _ = try store.compact(world.view, isCancelled: { false }, progress: { _, _ in })
                try check(world, "seed \(seed), merged", &random)
            }
            try store.eraseForgotten(isCancelled: { false }, progress: { _, _ in })
            #expect(try store.pendingErasures().isEmpty)
            try check(world, "seed \(seed), erased", &random)
            try checkErased(world, "seed \(seed)")
            for _ in 0..<8 { try world.act(&random) }
            try check(world, "seed \(seed), gone on", &random)
            _ = try store.compact(world.view, isCancelled: { false }, progress: { _, _ in })
            try check(world, "seed \(seed), gone on and merged", &random)
        }
    }

    private func check(
        _ world: RandomWorld,
        _ context: String,
        _ random: inout SeededRandom
    ) throws {
        for _ in 0..<3 {
            let through = UInt64.random(in: 0...world.lastEntry, using: &random)
            try checkJoin(world, through: through, context, &random)
            try checkHistory(world, through: through, context, &random)
        }
        try checkJoin(world, through: world.lastEntry, context, &random)
        try checkNewest(world, context)
        try checkCounts(world, context)
    }

    private func checkJoin(
        _ world: RandomWorld,
        through: UInt64,
        _ context: String,
        _ random: inout SeededRandom
    ) throws {
        let lookback = ([nil, 0, 3] as [Int64?]).randomElement(using: &random)?.map {
            TimeSpan(microseconds: $0)
        }
        let asKnown = Bool.random(using: &random)
        let spine = world.kind.keys.flatMap { key in
            (-1...8).map { (key: Optional(key), time: Optional(Int64($0))) }
        }
        let joined = try world.store.join(
            try SortedSpine(world.kind.types, spine),
            with: world.view.part(lookback: lookback),
            scope: JoinScope(through: through, asKnown: asKnown)
        )
        let (columns, _) = try world.store.features(of: joined)
        for (row, entry) in spine.enumerated() {
            let answer = Naive.answer(
                key: entry.key,
                time: entry.time.map(time),
                in: world.rows,
                lookback: lookback,
                through: through,
                asKnown: asKnown,
                hiding: world.hiding
            )
            let comment: Comment = "\(context) row \(row) \(entry) through \(through)"
            #expect(joined.statuses[row] == answer.status, comment)
            var value: Int64?
            if case .matched(let index) = answer { value = world.values[index] }
            #expect(columns[0][row] == (value.map { .int64($0) } ?? .null), comment)
            #expect(columns[1][row] == (value.map { .string("text \($0)") } ?? .null), comment)
        }
    }

    /// Also that the row whose verdict is "taken" is the one the join takes.
    private func checkHistory(
        _ world: RandomWorld,
        through: UInt64,
        _ context: String,
        _ random: inout SeededRandom
    ) throws {
        for key in world.kind.keys {
            let moment = HistoryMoment(
                time: time(.random(in: -1...8, using: &random)),
                lookback: Bool.random(using: &random) ? TimeSpan(microseconds: 2) : nil,
                asKnown: Bool.random(using: &random)
            )
            let history = try world.store.history(
                of: world.view,
                key: key,
                through: through,
                at: moment
            )
            let comment: Comment = "\(context) key \(key) through \(through) \(moment)"
            let visible = world.rows.filter {
                $0.key == key && $0.position.entry <= through
                    && !world.hiding.hides($0, through: through)
            }.sorted { $0.order < $1.order }
            #expect(history.positions == visible.map(\.position), comment)
            #expect(history.verdicts.count == visible.count, comment)
            let answer = Naive.answer(
                key: key,
                time: moment.time,
                in: world.rows,
                lookback: moment.lookback,
                through: through,
                asKnown: moment.asKnown,
                hiding: world.hiding
            )
            var taken: [LogPosition] = []
            if case .matched(let index) = answer { taken = [world.rows[index].position] }
            let verdicts = zip(history.verdicts, history.positions)
            #expect(verdicts.filter { $0.0 == "taken" }.map(\.1) == taken, comment)
            let isExpired = history.verdicts.contains { $0.hasPrefix("expired") }
            if answer == .expired { #expect(isExpired, comment) }
            if answer == .notFound { #expect(!isExpired, comment) }
        }
    }

    private func checkNewest(_ world: RandomWorld, _ context: String) throws {
        var found: [LogPosition] = []
        try world.store.newestRows(of: world.view, notAfter: time(5), batchRows: 2) { newest in
            found += newest.positions
            return true
        }
        let keys = world.kind.keys.sorted {
            KeyCodec.encode($0).lexicographicallyPrecedes(KeyCodec.encode($1))
        }
        let expected = keys.compactMap { key in
            world.rows.filter {
                $0.key == key && $0.event <= time(5)
                    && !world.hiding.hides($0, through: world.lastEntry)
            }.max { $0.order < $1.order }
        }
        #expect(found == expected.map(\.position), "\(context)")
    }

    private func checkCounts(_ world: RandomWorld, _ context: String) throws {
        for key in world.kind.keys {
            let counts = try world.store.countRows(ofKey: key, in: [world.view])
            let history = world.rows.count { $0.key == key && !world.hiding.isDeleted($0) }
            let staged = world.stagedRows.count { $0.row.key == key && !$0.isDeleted }
            #expect(counts.map(\.historyRows) == [UInt64(history)], "\(context) \(key)")
            #expect(counts.map(\.stagedRows) == [UInt64(staged)], "\(context) \(key)")
        }
        let entries = 1...max(1, world.lastEntry / 2)
        let visible = world.rows.count {
            entries.contains($0.position.entry)
                && !world.hiding.hides($0, through: world.lastEntry)
        }
        let count = try world.store.countRows(of: entries, view: world.view)
        #expect(count == UInt64(visible), "\(context)")
    }

    /// What is left in the tables is what lives, whether hidden or not, and each row that went is
    /// counted once.
    private func checkErased(_ world: RandomWorld, _ context: String) throws {
        let gone = world.rows.count(where: world.hiding.isDeleted)
        let goneStaged = world.stagedRows.count(where: \.isDeleted)
        let figures = try world.store.statistics()[world.view.id]
        #expect(figures?.rows ?? 0 == UInt64(world.rows.count - gone), "\(context)")
        let removals = try world.store.removals(after: 0)
        #expect(removals.map(\.logEntry) == world.hiding.deletions.map(\.entry), "\(context)")
        #expect(
            removals.reduce(0) { $0 + $1.rows } == UInt64(gone + goneStaged),
            "\(context)"
        )
        #expect(removals.allSatisfy { $0.kind == .forget && $0.entity == world.view.entity.id })
    }
}
