import Artifacts
import Codec
import Domain
import Testing

@testable import Training

/// How answers are cut, and that the cut changes nothing.
struct BatchTests {
    @Test func `chunks of the upload change neither the rows nor a digest`() throws {
        let scratch = try Scratch()
        let view = try FeatureView.test(
            features: [(1, "value", .float64), (2, "text", .string), (3, "tags", .list(.int32))])
        try scratch.push(
            1,
            view,
            (0..<500).map { row in
                (
                    row % 50, row, 1,
                    [
                        row % 7 == 0 ? .null : .float64(Double(row)),
                        .string(String(repeating: "x", count: Int(row % 9))),
                        .list([.int32(Int32(row))]),
                    ]
                )
            }
        )
        let count: Int64 = 3_000
        let spine = try RecordBatch.test([
            ("id", .int64, (0..<count).map { $0 % 11 == 0 ? .null : .int64($0 * 7 % 60) }),
            ("when", .timestamp, (0..<count).map { .timestamp(time($0 * 13 % 600)) }),
            ("flag", .bool, (0..<count).map { $0 % 3 == 0 ? .null : .bool($0 % 2 == 0) }),
            ("name", .string, (0..<count).map { $0 % 5 == 0 ? .null : .string("n\($0)") }),
        ])
        let plan = try FeaturePlan.test([view.part()])
        let whole = try scratch.make(plan, spine)
        for batchRows in [1_023, 1_024, 1_025, 77] {
            let made = try scratch.make(plan, spine, batchRows: batchRows)
            #expect(made.record.digest == whole.record.digest)
            #expect(made.record.spineDigest == whole.record.spineDigest)
            #expect(made.record.spineArtifact == whole.record.spineArtifact)
            #expect(made.values("value") == whole.values("value"))
        }
        #expect(whole.values("name") == spine.values("name"))
        #expect(try scratch.remake(whole.record, plan).0 == whole.record.digest)
    }

    @Test(arguments: [TrainingMemory(chunkBytes: 1), TrainingMemory(textBytes: 1_000)])
    func `a spine joined in pieces is the spine joined whole`(memory: TrainingMemory) throws {
        let scratch = try Scratch()
        let view = try FeatureView.test(
            features: [(1, "value", .float64), (2, "text", .string)],
            lookback: TimeSpan(microseconds: 300)
        )
        try scratch.push(
            1,
            view,
            (0..<500).map { ($0 % 50, $0, 700, [.float64(Double($0)), .string("text \($0)")]) }
        )
        let count: Int64 = 5_000
        let spine = try RecordBatch.test([
            ("id", .int64, (0..<count).map { $0 % 11 == 0 ? .null : .int64($0 * 7 % 60) }),
            ("when", .timestamp, (0..<count).map { .timestamp(time($0 * 13 % 900)) }),
            ("name", .string, (0..<count).map { .string("n\($0)") }),
        ])
        let plan = try FeaturePlan.test([view.part()])
        let whole = try scratch.make(plan, spine)
        let pieces = TrainingSets(
            offline: scratch.offline,
            artifacts: scratch.artifacts,
            memory: memory
        )
        for batchRows in [5_000, 700] {
            let made = try scratch.make(plan, spine, batchRows: batchRows, by: pieces)
            #expect(made.record.digest == whole.record.digest)
            #expect(made.record.spineArtifact == whole.record.spineArtifact)
            #expect(made.record.reports == whole.record.reports)
            #expect(made.values("text") == whole.values("text"))
        }
        let again = try pieces.remake(
            whole.record,
            plan: plan,
            emit: { _, _ in },
            isCancelled: { false }
        )
        #expect(again.digest == whole.record.digest && again.reports == whole.record.reports)
    }

    @Test func `texts that take just the limit are gathered, and one byte more is refused`() throws
    {
        let scratch = try Scratch()
        let view = try FeatureView.test(features: [(1, "text", .string)])
        try scratch.push(1, view, [(1, 1, 1, [.string("0123456789")])])
        let plan = try FeaturePlan.test([view.part()])
        let spine = try RecordBatch.test([
            ("id", .int64, [.int64(1)]), ("when", .timestamp, [.timestamp(time(5))]),
        ])
        // Ten bytes and two offsets of four.
        for (most, fits) in [(18, true), (17, false)] {
            let sets = TrainingSets(
                offline: scratch.offline,
                artifacts: scratch.artifacts,
                memory: TrainingMemory(textBytes: most)
            )
            let made = Result { try scratch.make(plan, spine, by: sets) }
            switch made {
            case .success(let made): #expect(fits && made.values("text") == [.string("0123456789")])
            case .failure(let error):
                #expect(!fits && (error as? AlulaError)?.code == .resourceExhausted)
            }
        }
    }

    @Test(arguments: [1, 100, 1_000, 4_096])
    func `batches fit a frame whatever the number of columns`(columns: Int) throws {
        let rows = max(1, 400_000 / columns)
        let column = Column(int64s: (0..<Int64(rows)).map { $0 })
        let nulls = try Column(.string, (0..<rows).map { $0 % 2 == 0 ? .null : .string("abc") })
        let batch = RecordBatch(
            schema: Schema(
                fields: (0..<columns).map {
                    .init(name: "c\($0)", type: $0 % 2 == 0 ? .int64 : .string)
                }
            ),
            columns: (0..<columns).map { $0 % 2 == 0 ? column : nulls },
            rowCount: rows
        )
        var taken = 0
        try cut([batch]) { bytes, piece in
            #expect(piece.rowCount > 0 && piece.rowCount <= Limits.batchRows)
            #expect(bytes.count <= AnswerWriter.goalBytes)
            #expect(bytes == BatchCodec.encode(piece))
            #expect(piece == batch.slice(taken..<taken + piece.rowCount))
            taken += piece.rowCount
        }
        #expect(taken == rows)
    }

    @Test(arguments: [ValueType.int64, .bool, .int32, .float64, .fixedList(.float32, length: 3)])
    func `columns of fixed width are sent as they are`(type: ValueType) throws {
        let values: [FeatureValue] = (0..<3_001).map { row in
            guard row % 7 != 0 else { return .null }
            return switch type {
            case .int64: .int64(Int64(row))
            case .bool: .bool(row % 2 == 0)
            case .int32: .int32(Int32(row))
            case .float64: .float64(Double(row))
            default: .list((0..<3).map { .float32(Float(row + $0)) })
            }
        }
        let batch = try RecordBatch.test([
            ("a", type, values), ("b", .int64, values.map { _ in .int64(1) }),
        ])
        var taken = 0
        let digest = try cut([batch]) { bytes, piece in
            #expect(bytes == BatchCodec.encode(piece))
            #expect(piece == batch.slice(taken..<taken + piece.rowCount))
            taken += piece.rowCount
        }
        let expected = TableDigest(batch.schema)
        expected.add(batch.columns, rows: batch.rowCount)
        #expect(taken == 3_001 && digest == expected.finish())
    }

    /// Sends batches one after the other through one writer, and answers the digest.
    @discardableResult
    private func cut(
        _ batches: [RecordBatch],
        body: @escaping ([UInt8], RecordBatch) -> Void = { _, _ in }
    ) throws -> ContentDigest {
        let writer = AnswerWriter(batches[0].schema) { schema, assembled in
            let bytes = assembled.bytes()
            body(bytes, try BatchCodec.decode(bytes, schema: schema))
        }
        for batch in batches {
            let columns = batch.columns.map { column in
                let gathered = GatheredColumn(column.type, count: batch.rowCount)
                gathered.place(column, from: 0)
                return gathered
            }
            try writer.write(columns, rows: batch.rowCount, isCancelled: { false })
        }
        return writer.finish()
    }

    @Test func `a wide row goes alone, and one that fits no frame is refused by its number`() throws
    {
        func batch(_ sizes: [Int]) throws -> RecordBatch {
            try .test(
                (0..<4).map { column in
                    ("c\(column)", .bytes, sizes.map { .bytes([UInt8](repeating: 7, count: $0)) })
                }
            )
        }
        var rows: [Int] = []
        try cut([try batch([100_000, 200_000, 10, 10, 240_000])]) { bytes, piece in
            rows.append(piece.rowCount)
            #expect(bytes.count <= AnswerWriter.goalBytes)
        }
        #expect(rows == [1, 3, 1])
        let error = #expect(throws: AlulaError.self) {
            try cut([
                try batch([Int](repeating: 1, count: 40)), try batch([10, 250_000]),
            ])
        }
        #expect(error?.code == .resourceExhausted && error?.message.hasPrefix("row 41 ") == true)
    }

    @Test func `a kept spine is read whole, and every truncation and change of it is an error`()
        throws
    {
        let scratch = try Scratch()
        let schema = Schema(fields: [
            .init(name: "a", type: .int64), .init(name: "é", type: .list(.string)),
        ])
        let page = RecordBatch(
            schema: schema,
            columns: [
                try Column(.int64, [.int64(1), .null]),
                try Column(.list(.string), [.null, .list([.string("x")])]),
            ],
            rowCount: 2
        )
        let writer = try SpineFileWriter(try scratch.artifacts.writer(), schema: schema)
        try writer.append(page)
        let digest = try writer.finish(rows: 2)
        var bytes: [UInt8] = []
        try scratch.artifacts.read(digest, chunkBytes: 100) { bytes += $0 }
        func parse(_ bytes: [UInt8], by step: Int) throws -> [RecordBatch] {
            var parser = SpineParser()
            var pages: [RecordBatch] = []
            for start in stride(from: 0, to: bytes.count, by: step) {
                parser.add(Array(bytes[start..<min(start + step, bytes.count)]))
                while let page = try parser.next() { pages.append(page) }
            }
            _ = try parser.finish()
            return pages
        }
        for step in [1, 7, 10_000] { #expect(try parse(bytes, by: step) == [page]) }
        for length in bytes.indices {
            #expect(throws: AlulaError.self) { try parse(Array(bytes[..<length]), by: 50) }
        }
        #expect(throws: AlulaError.self) { try parse(bytes + [0], by: 50) }
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0xFF
            // A changed value is found by the artifact's hash; here it must only not trap.
            _ = try? parse(changed, by: 10_000)
        }
    }
}
