import Codec
import Domain
import Testing

struct BatchCodecTests {
    private static func batch() throws -> RecordBatch {
        let columns: [(String, ValueType, [FeatureValue])] = [
            ("flag", .bool, [.bool(true), .null, .bool(false)]),
            ("small", .int32, [.int32(-1), .int32(2), .null]),
            ("name", .string, [.string("é"), .null, .string("")]),
            ("tags", .list(.string), [.list([.string("a"), .string("bc")]), .list([]), .null]),
            (
                "embedding", .fixedList(.float32, length: 2),
                [.list([.float32(1), .float32(2)]), .null, .list([.float32(3), .float32(4)])]
            ),
            ("amount", .float64, [.float64(0.5), .float64(-1), .float64(9)]),
        ]
        return RecordBatch(
            schema: Schema(fields: columns.map { .init(name: $0.0, type: $0.1) }),
            columns: try columns.map { try Column($0.1, $0.2) },
            rowCount: 3
        )
    }

    @Test func `a batch is read as it was written`() throws {
        let batch = try Self.batch()
        #expect(try BatchCodec.decode(BatchCodec.encode(batch), schema: batch.schema) == batch)
    }

    @Test func `a batch of no rows is read as it was written`() throws {
        let batch = try Self.batch().taking([])
        #expect(try BatchCodec.decode(BatchCodec.encode(batch), schema: batch.schema) == batch)
    }

    @Test func `wide batches have their buffers at multiples of 64`() throws {
        var builder = ColumnBuilder(.float64)
        for row in 0..<10_000 { builder.append(fixed: Double(row)) }
        let column = builder.finish()
        let batch = RecordBatch(
            schema: Schema(fields: [.init(name: "x", type: .float64)]),
            columns: [column],
            rowCount: 10_000
        )
        let bytes = BatchCodec.encode(batch)
        #expect(bytes.count == 64 + 80_000 && bytes.count % 64 == 0)
        #expect(try BatchCodec.decode(bytes, schema: batch.schema) == batch)
    }

    @Test func `every truncation is an error`() throws {
        let batch = try Self.batch()
        let bytes = BatchCodec.encode(batch)
        // The last buffer ends with the batch: anything shorter lacks a value.
        for length in 0..<bytes.count {
            #expect(throws: AlulaError.self, "\(length) bytes") {
                try BatchCodec.decode(Array(bytes.prefix(length)), schema: batch.schema)
            }
        }
    }

    @Test func `every change of one byte gives a batch or an error, never a trap`() throws {
        let batch = try Self.batch()
        let bytes = BatchCodec.encode(batch)
        for index in bytes.indices {
            for value in [0, 1, 0x7F, 0x80, 0xFF, bytes[index] ^ 0x10] as [UInt8] {
                var changed = bytes
                changed[index] = value
                guard let read = try? BatchCodec.decode(changed, schema: batch.schema) else {
                    continue
                }
                for column in read.columns {
                    for row in 0..<read.rowCount { _ = column[row] }
                }
            }
        }
    }

    @Test func `random bytes give a batch or an error, never a trap`() throws {
        let schema = try Self.batch().schema
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            var bytes = (0..<Int.random(in: 0...200)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if bytes.count >= 8 {
                bytes.replaceSubrange(0..<8, with: [UInt8.random(in: 0...9), 0, 0, 0, 6, 0, 0, 0])
            }
            // Either is fine; a trap ends the test.
            _ = try? BatchCodec.decode(bytes, schema: schema)
        }
    }

    @Test func `text that is not UTF-8 is refused with its column`() throws {
        let batch = try Self.batch()
        var bytes = BatchCodec.encode(batch)
        let position = try #require(
            bytes.indices.first { bytes[$0] == 0xC3 && bytes[$0 + 1] == 0xA9 }
        )
        bytes[position + 1] = 0x41
        let error = #expect(throws: AlulaError.self) {
            try BatchCodec.decode(bytes, schema: batch.schema)
        }
        #expect(error?.message == "column \"name\": a string is not valid UTF-8")
    }

    @Test func `lengths are checked before memory is taken`() throws {
        let schema = Schema(fields: [.init(name: "x", type: .int64)])
        var bytes = [UInt8](repeating: 0, count: 16)
        bytes.replaceSubrange(0..<8, with: [0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0])
        let error = #expect(throws: AlulaError.self) {
            try BatchCodec.decode(bytes, schema: schema)
        }
        #expect(error?.message.contains("at most 65536") == true)
    }

    @Test func `NaNs and the slots of nulls come out in one form`() throws {
        let schema = Schema(fields: [.init(name: "x", type: .float64)])
        var bytes: [UInt8] = [
            2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0b01, 0, 0, 0, 0, 0, 0, 0,
        ]
        bytes += [1, 2, 3, 4, 5, 6, 0xF8, 0xFF]  // a NaN with a payload
        bytes += [9, 9, 9, 9, 9, 9, 9, 9]  // behind a null
        let column = try BatchCodec.decode(bytes, schema: schema).columns[0]
        #expect(column.values == [0, 0, 0, 0, 0, 0, 0xF8, 0x7F] + [UInt8](repeating: 0, count: 8))
        #expect(column[1] == .null)
    }
}

struct ChecksumTests {
    @Test func `the check value of CRC-32C and the empty one`() {
        #expect(Checksum.crc32c(Array("123456789".utf8)) == 0xE306_9283)
        #expect(Checksum.crc32c([UInt8]()) == 0)
        #expect(Checksum.crc32c([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)  // RFC 3720, B.4
    }

    @Test func `every bit of every position counts`() {
        let bytes = (0..<40).map { UInt8($0) }
        let sum = Checksum.crc32c(bytes)
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                #expect(Checksum.crc32c(changed) != sum)
            }
        }
    }
}
