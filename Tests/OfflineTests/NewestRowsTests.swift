import Codec
import Domain
import TestSupport
import Testing

@testable import Offline

struct NewestRowsTests {
    @Test(arguments: [1, 2, 65_536], [1, 3, 100])
    func `each key has its newest row once, in key order`(groupRows: Int, batchRows: Int) throws {
        for seed in 1...5 as ClosedRange<UInt64> {
            var random = SeededRandom(seed: seed)
            let scratch = try Scratch()
            let store = try scratch.store(groupRows: groupRows)
            let view = try FeatureView.test(keys: [.string])
            var rows: [Naive.Row] = []
            for entry in 1...6 as ClosedRange<UInt64> {
                let pushed = (0..<Int.random(in: 1...8, using: &random)).map { number in
                    Naive.Row(
                        key: key(.string("k\(Int.random(in: 0...12, using: &random))")),
                        event: time(.random(in: 0...9, using: &random)),
                        created: time(.random(in: 0...3, using: &random)),
                        position: LogPosition(entry: entry, row: UInt32(number))
                    )
                }
                try store.push(entry, view.rows(pushed.map(NewestRowsTests.values)), view)
                rows += pushed
            }
            var keys: [[UInt8]] = []
            var found: [LogPosition] = []
            var values: [FeatureValue] = []
            try store.newestRows(of: view, notAfter: time(7), batchRows: batchRows) { newest in
                #expect(newest.rows.count <= batchRows && newest.through == 6)
                found += newest.positions
                keys += (0..<newest.rows.count).map { KeyCodec.encode(newest.rows.keys, row: $0) }
                values += (0..<newest.rows.count).map { newest.rows.features[0][$0] }
                return true
            }
            let expected = Set(rows.map(\.key)).sorted {
                KeyCodec.encode($0).lexicographicallyPrecedes(KeyCodec.encode($1))
            }.compactMap { key in
                rows.filter { $0.key == key && $0.event <= time(7) }.max { $0.order < $1.order }
            }
            #expect(found == expected.map(\.position), "seed \(seed)")
            #expect(keys == expected.map { KeyCodec.encode($0.key) }, "seed \(seed)")
            #expect(values == expected.map { NewestRowsTests.values($0).values[0] }, "seed \(seed)")
        }
    }

    @Test func `the body ends it, and a view without rows gives nothing`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let view = try FeatureView.test()
        try store.push(
            1,
            view.rows((0..<10).map { (key(.int64($0)), 1, 1, [.int64($0)]) }),
            view
        )
        var calls = 0
        try store.newestRows(of: view, notAfter: .distantFuture, batchRows: 2) { _ in
            calls += 1
            return calls < 3
        }
        #expect(calls == 3)
        try store.newestRows(of: .test(id: 2), notAfter: .distantFuture, batchRows: 2) { _ in
            Issue.record("a view without rows gave some")
            return false
        }
    }

    private static func values(
        _ row: Naive.Row
    ) -> (key: EntityKey, event: Int64, created: Int64?, values: [FeatureValue]) {
        (
            row.key, row.event.microseconds, row.created?.microseconds,
            [.int64(Int64(row.position.entry) * 100 + Int64(row.position.row))]
        )
    }
}
