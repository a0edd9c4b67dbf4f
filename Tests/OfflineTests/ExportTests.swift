import Codec
import Domain
import TestSupport
import Testing

@testable import Offline

struct ExportTests {
    @Test func `batches are of a size that fits a frame, whatever the rows are like`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let view = try FeatureView.test(features: [(1, "text", .string)])
        var random = SeededRandom(seed: 1)
        let lengths = (0..<300).map { _ in
            Int.random(in: 0...9, using: &random) == 0 ? 200_000 : 10
        }
        for entry in 1...3 as ClosedRange<UInt64> {
            let rows = try view.rows(
                (0..<100).map {
                    let text = String(repeating: "x", count: lengths[100 * Int(entry - 1) + $0])
                    return (key(.int64(Int64($0))), Int64(entry), 1, [.string(text)])
                }
            )
            try store.push(entry, rows, view)
        }
        var (rows, batches) = (0, 0)
        try store.export(
            of: view,
            through: 3,
            from: nil,
            until: nil,
            isCancelled: { false }
        ) { batch in
            let columns = batch.rows.keys + [batch.rows.event] + batch.rows.features
            let bytes = columns.reduce(0) { $0 + BatchCodec.byteCount($1) }
            #expect(bytes <= 600 << 10)
            #expect(batch.recorded.count == batch.rows.count)
            #expect(batch.importIDs.allSatisfy { $0 == nil })
            rows += batch.rows.count
            batches += 1
        }
        #expect(rows == 300 && batches > 10 && batches < 100)
    }

    @Test func `both ends of the span are in it, and it is not empty`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let view = try FeatureView.test()
        let one = key(.int64(1))
        try store.push(1, view.rows((0..<9).map { (one, $0, 1, [.int64($0)]) }), view)
        func exported(_ from: Int64?, _ until: Int64?) throws -> [Int64] {
            var events: [Int64] = []
            try store.export(
                of: view,
                through: 1,
                from: from.map(time),
                until: until.map(time),
                isCancelled: { false }
            ) { events += $0.rows.event.int64s }
            return events
        }
        #expect(try exported(nil, nil) == Array(0..<9))
        #expect(try exported(3, 5) == [3, 4, 5])
        #expect(try exported(8, nil) == [8])
        #expect(try exported(nil, 0) == [0])
        #expect(try exported(9, nil) == [])
        #expect(throws: AlulaError.self) { try exported(5, 4) }
    }

    @Test func `an export stops when it is cancelled`() throws {
        let scratch = try Scratch()
        let store = try scratch.store()
        let view = try FeatureView.test()
        try store.push(1, view.rows([(key(.int64(1)), 1, 1, [.null])]), view)
        let error = #expect(throws: AlulaError.self) {
            try store.export(
                of: view,
                through: 1,
                from: nil,
                until: nil,
                isCancelled: { true }
            ) { _ in Issue.record("a cancelled export gave rows") }
        }
        #expect(error?.code == .cancelled)
    }
}
