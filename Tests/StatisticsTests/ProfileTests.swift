import Domain
import TestSupport
import Testing

@testable import Statistics

struct ProfileTests {
    @Test func `nulls, NaN and infinite values are counted and in nothing else`() throws {
        let column = try Column(
            .float64,
            [.float64(1), .null, .float64(.nan), .float64(.infinity), .float64(3), .null]
        )
        let found = try profile(column)
        #expect(found.rows == 6 && found.nulls == 2 && found.notFinite == 2)
        #expect(found.moments.count == 2 && found.moments.mean == 2)
        #expect(found.moments.deviation == 1)
        #expect(found.distinctCount == 2)
        #expect(found.quantiles.quantile(0.5) == 1)
    }

    @Test func `numbers so great that their sum is infinite are numbers still`() throws {
        let found = try profile(doubles([1e308, 1e308, 1e308, -1e308]))
        #expect(found.notFinite == 0 && found.moments.count == 4)
        #expect(found.moments.maximum == 1e308)
    }

    @Test func `each type has a profile of its own kind`() throws {
        let ints = try profile(Column(.int32, [.int32(5), .int32(-5), .null, .int32(5)]))
        #expect(ints.top(1).map(\.text) == ["5"] && ints.top(1).map(\.count) == [2])
        let flags = try profile(Column(.bool, [.bool(true), .bool(false), .null, .bool(true)]))
        #expect(flags.top(2).map(\.text) == ["true", "false"])
        #expect(flags.top(2).map(\.count) == [2, 1] && flags.distinctCount == 2)
        let texts = try profile(Column(.string, [.string("é"), .string(""), .string("é")]))
        #expect(texts.top(2).map(\.text) == ["é", ""])
        let bytes = try profile(Column(.bytes, [.bytes([0xAB, 0x01])]))
        #expect(bytes.top(1).map(\.text) == ["ab01"])
        let embedding = try profile(
            Column(
                .fixedList(.float32, length: 2),
                [.list([.float32(3), .float32(4)]), .null, .list([.float32(0), .float32(2)])]
            )
        )
        #expect(embedding.nulls == 1 && embedding.moments.maximum == 5)
        #expect(embedding.dimensionMeans == [1.5, 3])
        let words = try profile(
            Column(.list(.string), [.list([.string("a"), .string("b")]), .list([])])
        )
        #expect(words.moments.mean == 1 && words.moments.maximum == 2)
        #expect(try profile(Column(.float64, [])).distinctCount == 0)
    }

    @Test func `a long text is cut between two characters`() throws {
        let long = String(repeating: "ä", count: 200)
        let top = try profile(Column(.string, [.string("x" + long)])).top(1)
        #expect(top[0].text == "x" + String(repeating: "ä", count: 47))
    }

    @Test func `the same columns make the same profile`() throws {
        let column = doubles(normals(70_000, seed: 1))
        #expect(try profile(column) == profile(column))
        let other = try profile(column, step: 1_000)
        #expect(try profile(column).quantiles == other.quantiles)
    }

    @Test func `values where they stand make the profile of their column`() throws {
        var random = SeededRandom(seed: 8)
        for type in [ValueType.int32, .int64, .float32, .float64, .timestamp] {
            for nulls in [0.0, 0.3, 1.0] {
                let values = (0..<5_000).map { _ -> FeatureValue in
                    if random.chance(nulls) { return .null }
                    let number = Int64.random(in: -4_000...4_000, using: &random)
                    return switch type {
                    case .int32: .int32(Int32(number))
                    case .float32: .float32(Float(number) / 3)
                    case .float64: .float64(Double(number) / 7)
                    case .timestamp: .timestamp(Timestamp(microseconds: number))
                    default: .int64(number)
                    }
                }
                let column = try Column(type, values)
                var expected = ProfileBuilder(name: "f", type: type)
                expected.add(column)
                var found = ProfileBuilder(name: "f", type: type)
                let present = values.map { $0 == .null ? UInt8(0) : 1 }
                column.values.withUnsafeBytes { raw in
                    present.withUnsafeBufferPointer { found.add(raw, present: $0) }
                }
                #expect(found.finish() == expected.finish())
            }
        }
    }

    @Test func `a histogram has every row`() throws {
        let found = try profile(doubles(normals(50_000, seed: 6)))
        let histogram = found.histogram(bins: 20)
        #expect(histogram.edges.count == 21)
        #expect(isNear(histogram.counts.reduce(0, +), 50_000))
        let flat = try profile(doubles([2, 2])).histogram(bins: 2)
        #expect(flat.counts == [0, 2])
    }

    @Test func `bytes bring back the profile`() throws {
        let table = try Self.table()
        #expect(try TableProfile(decoding: table.encoded()) == table)
    }

    private static func table() throws -> TableProfile {
        var random = SeededRandom(seed: 3)
        let ids = (0..<2_000).map { FeatureValue.string("id\($0)") }
        return TableProfile(
            rows: 2_000,
            features: [
                try profile(doubles(normals(3_000, seed: 3)), name: "amount"),
                try profile(doubles((0..<500).map { _ in random.chance(0.5) ? 1 : 0 })),
                try profile(Column(.string, ids), name: "id"),
                try profile(Column(.fixedList(.int32, length: 1), [.list([.int32(3)])])),
                try profile(Column(.float64, []), name: "empty"),
            ]
        )
    }

    @Test func `bytes that are cut or changed are refused or read, and never trap`() throws {
        let bytes = try Self.table().encoded()
        for end in stride(from: 0, to: bytes.count, by: 97) {
            #expect(throws: AlulaError.self) {
                try TableProfile(decoding: Array(bytes[..<end]))
            }
        }
        #expect(throws: AlulaError.self) { try TableProfile(decoding: bytes + [0]) }
        var random = SeededRandom(seed: 17)
        for _ in 0..<2_000 {
            var changed = bytes
            let place = Int.random(in: 0..<bytes.count, using: &random)
            changed[place] ^= UInt8.random(in: 1...255, using: &random)
            if case .success(let table) = Result(catching: { try TableProfile(decoding: changed) })
            {
                for feature in table.features {
                    _ = feature.distribution
                    _ = feature.top(5)
                    _ = feature.histogram(bins: 5)
                    _ = feature.distinctCount
                }
            }
        }
    }
}
