import Domain

/// Strings or bytes as a list of the different ones and a number for each row.
///
/// ```
/// u32 entries | entries + 1 u32 offsets | bytes of all entries
/// for each row the packed number of its entry (`PackedIntegers`)
/// ```
/// Entries stand in the order in which they first occur; a null's number is 0.
enum TextDictionary {
    /// With more entries than this share of the rows it is not tried.
    private static let fewRows = 2

    /// Nil where that is not smaller.
    static func encode(_ column: Column) -> [UInt8]? {
        let rows = column.count
        return column.values.withUnsafeBytes { values -> [UInt8]? in
            var index = Index(capacity: rows / fewRows + 1)
            var numbers = [Int64](repeating: 0, count: rows)
            var last = -1
            for row in 0..<rows where column.isValid(row) {
                let range = Int(column.offsets[row])..<Int(column.offsets[row + 1])
                let bytes = UnsafeRawBufferPointer(rebasing: values[range])
                // Runs of equal values, as keys have them, need no look-up.
                if last >= 0, index.equals(last, bytes, in: values) {
                    numbers[row] = Int64(last)
                    continue
                }
                guard let number = index.number(of: bytes, at: range, in: values) else {
                    return nil
                }
                last = number
                numbers[row] = Int64(number)
            }
            return encoded(index.entries, numbers, of: column, values)
        }
    }

    private static func encoded(
        _ entries: [Range<Int>],
        _ numbers: [Int64],
        of column: Column,
        _ values: UnsafeRawBufferPointer
    ) -> [UInt8]? {
        let text = entries.reduce(0) { $0 + $1.count }
        guard
            let plan = PackedIntegers.Plan(
                least: 0,
                greatest: Int64(max(0, entries.count - 1)),
                scale: 1
            ),
            8 + 4 * entries.count + text
                + PackedIntegers.byteCount(rows: column.count, width: plan.width)
                < 4 * column.offsets.count + column.values.count
        else { return nil }
        var bytes: [UInt8] = []
        withUnsafeBytes(of: UInt32(entries.count).littleEndian) { bytes.append(contentsOf: $0) }
        var end: UInt32 = 0
        withUnsafeBytes(of: end) { bytes.append(contentsOf: $0) }
        for entry in entries {
            end += UInt32(entry.count)
            withUnsafeBytes(of: end.littleEndian) { bytes.append(contentsOf: $0) }
        }
        for entry in entries { bytes.append(contentsOf: values[entry]) }
        numbers.withUnsafeBufferPointer {
            PackedIntegers.append($0, plan, isPresent: { _ in true }, to: &bytes)
        }
        return bytes
    }

    /// Finds the number of a text by open addressing.
    private struct Index {
        private(set) var entries: [Range<Int>] = []
        private var slots: [Int32]
        private let most: Int

        init(capacity: Int) {
            most = capacity
            var size = 16
            while size < 2 * capacity { size *= 2 }
            slots = [Int32](repeating: -1, count: size)
        }

        /// Nil where there would be too many.
        mutating func number(
            of bytes: UnsafeRawBufferPointer,
            at range: Range<Int>,
            in values: UnsafeRawBufferPointer
        ) -> Int? {
            var slot = Int(truncatingIfNeeded: Checksum.xxh64(bytes)) & (slots.count - 1)
            while slots[slot] >= 0 {
                let number = Int(slots[slot])
                if equals(number, bytes, in: values) { return number }
                slot = (slot + 1) & (slots.count - 1)
            }
            guard entries.count < most else { return nil }
            slots[slot] = Int32(entries.count)
            entries.append(range)
            return entries.count - 1
        }

        func equals(
            _ number: Int,
            _ bytes: UnsafeRawBufferPointer,
            in values: UnsafeRawBufferPointer
        ) -> Bool {
            let entry = entries[number]
            return entry.count == bytes.count
                && zip(values[entry], bytes).allSatisfy { $0 == $1 }
        }
    }

    /// Reads them in any order.
    struct Reader {
        private let offsets: UnsafeRawPointer
        private let text: UnsafeRawBufferPointer
        private let numbers: PackedReader
        private let entries: Int

        init(_ bytes: UnsafeRawBufferPointer, rows: Int) throws(AlulaError) {
            let damaged = AlulaError.corrupt("a block of texts has a wrong length")
            guard bytes.count >= 8, let start = bytes.baseAddress else { throw damaged }
            entries = Int(bytes.loadUnaligned(as: UInt32.self))
            let textStart = 8 + 4 * entries
            guard textStart <= bytes.count else { throw damaged }
            offsets = start + 4
            var last: UInt32 = 0
            for entry in 0...entries {
                let end = offsets.loadUnaligned(fromByteOffset: 4 * entry, as: UInt32.self)
                guard end >= last, entry > 0 || end == 0 else { throw damaged }
                last = end
            }
            let packed = textStart + Int(last)
            var size = 0
            guard packed <= bytes.count,
                let numbers = PackedReader(
                    UnsafeRawBufferPointer(rebasing: bytes[packed...]),
                    rows: rows,
                    size: &size
                ), packed + size == bytes.count
            else { throw damaged }
            text = UnsafeRawBufferPointer(rebasing: bytes[textStart..<packed])
            self.numbers = numbers
        }

        /// The bytes of a row, empty where its number is of no entry.
        func bytes(_ row: Int) -> UnsafeRawBufferPointer {
            let number = Int(truncatingIfNeeded: numbers[row])
            guard number >= 0, number < entries else {
                return UnsafeRawBufferPointer(start: nil, count: 0)
            }
            let start = offsets.loadUnaligned(fromByteOffset: 4 * number, as: UInt32.self)
            let end = offsets.loadUnaligned(fromByteOffset: 4 * number + 4, as: UInt32.self)
            return UnsafeRawBufferPointer(rebasing: text[Int(start)..<Int(end)])
        }

        func column(
            _ type: ValueType,
            validity: UnsafeRawBufferPointer,
            rows: Int
        ) throws(AlulaError) -> Column {
            var ends: [Int32] = [0]
            ends.reserveCapacity(rows + 1)
            var values: [UInt8] = []
            for row in 0..<rows {
                if validity.isEmpty || validity[row >> 3] & (1 << UInt8(row & 7)) != 0 {
                    values.append(contentsOf: bytes(row))
                }
                guard let end = Int32(exactly: values.count) else {
                    throw .corrupt("a block of texts has over 2 GiB")
                }
                ends.append(end)
            }
            return Column(
                type: type,
                count: rows,
                validity: Array(validity),
                offsets: ends,
                itemOffsets: [],
                values: values
            )
        }
    }
}
