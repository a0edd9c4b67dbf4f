/// CRC-32C (Castagnoli, reflected), eight bytes a step by tables.
package enum Checksum {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
            tables[byte] = crc
        }
        for byte in 0..<256 {
            for table in 1..<8 {
                let previous = tables[(table - 1) * 256 + byte]
                tables[table * 256 + byte] = previous >> 8 ^ tables[Int(previous & 0xFF)]
            }
        }
        return tables
    }()

    package static func crc32c(_ bytes: some Collection<UInt8>) -> UInt32 {
        bytes.withContiguousStorageIfAvailable { crc32c(UnsafeRawBufferPointer($0)) }
            ?? Array(bytes).withUnsafeBytes { crc32c($0) }
    }

    package static func crc32c(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        tables.withUnsafeBufferPointer { table in
            var crc = UInt32.max
            var index = 0
            while index + 8 <= bytes.count {
                let word =
                    UInt64(
                        littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                    )
                    ^ UInt64(crc)
                crc = 0
                for lane in 0..<8 {
                    crc ^= table[(7 - lane) * 256 + Int(word >> UInt64(8 * lane) & 0xFF)]
                }
                index += 8
            }
            while index < bytes.count {
                crc = crc >> 8 ^ table[Int((crc ^ UInt32(bytes[index])) & 0xFF)]
                index += 1
            }
            return ~crc
        }
    }
}

extension Checksum {
    /// The xxHash64 of the bytes, with seed 0.
    ///
    /// https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
    package static func xxh64(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var position = 0
        var hash: UInt64
        if bytes.count >= 32, let start = bytes.baseAddress {
            var lane0 = prime1 &+ prime2
            var lane1 = prime2
            var lane2: UInt64 = 0
            var lane3 = 0 &- prime1
            let end = bytes.count - 32
            while position <= end {
                let stripe = start + position
                lane0 = round(lane0, stripe.loadUnaligned(as: UInt64.self))
                lane1 = round(lane1, stripe.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                lane2 = round(lane2, stripe.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
                lane3 = round(lane3, stripe.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
                position += 32
            }
            hash =
                rotated(lane0, 1) &+ rotated(lane1, 7) &+ rotated(lane2, 12) &+ rotated(lane3, 18)
            for lane in [lane0, lane1, lane2, lane3] {
                hash = (hash ^ round(0, lane)) &* prime1 &+ prime4
            }
        } else {
            hash = prime5
        }
        return finished(hash &+ UInt64(bytes.count), bytes, from: position)
    }

    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

    @inline(__always)
    private static func rotated(_ word: UInt64, _ bits: UInt64) -> UInt64 {
        word &<< bits | word &>> (64 &- bits)
    }

    @inline(__always)
    private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        rotated(lane &+ word &* prime2, 31) &* prime1
    }

    private static func finished(
        _ start: UInt64,
        _ bytes: UnsafeRawBufferPointer,
        from first: Int
    ) -> UInt64 {
        var hash = start
        var position = first
        while position + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            hash = rotated(hash ^ round(0, word), 27) &* prime1 &+ prime4
            position += 8
        }
        if position + 4 <= bytes.count {
            let word = UInt64(bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
            hash = rotated(hash ^ word &* prime1, 23) &* prime2 &+ prime3
            position += 4
        }
        while position < bytes.count {
            hash = rotated(hash ^ UInt64(bytes[position]) &* prime5, 11) &* prime1
            position += 1
        }
        hash = (hash ^ hash &>> 33) &* prime2
        hash = (hash ^ hash &>> 29) &* prime3
        return hash ^ hash &>> 32
    }
}
