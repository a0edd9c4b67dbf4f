package import Domain

/// What names one served vector: 16 bytes, in the order of time.
///
/// ```
/// u64 microseconds of the read, each used once | u32 model version | u1 logged | u31 row of the answer
/// ```
/// All big-endian. Where `logged` is 0, the vector was not kept.
package struct PredictionID: Sendable, Hashable, Comparable {
    /// Microseconds since 1970.
    package var stamp: Int64
    package var version: UInt32
    package var place: UInt32

    package static let byteCount = 16
    private static let logged: UInt32 = 1 << 31

    package init(stamp: Int64, version: UInt32, row: Int, isLogged: Bool) {
        self.stamp = stamp
        self.version = version
        place = UInt32(truncatingIfNeeded: row) | (isLogged ? Self.logged : 0)
    }

    /// As it stands in a column of int64: the version and the place.
    package init(stamp: Int64, rest: Int64) {
        self.stamp = stamp
        version = UInt32(truncatingIfNeeded: rest >> 32)
        place = UInt32(truncatingIfNeeded: rest)
    }

    /// Nil where there are not 16 bytes, or none that a server has given.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for (number, byte) in bytes.enumerated() {
            if number < 8 {
                words.0 = words.0 << 8 | UInt64(byte)
            } else {
                words.1 = words.1 << 8 | UInt64(byte)
            }
        }
        guard words.0 <= UInt64(Int64.max), words.1 >> 63 == 0 else { return nil }
        self.init(stamp: Int64(words.0), rest: Int64(words.1))
    }

    package var isLogged: Bool { place & Self.logged != 0 }
    package var rest: Int64 { Int64(version) << 32 | Int64(place) }
    package var served: Timestamp { Timestamp(microseconds: stamp) }

    package var bytes: [UInt8] {
        let words = [UInt64(bitPattern: stamp), UInt64(bitPattern: rest)]
        return words.flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        }
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.stamp, left.rest) < (right.stamp, right.rest)
    }
}

extension PredictionID {
    /// The bytes of ids, by their times and the rest of them.
    static func column(_ stamps: [Int64], _ rests: [Int64]) -> Column {
        var words: [Int64] = []
        words.reserveCapacity(2 * stamps.count)
        for row in stamps.indices {
            words.append(stamps[row].bigEndian)
            words.append(rests[row].bigEndian)
        }
        return Column(
            type: .bytes,
            count: stamps.count,
            validity: [],
            offsets: (0...Int32(stamps.count)).map { $0 * Int32(byteCount) },
            itemOffsets: [],
            values: unsafe words.withUnsafeBytes { unsafe Array($0) }
        )
    }
}

extension PredictionID: CustomStringConvertible {
    /// 32 hexadecimal digits.
    package var description: String {
        let digits = Array("0123456789abcdef".utf8)
        let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
