import Codec
import Domain
import Testing

struct KeyCodecTests {
    @Test(
        arguments: [
            ([KeyPart.int64(0)], [3, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            ([.int64(-1)], [3, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            ([.int64(258)], [3, 0x80, 0, 0, 0, 0, 0, 1, 2]),
            ([.string("")], [6, 0, 1]),
            ([.string("a\0b")], [6, 0x61, 0, 0xFF, 0x62, 0, 1]),
            ([.bytes([0xFF, 0])], [7, 0xFF, 0, 0xFF, 0, 1]),
            ([.string("é"), .int64(1)], [6, 0xC3, 0xA9, 0, 1, 3, 0x80, 0, 0, 0, 0, 0, 0, 1]),
        ] as [([KeyPart], [UInt8])]
    )
    func `a key has the bytes that are drawn`(parts: [KeyPart], bytes: [UInt8]) throws {
        #expect(KeyCodec.encode(EntityKey(parts)) == bytes)
        #expect(try KeyCodec.decode(bytes, parts: parts.count) == EntityKey(parts))
    }

    private static let numbers: [Int64] = [.min, -256, -1, 0, 1, 255, 256, .max]
    private static let texts = [
        "", "\0", "\0\0", "\0\u{1}", "\u{1}", "1", "11", "12", "2", "a", "a\0", "a\0a", "aa", "é",
    ]

    @Test func `bytes sort as numbers do`() {
        for left in Self.numbers {
            for right in Self.numbers {
                #expect(precedes([.int64(left)], [.int64(right)]) == (left < right))
            }
        }
    }

    @Test func `bytes sort as texts do, part by part`() {
        for left in Self.texts {
            for right in Self.texts {
                for (tail, otherTail) in [("", ""), ("a", ""), ("", "a"), ("\0", "b")] {
                    let expected =
                        left == right
                        ? Array(tail.utf8).lexicographicallyPrecedes(Array(otherTail.utf8))
                        : Array(left.utf8).lexicographicallyPrecedes(Array(right.utf8))
                    #expect(
                        precedes(
                            [.string(left), .string(tail)],
                            [.string(right), .string(otherTail)]
                        )
                            == expected
                    )
                }
            }
        }
    }

    @Test func `parts are kept apart`() {
        let keys = [["1", "12"], ["11", "2"], ["112", ""], ["", "112"], ["1\0", "12"]]
        let encoded = Set(keys.map { KeyCodec.encode(EntityKey($0.map { .string($0) })) })
        #expect(encoded.count == keys.count)
    }

    @Test func `a row of columns has the bytes of its key`() throws {
        let columns = [
            try Column(.int64, [.int64(7), .int64(-7)]),
            try Column(.string, [.string("a\0"), .string("")]),
            try Column(.bytes, [.bytes([]), .bytes([0, 1])]),
        ]
        let keys = [
            EntityKey([.int64(7), .string("a\0"), .bytes([])]),
            EntityKey([.int64(-7), .string(""), .bytes([0, 1])]),
        ]
        for row in 0..<2 {
            #expect(KeyCodec.encode(columns, row: row) == KeyCodec.encode(keys[row]))
        }
    }

    @Test func `a cut key throws`() throws {
        let bytes = KeyCodec.encode(EntityKey([.string("a\0b"), .int64(5), .bytes([0, 9])]))
        for end in bytes.indices {
            #expect(throws: AlulaError.self) { try KeyCodec.decode(bytes[..<end], parts: 3) }
        }
        #expect(throws: AlulaError.self) { try KeyCodec.decode(bytes + [0], parts: 3) }
    }

    @Test func `no changed byte traps, and none gives the same key`() throws {
        let key = EntityKey([.string("a\0é"), .int64(5), .bytes([0, 9])])
        let bytes = KeyCodec.encode(key)
        for index in bytes.indices {
            for change in UInt8(1)...255 {
                var changed = bytes
                changed[index] ^= change
                let decoded = try? KeyCodec.decode(changed, parts: 3)  // throwing is as good
                #expect(decoded != key)
            }
        }
    }

    private func precedes(_ left: [KeyPart], _ right: [KeyPart]) -> Bool {
        KeyCodec.encode(EntityKey(left))
            .lexicographicallyPrecedes(KeyCodec.encode(EntityKey(right)))
    }
}
