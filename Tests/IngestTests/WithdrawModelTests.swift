import Domain
import Offline
import TestSupport
import Testing

@testable import Ingest

/// All that ever became visible, and what was taken back: obviously right, and slow.
private struct Truth {
    struct Row {
        var view: UInt32
        var key: Int64
        var order: RowOrder
        var value: Int64
        var isImported: Bool
    }

    var rows: [Row] = []

    mutating func retract(_ entries: ClosedRange<UInt64>, view: UInt32?) {
        rows.removeAll {
            entries.contains($0.order.position.entry) && (view == nil || view == $0.view)
        }
    }

    mutating func forget(_ key: Int64, through entry: UInt64) {
        rows.removeAll { $0.key == key && $0.order.position.entry <= entry }
    }

    mutating func expire(_ view: UInt32, before: Timestamp) {
        rows.removeAll { $0.view == view && $0.order.event < before }
    }

    func newest(_ view: UInt32, _ key: Int64) -> FeatureValue? {
        rows.filter { $0.view == view && $0.key == key }
            .max { $0.order < $1.order }.map { .int64($0.value) }
    }
}

/// Random pushes, imports, retractions, deletions, retention and crashes: when what is pending is
/// done, the online row of every key is the newest row that is left.
struct WithdrawModelTests {
    private static let keys = Int64(0)..<8
    private static let age = TimeSpan(microseconds: 40)

    private static let views = [
        Fixtures.view(id: 1, name: "a", features: [(1, "x", .int64)]),
        Fixtures.view(id: 2, name: "b", features: [(2, "x", .int64)]),
    ]

    private struct World {
        var fixture: IngestFixture
        var truth = Truth()
        var random: SeededRandom
        var nextValue: Int64 = 1
        /// Imports that were not carried to the online store yet.
        var isBehind = false

        mutating func pick<T>(_ values: [T]) -> T {
            values[Int.random(in: 0..<values.count, using: &random)]
        }

        mutating func rows() -> [(key: Int64, event: Int64, value: Int64)] {
            (0..<Int.random(in: 1...4, using: &random)).map { _ in
                nextValue += 1
                return (
                    Int64.random(in: keys, using: &random),
                    Int64.random(in: -60...0, using: &random), nextValue
                )
            }
        }

        mutating func push() throws {
            let (view, rows) = (pick(views), rows())
            let entry = try fixture.push(try Fixtures.rows(rows), to: view).logEntry
            note(rows, entry, view, created: fixture.clock.now, isImported: false)
        }

        mutating func load() throws {
            let (view, rows) = (pick(views), rows())
            let entry = try fixture.importRows(rows, to: view)
            note(rows, entry, view, created: nil, isImported: true)
            isBehind = true
        }

        private mutating func note(
            _ new: [(key: Int64, event: Int64, value: Int64)],
            _ entry: UInt64,
            _ view: FeatureView,
            created: Timestamp?,
            isImported: Bool
        ) {
            for (number, row) in new.enumerated() {
                truth.rows.append(
                    Truth.Row(
                        view: view.id.number,
                        key: row.key,
                        order: RowOrder(
                            event: Timestamp(microseconds: Fixtures.now + row.event),
                            created: created,
                            position: LogPosition(entry: entry, row: UInt32(number))
                        ),
                        value: row.value,
                        isImported: isImported
                    )
                )
            }
        }

        mutating func retract() throws {
            let last = fixture.ingestor.lastEntry
            guard last > 0 else { return }
            let first = UInt64.random(in: 1...last, using: &random)
            let entries = first...min(last, first + UInt64.random(in: 0...3, using: &random))
            let view = Bool.random(using: &random) ? pick(views) : nil
            try fixture.retract(entries, view: view)
            truth.retract(entries, view: view?.id.number)
        }

        mutating func forget() throws {
            let key = Int64.random(in: keys, using: &random)
            truth.forget(key, through: try fixture.forget(key, of: views))
        }

        mutating func retire() throws {
            var view = pick(views)
            view.retention = RetentionRule(age: age)
            try fixture.settle()
            _ = try fixture.ingestor.retire(
                view,
                dryRun: false,
                cancelled: { false },
                progress: { _, _ in }
            )
            truth.expire(view.id.number, before: fixture.clock.now - age)
        }

        mutating func restore(calls: Int) throws {
            var left = calls
            do throws(AlulaError) {
                _ = try fixture.ingestor.restoreOnline(
                    views: views,
                    cancelled: {
                        left -= 1
                        return left < 0
                    },
                    progress: { _, _, _ in }
                )
            } catch { #expect(error.code == .cancelled) }
        }

        mutating func settle() throws {
            try fixture.settle()
            if Bool.random(using: &random) { try materialize() }
            try fixture.restore(views)
            if isBehind { try materialize() }
            #expect(try fixture.pendingRetractions() == 0)
        }

        mutating func materialize() throws {
            try fixture.settle()
            _ = try fixture.ingestor.materialize(views: views)
            isBehind = false
        }
    }

    private func check(_ world: World, _ seed: UInt64, _ steps: [String]) throws {
        for view in Self.views {
            let expected = Self.keys.map { world.truth.newest(view.id.number, $0) }
            let found = try world.fixture.read(Array(Self.keys), of: view)
            #expect(found == expected, "view \(view.name), seed \(seed), \(steps.suffix(20))")
            for key in Self.keys {
                let history = try world.fixture.offline.history(
                    of: view,
                    key: EntityKey([.int64(key)]),
                    through: world.fixture.ingestor.lastEntry
                )
                let left = world.truth.rows.filter { $0.view == view.id.number && $0.key == key }
                #expect(history.rows.count == left.count, "key \(key), seed \(seed)")
            }
        }
    }

    @Test(arguments: 0..<6)
    func `the online row is the newest that is left, whatever was taken back`(_: Int) throws {
        let seed = UInt64.random(in: .min ... .max)
        var world = World(
            fixture: try IngestFixture(Self.views),
            random: SeededRandom(seed: seed)
        )
        var steps: [String] = []
        for _ in 0..<60 {
            let step = Int.random(in: 0..<20, using: &world.random)
            switch step {
            case 0..<7: try world.push()
            case 7..<9: try world.load()
            case 9..<12: try world.retract()
            case 12: try world.forget()
            case 13: try world.restore(calls: Int.random(in: 0...5, using: &world.random))
            case 14: try world.materialize()
            case 15:
                try world.settle()
                try world.retire()
            case 16:
                world.fixture.clock.now = world.fixture.clock.now + TimeSpan(microseconds: 7)
            case 17: world.fixture = try world.fixture.crashed(Self.views)
            default:
                try world.settle()
                try check(world, seed, steps)
            }
            steps.append(Self.names[step])
        }
        try world.settle()
        try check(world, seed, steps)
    }

    private static let names =
        Array(repeating: "push", count: 7) + Array(repeating: "import", count: 2)
        + Array(repeating: "retract", count: 3)
        + [
            "forget", "restore a part", "materialize", "retire", "time", "crash", "check", "check",
            "check",
        ]

    @Test func `the background alone brings all to its end, also after a crash`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var world = World(
            fixture: try IngestFixture(Self.views),
            random: SeededRandom(seed: seed)
        )
        for round in 0..<4 {
            for _ in 0..<10 {
                switch Int.random(in: 0..<4, using: &world.random) {
                case 0, 1: try world.push()
                case 2: try world.retract()
                default: try world.forget()
                }
            }
            world.fixture = try world.fixture.crashed(Self.views, background: .all)
            try world.fixture.waitForBackground()
            try check(world, seed, ["round \(round)"])
        }
    }
}
