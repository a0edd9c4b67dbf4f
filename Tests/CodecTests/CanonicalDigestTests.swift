import Codec
import Domain
import Testing

/// The streams of the canonical form, byte by byte; whole digests are held against `proto/vectors`.
struct CanonicalDigestTests {
    private typealias Stream = CanonicalDigest.Stream

    private func streams(_ type: ValueType, _ values: [FeatureValue]) throws -> [[UInt8]] {
        var streams = [[UInt8]](repeating: [], count: 4)
        CanonicalDigest.write(try Column(type, values)) { streams[$0.rawValue] += Array($1) }
        return streams
    }

    private func bytes(_ numbers: Int64...) -> [UInt8] {
        numbers.flatMap { number in
            (0..<8).map { UInt8(truncatingIfNeeded: number >> Int64(8 * $0)) }
        }
    }

    @Test func `integers are int64 and a null is zero`() throws {
        #expect(try streams(.int32, [.int32(-2), .null]) == [[1, 0], [], [], bytes(-2, 0)])
        #expect(
            try streams(.timestamp, [.timestamp(Timestamp(microseconds: 7))]) == [
                [1], [], [], bytes(7),
            ]
        )
    }

    @Test func `floats are float64 with one NaN`() throws {
        let half = Int64(bitPattern: (0.5).bitPattern)
        let nan: Int64 = 0x7FF8_0000_0000_0000
        #expect(
            try streams(.float32, [.float32(0.5), .float32(-.nan), .null])
                == [[1, 1, 0], [], [], bytes(half, nan, 0)]
        )
        #expect(
            try streams(.float64, [.float64(0.5), .float64(.signalingNaN)])
                == [[1, 1], [], [], bytes(half, nan)]
        )
    }

    @Test func `strings have lengths, lists have counts and both`() throws {
        #expect(
            try streams(.string, [.string("ab"), .null, .string("")])
                == [[1, 0, 1], [], bytes(2, 0, 0), [97, 98]]
        )
        #expect(
            try streams(.list(.bytes), [.list([.bytes([9]), .bytes([])]), .null, .list([])])
                == [[1, 0, 1], bytes(2, 0, 0), bytes(1, 0), [9]]
        )
        #expect(
            try streams(
                .fixedList(.string, length: 2),
                [.null, .list([.string("x"), .string("yz")])]
            )
                == [[0, 1], [], bytes(0, 0, 1, 2), Array("xyz".utf8)]
        )
    }

    @Test func `a bool is a byte`() throws {
        #expect(
            try streams(.bool, [.bool(true), .null, .bool(false)]) == [
                [1, 0, 1], [], [], [1, 0, 0],
            ]
        )
        #expect(
            try streams(.list(.bool), [.list([.bool(false), .bool(true)]), .null])
                == [[1, 0], bytes(2, 0), [], [0, 1]]
        )
    }

    @Test func `a field is its name and its widest type`() {
        let field = Schema.Field(name: "é", type: .fixedList(.float32, length: 3))
        #expect(
            CanonicalDigest.head(of: field)
                == [2, 0, 0, 0, 0xC3, 0xA9, 10, 0, 0, 0] + Array("float64[3]".utf8)
        )
    }
}
