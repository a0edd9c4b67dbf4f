import Domain
import Tabular
import TestSupport
import Testing

struct RoundTripTests {
    @Test(arguments: TabularFormat.allCases)
    func `what is written is read back as it was`(_ format: TabularFormat) throws {
        let source = try batch(everyValue, everyType)
        var text: [UInt8] = []
        let writer = TextWriter(format, schema: source.schema)
        writer.appendHeader(to: &text)
        writer.append(source, to: &text)
        for size in [1, 7, 1 << 20] {
            let found = try read(text, everyType, format: format, pieceBytes: size)
            #expect(found.rows == everyValue, "pieces of \(size)")
        }
    }

    @Test(arguments: TabularFormat.allCases)
    func `NaN comes back as NaN`(_ format: TabularFormat) throws {
        let columns = [TabularColumn("f", .float32), TabularColumn("d", .float64)]
        let source = try batch([[.float32(.nan), .float64(.nan)]], columns)
        var text: [UInt8] = []
        let writer = TextWriter(format, schema: source.schema)
        writer.appendHeader(to: &text)
        writer.append(source, to: &text)
        let row = try #require(try read(text, columns, format: format).rows.first)
        guard case .float32(let single) = row[0], case .float64(let double) = row[1] else {
            return #expect(Bool(false), "\(row)")
        }
        #expect(single.isNaN && double.isNaN)
    }

    @Test(arguments: TabularFormat.allCases)
    func `every truncation of a file ends in rows or in an error, and never traps`(
        _ format: TabularFormat
    ) throws {
        let source = try batch(everyValue, everyType)
        var text: [UInt8] = []
        let writer = TextWriter(format, schema: source.schema)
        writer.appendHeader(to: &text)
        writer.append(source, to: &text)
        for count in 0..<text.count {
            for policy in BadRowPolicy.allCases {
                let rows = try? read(  // an error is as good as rows here
                    Array(text.prefix(count)),
                    everyType,
                    format: format,
                    policy: policy
                ).rows
                #expect((rows?.count ?? 0) <= everyValue.count)
            }
            _ = try? TypeInference.schema(  // likewise
                of: .bytes(Array(text.prefix(count)), name: "x"),
                format: format,
                known: [:]
            )
        }
    }

    @Test(arguments: TabularFormat.allCases)
    func `every change of one byte ends in rows or in an error, and never traps`(
        _ format: TabularFormat
    ) throws {
        let source = try batch(everyValue, everyType)
        var text: [UInt8] = []
        let writer = TextWriter(format, schema: source.schema)
        writer.appendHeader(to: &text)
        writer.append(source, to: &text)
        for index in text.indices {
            for byte: UInt8 in [0x00, 0x0A, 0x0D, 0x22, 0x2C, 0x5B, 0x5C, 0x39, 0xFF] {
                var changed = text
                changed[index] = byte
                _ = try? read(changed, everyType, format: format, policy: .skip)  // likewise
            }
        }
    }

    @Test(
        arguments: [
            (-62_167_219_200_000_000, "0000-01-01T00:00:00Z"),
            (-62_167_219_200_000_001, "-62167219200000001"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            (253_402_300_800_000_000, "253402300800000000"),
        ] as [(Int64, String)]
    )
    func `a time is ISO 8601 where four digits of year are enough`(
        _ microseconds: Int64,
        _ expected: String
    ) {
        let moment = Timestamp(microseconds: microseconds)
        #expect(ValueText.time(moment) == expected)
        if expected.hasSuffix("Z") {
            #expect(Timestamp(text: expected, rounding: .down) == moment)
        }
    }

    @Test func `chunks stay under a frame, and are the same each time`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededRandom(seed: seed)
        var csv = "id,t\n"
        for row in 0..<20_000 {
            let size = Int.random(in: 0...400, using: &generator)
            csv += "\(row)," + String(repeating: "x", count: size) + "\n"
        }
        func chunks(_ pieceBytes: Int) throws -> [RecordBatch] {
            var reader = try TabularReader(
                .bytes(Array(csv.utf8), name: "x", pieceBytes: pieceBytes),
                format: .csv,
                columns: [key, text]
            )
            var batches: [RecordBatch] = []
            while let chunk = try reader.next() { batches.append(chunk.batch) }
            return batches
        }
        let first = try chunks(1 << 20)
        #expect(first.map(\.rowCount).reduce(0, +) == 20_000, "seed \(seed)")
        #expect(first.count > 2, "seed \(seed)")
        for batch in first {
            let bytes = batch.columns.reduce(0) { $0 + $1.values.count + 4 * $1.offsets.count }
            #expect(bytes <= TabularReader.chunkBytes, "seed \(seed)")
        }
        #expect(try chunks(1_000) == first, "seed \(seed)")
    }

    @Test func `a chunk has at most as many rows as asked, numbered on`() throws {
        var reader = try TabularReader(
            .bytes(Array("id\n1\n2\n3\n".utf8), name: "x"),
            format: .csv,
            columns: [key],
            chunkRows: 2
        )
        let first = try #require(try reader.next())
        let second = try #require(try reader.next())
        #expect((first.batch.rowCount, first.firstRow) == (2, 1))
        #expect((second.batch.rowCount, second.firstRow) == (1, 3))
        #expect(try reader.next() == nil)
        #expect(reader.rowsRead == 3)
    }
}
