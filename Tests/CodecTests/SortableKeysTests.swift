import Codec
import Domain
import Testing

struct SortableKeysTests {
    private static let texts = [
        "", "\0", "\0\0", "a", "a\0", "a\0b", "a\u{1}", "ab", "abcdefg", "abcdefgh", "abcdefghi",
        "é",
    ]
    private static let tables: [(types: [KeyType], keys: [EntityKey])] = [
        ([.int64], [.min, -256, -1, 0, 1, 255, 256, .max].map { EntityKey([.int64($0)]) }),
        ([.string], texts.map { EntityKey([.string($0)]) }),
        (
            [.bytes],
            [[], [0], [0, 0], [0, 1], [0, 255], [1], [255]].map { EntityKey([.bytes($0)]) }
        ),
        (
            [.string, .string],
            texts.flatMap { a in texts.map { EntityKey([.string(a), .string($0)]) } }
        ),
        (
            [.int64, .string],
            [-1, 0, 1].flatMap { n in texts.map { EntityKey([.int64(n), .string($0)]) } }
        ),
    ]

    @Test func `keys compare as their canonical bytes do`() {
        for (types, keys) in Self.tables {
            var list = SortableKeys(types)
            for key in keys { list.append(key) }
            let bytes = keys.map(KeyCodec.encode)
            for left in keys.indices {
                #expect(list.canonicalBytes(left) == bytes[left])
                for right in keys.indices {
                    let before = bytes[left].lexicographicallyPrecedes(bytes[right])
                    #expect((list.compare(left, list, right) < 0) == before)
                    #expect((list.compare(left, list, right) == 0) == (left == right))
                }
            }
        }
    }

    @Test func `a search finds the first key not before and the first after`() {
        for (types, keys) in Self.tables {
            var list = SortableKeys(types)
            for key in keys { list.append(key) }
            let order = keys.indices.sorted { list.compare($0, list, $1) < 0 }
            var sorted = SortableKeys(types)
            // Each second key twice, so that others are sought in vain.
            for index in stride(from: 0, to: order.count, by: 2) {
                sorted.append(order[index], of: list)
                sorted.append(order[index], of: list)
            }
            for key in keys.indices {
                for start in 0...sorted.count {
                    let notBefore = (start..<sorted.count).first {
                        sorted.compare($0, list, key) >= 0
                    }
                    let after = (start..<sorted.count).first { sorted.compare($0, list, key) > 0 }
                    #expect(
                        sorted.firstIndex(from: start, notBefore: list, key) == notBefore
                            ?? sorted.count
                    )
                    #expect(
                        sorted.firstIndex(from: start, after: list, key) == after ?? sorted.count
                    )
                }
            }
        }
    }
}
