import Glibc

package import Domain

/// The keys of many rows of one entity, end to end: entity id, big-endian, and canonical key, as all
/// keys of the online rows begin.
package struct EncodedKeys: Sendable {
    package let bytes: [UInt8]
    /// Where each key begins in `bytes`, and where the last one ends.
    package let starts: [Int32]

    package var count: Int { starts.count - 1 }

    package subscript(row: Int) -> ArraySlice<UInt8> { bytes[range(row)] }

    /// Where a key stands in `bytes`.
    @inline(__always)
    package func range(_ row: Int) -> Range<Int> { Int(starts[row])..<Int(starts[row + 1]) }

    /// The keys of all rows; the columns have no nulls.
    package init(_ entity: EntityID, columns: [Column]) {
        let rows = columns.first?.count ?? 0
        let parts = columns.map(KeyPartWriter.init)
        let starts = [Int32](unsafeUninitializedCapacity: rows + 1) { buffer, filled in
            var end = 0
            for row in 0..<rows {
                buffer[row] = Int32(end)
                end += Self.entityBytes
                for part in parts { end += part.byteCount(row) }
            }
            buffer[rows] = Int32(end)
            filled = rows + 1
        }
        let size = Int(starts[rows])
        bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            let memory = UnsafeMutableRawBufferPointer(buffer)
            for row in 0..<rows {
                var position = Int(starts[row])
                memory.storeBytes(
                    of: entity.number.bigEndian,
                    toByteOffset: position,
                    as: UInt32.self
                )
                position += Self.entityBytes
                for part in parts { position = part.write(row, to: memory, at: position) }
                precondition(position == Int(starts[row + 1]))
            }
            filled = size
        }
        self.starts = starts
    }

    private init(bytes: [UInt8], starts: [Int32]) {
        self.bytes = bytes
        self.starts = starts
    }

    private static let entityBytes = 4
}

extension EncodedKeys {
    /// The rows by key in ascending order, rows of one key together and in their order.
    package struct Order: Sendable {
        package let rows: [Int32]
        /// For each key, where its rows begin in `rows`, and where the last ones end.
        package let starts: [Int32]

        /// How many different keys there are.
        package var keys: Int { starts.count - 1 }
    }

    /// Most keys differ in the eight bytes behind the first tag, which are sorted digit by digit.
    package func sorted() -> Order {
        var items = prefixes()
        Self.sort(&items)
        let isExact = starts.last.map { Int($0) == count * Self.int64KeyBytes } ?? true
        if !isExact { sortTails(&items) }
        var starts: [Int32] = []
        starts.reserveCapacity(count + 1)
        bytes.withUnsafeBytes { bytes in
            for place in items.indices {
                let isFirst =
                    place == 0 || items[place].prefix != items[place - 1].prefix
                    || !isExact && compare(items[place - 1].row, items[place].row, bytes) != 0
                if isFirst { starts.append(Int32(place)) }
            }
        }
        starts.append(Int32(count))
        return Order(rows: items.map(\.row), starts: starts)
    }

    /// Each of the different keys once, in ascending order.
    package func taking(firstOf order: Order) -> EncodedKeys {
        var starts: [Int32] = [0]
        starts.reserveCapacity(order.keys + 1)
        let taken = [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, filled in
            let memory = UnsafeMutableRawBufferPointer(buffer)
            bytes.withUnsafeBytes { bytes in
                for first in order.starts.dropLast() {
                    let key = UnsafeRawBufferPointer(
                        rebasing: bytes[range(Int(order.rows[Int(first)]))]
                    )
                    UnsafeMutableRawBufferPointer(rebasing: memory[filled..<filled + key.count])
                        .copyMemory(from: key)
                    filled += key.count
                    starts.append(Int32(filled))
                }
            }
        }
        return EncodedKeys(bytes: taken, starts: starts)
    }

    private struct Item: BitwiseCopyable {
        var prefix: UInt64
        var row: Int32
    }

    /// Entity id and first tag.
    private static let prefixStart = entityBytes + 1
    private static let int64KeyBytes = prefixStart + 8

    private func prefixes() -> [Item] {
        bytes.withUnsafeBytes { bytes in
            (0..<count).map { row in
                let start = Int(starts[row]) + Self.prefixStart
                let end = Int(starts[row + 1])
                var prefix: UInt64 = 0
                if start + 8 <= end {
                    prefix = bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self).bigEndian
                } else {
                    for index in start..<start + 8 {
                        prefix = prefix << 8 | (index < end ? UInt64(bytes[index]) : 0)
                    }
                }
                return Item(prefix: prefix, row: Int32(row))
            }
        }
    }

    /// Sorts by prefix, stable.
    private static func sort(_ items: inout [Item]) {
        guard items.count > 1 else { return }
        var anyBits: UInt64 = 0
        var allBits = UInt64.max
        for item in items {
            anyBits |= item.prefix
            allBits &= item.prefix
        }
        let differing = anyBits ^ allBits
        var spare = items
        for shift in stride(from: UInt64(0), to: 64, by: 8) where differing >> shift & 0xFF != 0 {
            items.withUnsafeBufferPointer { source in
                spare.withUnsafeMutableBufferPointer { scatter(source, $0, shift: shift) }
            }
            swap(&items, &spare)
        }
    }

    private static func scatter(
        _ source: UnsafeBufferPointer<Item>,
        _ target: UnsafeMutableBufferPointer<Item>,
        shift: UInt64
    ) {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { next in
            next.initialize(repeating: 0)
            for item in source { next[Int(item.prefix &>> shift & 0xFF)] &+= 1 }
            var start = 0
            for digit in 0..<256 {
                let taken = next[digit]
                next[digit] = start
                start += taken
            }
            for item in source {
                let digit = Int(item.prefix &>> shift & 0xFF)
                target[next[digit]] = item
                next[digit] &+= 1
            }
        }
    }

    /// Puts keys whose prefixes are equal in order.
    private func sortTails(_ items: inout [Item]) {
        bytes.withUnsafeBytes { bytes in
            var start = 0
            while start < items.count {
                var end = start + 1
                while end < items.count, items[end].prefix == items[start].prefix { end += 1 }
                if end - start > 1 {
                    items[start..<end].sort { left, right in
                        let order = compare(left.row, right.row, bytes)
                        return order != 0 ? order < 0 : left.row < right.row
                    }
                }
                start = end
            }
        }
    }

    private func compare(_ left: Int32, _ right: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        let (start, otherStart) = (Int(starts[Int(left)]), Int(starts[Int(right)]))
        let size = Int(starts[Int(left) + 1]) - start
        let otherSize = Int(starts[Int(right) + 1]) - otherStart
        guard let base = bytes.baseAddress else { return 0 }
        let order = memcmp(base + start, base + otherStart, min(size, otherSize))
        return order != 0 ? Int(order) : size - otherSize
    }
}

/// Writes one part of canonical keys; see `KeyCodec`.
private struct KeyPartWriter {
    private let column: Column
    private let isInt64: Bool
    /// Whether a value may hold a zero byte, which is escaped.
    private let hasZeros: Bool

    init(_ column: Column) {
        self.column = column
        switch column.type {
        case .int64:
            isInt64 = true
            hasZeros = false
            precondition(column.values.count >= 8 * column.count)
        case .string, .bytes:
            isInt64 = false
            hasZeros = column.values.contains(0)
        default: preconditionFailure("a key column of type \(column.type)")
        }
    }

    func byteCount(_ row: Int) -> Int {
        guard !isInt64 else { return 9 }
        let range = Int(column.offsets[row])..<Int(column.offsets[row + 1])
        let zeros = hasZeros ? column.values[range].count { $0 == 0 } : 0
        return 3 + range.count + zeros
    }

    /// Answers where the part ends; there is room for it.
    func write(_ row: Int, to memory: UnsafeMutableRawBufferPointer, at start: Int) -> Int {
        guard !isInt64 else {
            memory[start] = KeyType.int64.rawValue
            let bits = column.load(row, as: UInt64.self) ^ 1 << 63
            memory.storeBytes(of: bits.bigEndian, toByteOffset: start + 1, as: UInt64.self)
            return start + 9
        }
        memory[start] =
            column.type == .string ? KeyType.string.rawValue : KeyType.bytes.rawValue
        var position = start + 1
        let range = Int(column.offsets[row])..<Int(column.offsets[row + 1])
        if hasZeros {
            for byte in column.values[range] {
                memory[position] = byte
                position += 1
                guard byte == 0 else { continue }
                memory[position] = 0xFF
                position += 1
            }
        } else {
            column.values.withUnsafeBytes { values in
                UnsafeMutableRawBufferPointer(rebasing: memory[position..<position + range.count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: values[range]))
            }
            position += range.count
        }
        memory[position] = 0
        memory[position + 1] = 1
        return position + 2
    }
}
