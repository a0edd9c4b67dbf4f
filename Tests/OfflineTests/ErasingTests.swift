import Codec
import Domain
import Foundation
import GRDB
import Synchronization
import TestSupport
import Testing

@testable import Offline

/// That deletion is physical: what is left in the files, who is waited for, and what a crash leaves.
struct ErasingTests {
    private static let name = "forgotten-person-Zq9xW"
    private static let secret = "a secret text 7Hw2"
    private static let number: Int64 = 0x5AFE_C0DE_1357_9BDF
    private static let score = 0x3FF1_2345_6789_ABCD as UInt64

    private let gone = key(.string(name))

    private func view() throws -> FeatureView {
        try FeatureView.test(
            keys: [.string],
            features: [
                (1, "number", .int64), (2, "text", .string), (3, "score", .float64),
                (4, "list", .list(.string)),
            ]
        )
    }

    /// What must not be in any file.
    private var needles: [[UInt8]] {
        [
            Array(Self.name.utf8), Array(Self.secret.utf8),
            withUnsafeBytes(of: Self.number.littleEndian) { Array($0) },
            withUnsafeBytes(of: Self.number.bigEndian) { Array($0) },
            withUnsafeBytes(of: Self.score.littleEndian) { Array($0) },
        ]
    }

    private func rows(
        _ view: FeatureView,
        _ count: Int,
        with isGone: Bool,
        _ random: inout SeededRandom
    ) throws -> FeatureRows {
        var rows = (0..<count).map { _ in
            let number = Int64.random(in: .min ... .max, using: &random)
            return (
                key: key(.string("person \(number % 50)")),
                event: Int64.random(in: 0...99, using: &random), created: nil as Int64?,
                values: [
                    .int64(number), .string("text \(number)"), .float64(Double(number)),
                    .list([.string("\(number)")]),
                ] as [FeatureValue]
            )
        }
        if isGone {
            rows.insert(
                (
                    gone, .random(in: 0...99, using: &random), nil,
                    [
                        .int64(Self.number), .string(Self.secret),
                        .float64(Double(bitPattern: Self.score)), .list([.string(Self.secret)]),
                    ]
                ),
                at: .random(in: 0...rows.count, using: &random)
            )
        }
        return try view.rows(rows)
    }

    /// The needles that some file of the directory holds.
    private func found(_ scratch: Scratch, _ needles: [[UInt8]]) throws -> [[UInt8]] {
        let files = try FileManager.default.contentsOfDirectory(atPath: scratch.path).map {
            try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/" + $0))
        }
        return needles.filter { needle in
            files.contains { $0.range(of: Data(needle)) != nil }
        }
    }

    /// The beginnings, with their checksums, of all blocks that groups of the view name.
    private func heads(_ store: OfflineStore, _ view: FeatureView) throws -> Set<[UInt8]> {
        try store.read { db in
            let blocks = try Data.fetchAll(
                db,
                sql: """
                    SELECT b.bytes FROM block b
                    JOIN row_group g ON b.id >= g.first_block AND b.id < g.first_block + g.blocks
                    JOIN segment s ON s.id = g.segment
                    WHERE s.view = ? AND s.merge IS NULL
                    """,
                arguments: [Int64(view.id.number)]
            )
            return Set(blocks.map { Array($0.prefix(16)) })
        }
    }

    @Test(arguments: [3, 65_536], [1, 30])
    func `no file holds a byte of what was forgotten`(groupRows: Int, pushRows: Int) throws {
        var random = SeededRandom(seed: UInt64(groupRows + pushRows))
        let scratch = try Scratch()
        let store = try scratch.store(groupRows: groupRows)
        let view = try view()
        for entry in 1...60 as ClosedRange<UInt64> {
            try store.push(entry, rows(view, pushRows, with: entry % 7 == 3, &random), view)
            if entry % 20 == 0 {
                while try store.compactStep([view], isCancelled: { false }) {}
            }
        }
        let published = try store.beginImport(.test(view: view, options: "1"), again: false)
        let staged = try store.beginImport(.test(view: view, options: "2"), again: false)
        for id in [published.id, staged.id] {
            for chunk in 0..<3 as Range<UInt64> {
                _ = try store.stage(
                    importID: id,
                    chunk: chunk,
                    rows: rows(view, pushRows, with: chunk == 1, &random),
                    layout: view.layout
                )
            }
        }
        try store.apply([
            .init(entry: 61, recorded: time(61), change: .publish(importID: published.id))
        ])
        #expect(try found(scratch, needles).count >= 3)
        let heads = try heads(store, view)
        let some = Array(heads.prefix(20))
        #expect(try found(scratch, some).count == some.count)
        try store.forget(62, gone, view)
        try store.eraseForgotten(isCancelled: { false }, progress: { _, _ in })
        #expect(try found(scratch, needles).isEmpty)
        let vanished = try heads.subtracting(self.heads(store, view))
        #expect(try !vanished.isEmpty && found(scratch, Array(vanished.prefix(20))).isEmpty)
        try store.push(63, rows(view, pushRows, with: false, &random), view)
        #expect(try found(scratch, needles).isEmpty)
        #expect(try store.history(of: view, key: gone, through: 99).rows.count == 0)
        let removal = try #require(try store.removals(after: 61).first)
        #expect(removal.rows == 9 + 1 + 1 && removal.recorded == time(62))
    }

    @Test func `who reads from before keeps the answer, and the bytes go when that is done`() throws
    {
        var random = SeededRandom(seed: 1)
        let scratch = try Scratch()
        let store = try scratch.store(groupRows: 40)
        let view = try view()
        for entry in 1...5 as ClosedRange<UInt64> {
            try store.push(entry, rows(view, 100, with: true, &random), view)
        }
        let spine = try SortedSpine([.string], [(gone, 100)])
        var joined: JoinedView? = try store.join(
            spine,
            with: view.part(),
            scope: JoinScope(through: 5)
        )
        try store.forget(6, gone, view)
        let error = #expect(throws: AlulaError.self) {
            let calls = Mutex(0)
            try store.eraseForgotten(
                isCancelled: {
                    calls.withLock {
                        $0 += 1; return $0 > 100
                    }
                },
                progress: { _, _ in }
            )
        }
        #expect(error?.code == .cancelled)
        for scope in [5, 6, 7] as [UInt64] {
            let later = try store.join(spine, with: view.part(), scope: JoinScope(through: scope))
            #expect(later.statuses == [.notFound])
        }
        let (columns, _) = try store.features(of: try #require(joined))
        #expect(columns[1][0] == .string(Self.secret))
        #expect(try !found(scratch, needles).isEmpty)
        joined = nil
        try store.eraseForgotten(isCancelled: { false }, progress: { _, _ in })
        #expect(try found(scratch, needles).isEmpty)
    }

    @Test func `an erasure that was cut short anywhere goes on`() throws {
        for limit in [0, 1, 3, 7, 12, 20, 40] {
            var random = SeededRandom(seed: UInt64(limit))
            let scratch = try Scratch()
            let view = try view()
            var expected: [LogPosition] = []
            let other = key(.string("person 7"))
            do {
                let store = try scratch.store(groupRows: 10)
                for entry in 1...10 as ClosedRange<UInt64> {
                    try store.push(entry, rows(view, 40, with: true, &random), view)
                }
                try store.forget(11, gone, view)
                expected = try store.history(of: view, key: other, through: 99).positions
                let calls = Mutex(0)
                // Cut short, or done where the limit is large.
                try? store.eraseForgotten(
                    isCancelled: {
                        calls.withLock {
                            $0 += 1; return $0 > limit
                        }
                    },
                    progress: { _, _ in }
                )
            }
            let store = try scratch.store(groupRows: 10)
            #expect(try store.history(of: view, key: gone, through: 99).rows.count == 0)
            try store.eraseForgotten(isCancelled: { false }, progress: { _, _ in })
            #expect(try store.pendingErasures().isEmpty)
            #expect(try store.history(of: view, key: other, through: 99).positions == expected)
            #expect(try store.removals(after: 0).map(\.rows) == [10], "limit \(limit)")
            #expect(try found(scratch, needles).isEmpty, "limit \(limit)")
        }
    }

    @Test func `a group that is larger than a transaction may be is erased from`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let view = try FeatureView.test(keys: [.int64], features: [(1, "text", .string)])
        let long = String(repeating: "long text ", count: 20_000)
        for entry in 1...60 as ClosedRange<UInt64> {
            try store.push(
                entry,
                view.rows([(key(.int64(Int64(entry))), 1, 1, [.string("\(entry) \(long)")])]),
                view
            )
        }
        _ = try store.compact(view, isCancelled: { false }, progress: { _, _ in })
        try store.forget(61, key(.int64(30)), view)
        var last: (done: UInt64, total: UInt64) = (0, 1)
        try store.eraseForgotten(isCancelled: { false }, progress: { last = ($0, $1) })
        #expect(last.done == last.total && last.total > 0)
        #expect(try found(scratch, [Array("30 long text".utf8)]).isEmpty)
        #expect(try !found(scratch, [Array("31 long text".utf8)]).isEmpty)
        #expect(try store.statistics()[view.id]?.rows == 59)
        for row in [29, 31] as [Int64] {
            let history = try store.history(of: view, key: key(.int64(row)), through: 999)
            #expect(history.rows.features[0][0] == .string("\(row) \(long)"))
        }
    }

    @Test func `a staged import is abandoned, a published one is not`() throws {
        let scratch = try Scratch()
        let store = try scratch.store(groupRows: 2)
        let view = try FeatureView.test()
        let rows = try view.rows((0..<5).map { (key(.int64($0)), $0, nil, [.int64($0)]) })
        let record = try store.beginImport(.test(view: view), again: false)
        for chunk in 0..<2 as Range<UInt64> {
            _ = try store.stage(
                importID: record.id,
                chunk: chunk,
                rows: rows,
                layout: view.layout
            )
        }
        try store.forget(1, key(.int64(3)), view)
        #expect(try store.entries(ofImport: record.id) == nil)
        #expect(try store.abandonImport(id: record.id) == 10)
        #expect(try store.imports(project: record.descriptor.project).isEmpty)
        let left = try store.pool.read { db in
            try ["segment", "row_group", "block", "merge"].map {
                try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \($0)")
            }
        }
        #expect(left == [0, 0, 0, 0])
        let unknown = #expect(throws: AlulaError.self) { try store.abandonImport(id: record.id) }
        #expect(unknown?.code == .notFound)
        // Its entry may have been on the way.
        try store.apply([
            .init(entry: 2, recorded: time(2), change: .publish(importID: record.id))
        ])
        let again = try store.beginImport(.test(view: view), again: false)
        #expect(again.id != record.id && again.nextChunk == 0)
        _ = try store.stage(importID: again.id, chunk: 0, rows: rows, layout: view.layout)
        try store.apply([
            .init(entry: 3, recorded: time(3), change: .publish(importID: again.id))
        ])
        #expect(try store.entries(ofImport: again.id) == 3)
        let refused = #expect(throws: AlulaError.self) { try store.abandonImport(id: again.id) }
        #expect(refused?.code == .failedPrecondition && refused?.help.contains("retract") == true)
        // It was begun behind the deletion.
        #expect(try store.history(of: view, key: key(.int64(3)), through: 9).rows.count == 1)
    }
}
