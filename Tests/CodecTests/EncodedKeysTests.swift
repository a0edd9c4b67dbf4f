import Codec
import Domain
import Testing

struct EncodedKeysTests {
    private static let entity = EntityID(258)
    private static let texts = ["", "\0", "a\0b", "a", "abcdefgh", "abcdefghi", "abcdefgh\0", "é"]

    /// Columns of keys, some of them more than once.
    private static let tables: [[Column]] = {
        let numbers: [Int64] = [7, .min, -256, -1, 7, 0, 1, 255, 256, .max, 7, -1]
        let blobs: [[UInt8]] = [[], [0], [0, 0], [0, 1], [0, 255], [1], [255], [0], [], [0, 0]]
        func column(_ type: ValueType, _ values: [FeatureValue]) -> Column {
            guard let column = try? Column(type, values) else { preconditionFailure("a bad case") }
            return column
        }
        let many = (0..<3_000).map { Int64(truncatingIfNeeded: $0 &* 0x9E37_79B9_7F4A_7C15) % 997 }
        return [
            [column(.int64, numbers.map { .int64($0) })],
            [column(.int64, many.map { .int64($0) })],
            [column(.string, (texts + texts).map { .string($0) })],
            [column(.bytes, blobs.map { .bytes($0) })],
            [
                column(.string, texts.flatMap { text in texts.map { _ in .string(text) } }),
                column(.string, texts.flatMap { _ in texts.map { .string($0) } }),
            ],
            [
                column(.int64, texts.flatMap { _ in [-1, 0, 0, 1].map { .int64($0) } }),
                column(.string, texts.flatMap { text in (0..<4).map { _ in .string(text) } }),
            ],
            [column(.int64, [])],
        ]
    }()

    @Test func `each key is the entity's id and the canonical key`() {
        for columns in Self.tables {
            let keys = EncodedKeys(Self.entity, columns: columns)
            #expect(keys.count == columns[0].count)
            for row in 0..<keys.count {
                #expect(Array(keys[row]) == [0, 0, 1, 2] + KeyCodec.encode(columns, row: row))
            }
        }
    }

    @Test func `rows come sorted by their keys' bytes, those of one key in their order`() {
        for columns in Self.tables {
            let keys = EncodedKeys(Self.entity, columns: columns)
            let order = keys.sorted()
            let expected = (0..<keys.count).sorted { left, right in
                guard keys[left] != keys[right] else { return left < right }
                return keys[left].lexicographicallyPrecedes(keys[right])
            }
            #expect(order.rows.map(Int.init) == expected)
            var starts: [Int32] = []
            for (place, row) in expected.enumerated()
            where place == 0 || keys[row] != keys[expected[place - 1]] {
                starts.append(Int32(place))
            }
            #expect(order.starts == starts + [Int32(keys.count)])
            let distinct = keys.taking(firstOf: order)
            #expect(distinct.count == order.keys)
            for place in 0..<distinct.count {
                #expect(distinct[place] == keys[Int(order.rows[Int(order.starts[place])])])
            }
        }
    }
}
