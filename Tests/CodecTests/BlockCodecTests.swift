import Codec
import Domain
import Testing

struct BlockCodecTests {
    static let columns: [(type: ValueType, values: [FeatureValue])] = [
        (.bool, [.bool(true), .null, .bool(false)]),
        (.int32, [.int32(1), .int32(-1), .null]),
        (.int64, [.int64(.min), .int64(.max), .int64(0)]),
        (.float64, [.float64(0.5), .null, .float64(.nan)]),
        (.string, [.string("a"), .null, .string("")]),
        (.bytes, []),
        (.timestamp, [.timestamp(Timestamp(microseconds: 5))]),
        (.list(.int32), [.list([.int32(1), .int32(2)]), .null, .list([])]),
        (.list(.string), [.list([.string("x"), .string("")]), .list([]), .null]),
        (.fixedList(.float32, length: 2), [.null, .list([.float32(1), .float32(2)])]),
        (
            .fixedList(.bool, length: 9),
            [.list([FeatureValue](repeating: .bool(true), count: 9)), .null]
        ),
        (.fixedList(.bytes, length: 1), [.list([.bytes([0, 255])]), .null]),
    ]

    private func decode(_ bytes: [UInt8], _ type: ValueType, _ rows: Int) throws -> Column {
        try bytes.withUnsafeBytes { try BlockCodec.decode($0, type: type, rows: rows) }
    }

    @Test func `a block is read as it was written`() throws {
        for (type, values) in Self.columns {
            let column = try Column(type, values)
            #expect(try decode(BlockCodec.encode(column), type, values.count) == column)
        }
    }

    @Test func `every truncation and every changed byte is an error`() throws {
        for (type, values) in Self.columns {
            let bytes = BlockCodec.encode(try Column(type, values))
            for length in 0..<bytes.count {
                #expect(throws: AlulaError.self) {
                    try decode(Array(bytes[..<length]), type, values.count)
                }
            }
            for index in bytes.indices {
                var changed = bytes
                changed[index] ^= 0x41
                #expect(throws: AlulaError.self) { try decode(changed, type, values.count) }
            }
            #expect(throws: AlulaError.self) { try decode(bytes + [0], type, values.count) }
            #expect(throws: AlulaError.self) { try decode(bytes, type, values.count + 1) }
        }
    }

    @Test func `bytes with a right checksum and wrong lengths are an error, not a trap`() throws {
        for (type, values) in Self.columns {
            let bytes = BlockCodec.encode(try Column(type, values))
            for other in Self.columns.map(\.type) {
                for index in 8..<bytes.count {
                    var changed = bytes
                    changed[index] ^= 0x81
                    let checksum = changed[8...].withUnsafeBytes { Checksum.xxh64($0) }
                    withUnsafeBytes(of: checksum.littleEndian) {
                        changed.replaceSubrange(0..<8, with: $0)
                    }
                    // Whether it can be read depends on what was changed; it must not trap.
                    _ = try? decode(changed, other, values.count)
                }
            }
        }
    }
}
