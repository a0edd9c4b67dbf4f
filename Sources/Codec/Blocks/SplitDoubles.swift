import Domain

/// Doubles whose sixteen leading bits (sign, exponent, first bits of the fraction) are few different
/// ones: those by a dictionary, the other forty-eight as they are.
///
/// ```
/// u16 entries | 6 zero bytes | entries u16, ascending
/// for each row the packed number of its entry (`PackedIntegers`)
/// for each row six bytes | 2 zero bytes
/// ```
enum SplitDoubles {
    /// With more, the parts take as much as the whole.
    private static let mostEntries = 2_048

    /// Nil where that is not smaller.
    static func encode(_ column: Column) -> [UInt8]? {
        let rows = column.count
        return column.values.withUnsafeBytes { raw in
            let words = raw.bindMemory(to: UInt64.self)
            var number = [UInt16](repeating: .max, count: 65_536)
            var heads: [UInt16] = []
            for word in words {
                let head = Int(truncatingIfNeeded: word &>> 48)
                guard number[head] == .max else { continue }
                guard heads.count < mostEntries else { return nil }
                number[head] = 0
                heads.append(UInt16(head))
            }
            heads.sort()
            for (index, head) in heads.enumerated() { number[Int(head)] = UInt16(index) }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(8 + 2 * heads.count + 8 * rows)
            withUnsafeBytes(of: UInt16(heads.count).littleEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: [0, 0, 0, 0, 0, 0])
            heads.withUnsafeBytes { bytes.append(contentsOf: $0) }
            guard
                let plan = PackedIntegers.Plan(
                    least: 0,
                    greatest: Int64(heads.count - 1),
                    scale: 1
                )
            else { return nil }
            number.withUnsafeBufferPointer { number in
                PackedIntegers.append(rows, plan, to: &bytes) { row in
                    UInt64(number[Int(truncatingIfNeeded: words[row] &>> 48)])
                }
            }
            let tail = bytes.count
            guard tail + 6 * rows + 2 < raw.count else { return nil }
            bytes.append(contentsOf: repeatElement(0, count: 6 * rows + 2))
            bytes.withUnsafeMutableBytes { all in
                let low = UnsafeMutableRawBufferPointer(rebasing: all[tail...])
                // Each store runs two bytes ahead; the next one overwrites them.
                for row in 0..<rows {
                    low.storeBytes(
                        of: words[row] & 0xFFFF_FFFF_FFFF,
                        toByteOffset: 6 * row,
                        as: UInt64.self
                    )
                }
            }
            return bytes
        }
    }

    /// Reads them in any order.
    struct Reader {
        private let heads: UnsafeRawPointer
        private let numbers: PackedReader
        private let tails: UnsafeRawPointer
        private let lastEntry: Int

        init(_ bytes: UnsafeRawBufferPointer, rows: Int) throws(AlulaError) {
            let damaged = AlulaError.corrupt("a block of doubles has a wrong length")
            guard bytes.count >= 8, let start = bytes.baseAddress else { throw damaged }
            let entries = Int(bytes.loadUnaligned(as: UInt16.self))
            let packed = 8 + 2 * entries
            var size = 0
            guard entries > 0, packed <= bytes.count,
                let numbers = PackedReader(
                    UnsafeRawBufferPointer(rebasing: bytes[packed...]),
                    rows: rows,
                    size: &size
                ), packed + size + 6 * rows + 2 == bytes.count
            else { throw damaged }
            heads = start + 8
            self.numbers = numbers
            tails = start + packed + size
            lastEntry = entries - 1
        }

        @inline(__always)
        subscript(row: Int) -> UInt64 {
            // Held in range, so that a damaged block cannot lead outside.
            let number = min(
                Int(truncatingIfNeeded: UInt64(bitPattern: numbers[row]) & 0xFFFF),
                lastEntry
            )
            let head = heads.loadUnaligned(fromByteOffset: 2 &* number, as: UInt16.self)
            let tail = tails.loadUnaligned(fromByteOffset: 6 &* row, as: UInt64.self)
            return UInt64(head) &<< 48 | tail & 0xFFFF_FFFF_FFFF
        }
    }
}
