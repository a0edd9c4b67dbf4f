import Codec
import Domain
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Offline

/// What merges leave behind when they do not come to their end, and what they make of unlike
/// segments.
struct CompactionFailureTests {
    private let one = key(.int64(1))

    @Test func `a merge that is cancelled leaves nothing behind, wherever it is stopped`() throws {
        let scratch = try Scratch()
        let store = try scratch.store(groupRows: 2)
        let world = try World(store, .composite, seed: 5)
        try world.grow(entries: 20)
        let before = try Answers(world)
        var asked = 0
        for stop in 0..<100 {
            asked = 0
            let isCancelled = {
                asked += 1
                return asked > stop
            }
            do {
                let result = try store.compact(
                    world.view,
                    isCancelled: isCancelled,
                    progress: { _, _ in }
                )
                #expect(result.segmentsAfter == 1 && stop > 2)
                break
            } catch {
                #expect(error.code == .cancelled)
                // Cleaning, too, may have been stopped.
                _ = try store.clean()
                #expect(try store.leftovers() == [])
            }
        }
        #expect(try Answers(world) == before)
        #expect(try store.liveSegments(of: world.view.id).count == 1)
    }

    @Test func `what a crash left of a merge is gone after a start`() throws {
        let scratch = try Scratch()
        let before: Answers
        var entries: UInt64
        do {
            let store = try scratch.store(groupRows: 2)
            let world = try World(store, .number, seed: 6)
            try world.grow(entries: 10)
            entries = world.lastEntry
            before = try Answers(world)
            let segments = try store.liveSegments(of: world.view.id).map(\.id)
            var cut: RetentionCut?
            // Everything but the swap.
            _ = try store.write(
                store.runs(of: segments, world.view),
                of: world.view,
                cut: &cut,
                isCancelled: { false },
                progress: { _ in }
            )
            #expect(try store.leftovers() == ["segment", "merge"])
            #expect(try store.compactStep([], isCancelled: { false }) == false)
        }
        let store = try scratch.store(groupRows: 2)
        #expect(try store.leftovers() == [])
        let world = try World(store, .number, seed: 6)
        world.lastEntry = entries
        #expect(try Answers(world) == before)
        entries += 1
        try store.push(entries, world.view.rows([(one, 1, 1, [.null, .null, .null])]), world.view)
    }

    @Test func `segments replaced before a crash are gone after a start`() throws {
        let scratch = try Scratch()
        do {
            let store = try scratch.store()
            let world = try World(store, .number, seed: 8)
            for _ in 0..<3 { try world.push() }
            let live = try store.liveSegments(of: world.view.id)
            _ = try store.merge(
                live.map(\.id),
                of: world.view,
                isCancelled: { false },
                progress: { _ in }
            )
            #expect(try store.leftovers() == ["segment", "merge"])
        }
        #expect(try scratch.store().leftovers() == [])
    }

    @Test func `rows pushed while a merge writes are neither lost nor overwritten`() throws {
        let scratch = try Scratch()
        let store = try scratch.store(groupRows: 1)
        let world = try World(store, .raw, seed: 10)
        for _ in 0..<6 { try world.push() }
        var pushes = 0
        let result = try store.compact(
            world.view,
            isCancelled: {
                // The follower writes between any two steps.
                if pushes < 5, (try? world.push()) != nil { pushes += 1 }
                return false
            },
            progress: { _, _ in }
        )
        #expect(pushes == 5 && result.segmentsBefore >= 6 && result.segmentsAfter > 1)
        let positions = try Answers(world).exported[2]
        #expect(Set(positions) == Set(world.rows.map(\.position)))
        #expect(positions.count == world.rows.count)
        #expect(try store.compact(world.view).segmentsAfter == 1)
        #expect(try Answers(world).exported[2] == positions)
    }

    @Test func `features that the view lost are kept, at the widest type`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let old = try FeatureView.test(features: [
            (1, "gone", .float32), (2, "count", .int32), (3, "texts", .list(.string)),
        ])
        let later = try FeatureView.test(
            features: [(2, "count", .int64), (1, "gone", .float64)],
            version: 2,
            layouts: old.layouts
        )
        let new = try FeatureView.test(
            features: [(4, "added", .bool), (2, "number", .int64)],
            version: 3,
            layouts: later.layouts
        )
        let texts = FeatureValue.list([.string("a"), .string("")])
        try store.push(1, old.rows([(one, 1, 1, [.float32(0.5), .int32(-7), texts])]), old)
        try store.push(2, later.rows([(one, 2, 1, [.int64(.max), .float64(0.1)])]), later)
        try store.push(3, new.rows([(one, 3, 1, [.bool(true), .null])]), new)
        #expect(try store.compact(new).segmentsAfter == 1)
        let features = try store.read {
            try String.fetchOne($0, sql: "SELECT features FROM segment")
        }
        #expect(features == "4:bool,2:int64,1:float64,3:string[]")
        let kept = try FeatureView.test(features: [
            (1, "gone", .float64), (2, "number", .int64), (3, "texts", .list(.string)),
            (4, "added", .bool),
        ])
        let rows = try store.history(of: kept, key: one, through: 3).rows.features
        #expect((0..<3).map { rows[0][$0] } == [.float64(0.5), .float64(0.1), .null])
        #expect((0..<3).map { rows[1][$0] } == [.int64(-7), .int64(.max), .null])
        #expect((0..<3).map { rows[2][$0] } == [texts, .null, .null])
        #expect((0..<3).map { rows[3][$0] } == [.null, .null, .bool(true)])
        // A caller whose definitions are behind must not narrow them.
        try store.push(4, new.rows([(one, 4, 1, [.bool(false), .int64(9)])]), new)
        #expect(try store.compact(old).segmentsAfter == 1)
        #expect(try store.history(of: kept, key: one, through: 4).rows.features[1][3] == .int64(9))
    }

    @Test func `wide rows are cut into groups whose blocks fit a transaction`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let view = try FeatureView.test(features: [
            (1, "vector", .fixedList(.float32, length: 4_096)), (2, "bytes", .bytes),
        ])
        let vector = FeatureValue.list([FeatureValue](repeating: .float32(0.25), count: 4_096))
        for entry in 1...4 as ClosedRange<UInt64> {
            let rows = try view.rows(
                (0..<200).map { row in
                    (key(.int64(row)), Int64(entry), 1, [vector, .bytes([UInt8(entry)])])
                }
            )
            try store.push(entry, rows, view)
        }
        #expect(try store.compact(view).rows == 800)
        let (groups, largest) = try store.read { db in
            (
                try Int.fetchAll(db, sql: "SELECT rows FROM row_group"),
                try Int.fetchOne(db, sql: "SELECT MAX(LENGTH(bytes)) FROM block") ?? 0
            )
        }
        #expect(groups.reduce(0, +) == 800 && groups.count > 1)
        #expect(largest < 7 << 20)
        let history = try store.history(of: view, key: key(.int64(7)), through: 4)
        #expect((0..<4).map { history.rows.features[1][$0] } == (1...4).map { .bytes([$0]) })
        #expect(history.rows.features[0][3] == vector)
    }

    @Test func `a forgotten key is dropped, and its rows are counted`() throws {
        let scratch = try Scratch()
        let store = try scratch.store(groupRows: 2)
        let world = try World(store, .text, seed: 12)
        for _ in 0..<8 { try world.push(rows: 6) }
        let gone = try #require(world.rows.first?.key)
        let count = world.rows.filter { $0.key == gone }.count
        try world.forget(gone)
        _ = try store.compact(world.view)
        let (rows, recorded) = try store.read { db in
            (
                try Int.fetchOne(db, sql: "SELECT SUM(rows) FROM segment"),
                try Int.fetchOne(db, sql: "SELECT rows FROM removal")
            )
        }
        #expect(rows == world.rows.count - count && recorded == count)
    }

    @Test func `pages are given back`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let view = try FeatureView.test(features: [(1, "text", .string)])
        for entry in 1...4 as ClosedRange<UInt64> {
            let rows = (0..<20).map { (row: Int64) in
                let text = String(repeating: "\(entry) \(row) ", count: 10_000)
                return (
                    key: key(.int64(row)), event: Int64(entry), created: Int64?(1),
                    values: [FeatureValue.string(text)]
                )
            }
            try store.push(entry, view.rows(rows), view)
        }
        func pages(_ pragma: String) throws -> Int {
            try store.read { try Int.fetchOne($0, sql: "PRAGMA \(pragma)") ?? 0 }
        }
        let before = try pages("page_count")
        _ = try store.compact(view)
        #expect(try pages("freelist_count") == 0)
        #expect(try pages("page_count") <= before + 5)
    }

    @Test func `no transaction writes more than 8 MiB`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let length = 4_096
        let view = try FeatureView.test(features: [
            (1, "vector", .fixedList(.float64, length: length)), (2, "number", .int64),
        ])
        var random = SeededRandom(seed: 1)
        let count = 200
        for entry in 1...4 as ClosedRange<UInt64> {
            let words = (0..<count * length).map { _ in Int64(bitPattern: random.next() >> 2) }
            let numbers = Domain.Column(int64s: (0..<Int64(count)).map { $0 })
            let rows = FeatureRows(
                view: view.id,
                schemaVersion: 1,
                keys: [numbers],
                event: Domain.Column(int64s: numbers.int64s, type: .timestamp),
                created: Domain.Column(int64s: numbers.int64s, type: .timestamp),
                features: [
                    Domain.Column(
                        type: view.features[0].type,
                        count: count,
                        validity: [],
                        offsets: [],
                        itemOffsets: [],
                        values: Domain.Column(int64s: words).values
                    ), numbers,
                ]
            )
            try store.push(entry, rows, view)
        }
        try store.pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            try db.checkpoint(.truncate)
        }
        // Asked before every transaction that is not a small one.
        var sizes: [Int] = []
        let path = scratch.path + "/offline.sqlite-wal"
        _ = try store.compact(
            view,
            isCancelled: {
                let file = try? FileManager.default.attributesOfItem(atPath: path)
                sizes.append(file?[.size] as? Int ?? 0)
                return false
            },
            progress: { _, _ in }
        )
        let steps = zip(sizes.dropFirst(), sizes).map { $0 - $1 }
        #expect((steps.max() ?? 0) <= MergeWriter.mostBytes)
        #expect(steps.reduce(0, +) > 25 << 20 && steps.filter { $0 > 0 }.count > 5)
        #expect(try store.leftovers() == [])
    }
}
