package import Domain

/// Columns of at most eight bytes a value, laid out row by row, so that rows taken in any order
/// cost a line of the processor's cache or two each, not one a column.
///
/// ```
/// for each row: one word a column, zero in its upper bytes | a bit a column, 1 = present, in words
/// ```
/// Used by one thread at a time to append, by any number to take.
package final class WideRows: @unchecked Sendable {
    package let types: [ValueType]
    package private(set) var count = 0
    private let stride: Int
    /// Of one row in memory.
    package var rowBytes: Int { 8 * stride }
    private var capacity = 0
    private var words: UnsafeMutablePointer<UInt64>?
    private var memory: LargeMemory?

    /// Rows worked on at once: few enough to stay in the nearest cache.
    private static let tile = 128
    private static let firstRows = 4_096
    /// Where there are so many rows, room for many more is made at once: what is not used takes no
    /// memory, and what is moved takes it twice.
    private static let manyRows = 65_536
    private static let manyBytes = 256 << 20

    /// Whether columns of the type can be laid out so.
    package static func holds(_ type: ValueType) -> Bool {
        guard case .scalar(let item) = type else { return false }
        return item == .bool || (item.fixedWidth ?? .max) <= 8
    }

    package init(_ types: [ValueType]) {
        precondition(types.allSatisfy(WideRows.holds))
        self.types = types
        stride = types.count + (types.count + 63) / 64
    }

    deinit { memory?.deallocate() }

    /// Forgets all rows, and keeps their memory for others.
    package func removeAll() { count = 0 }

    /// Adds the rows of these columns, one of each type in their order.
    package func append(_ columns: [Column]) {
        precondition(columns.map(\.type) == types)
        let added = columns.first?.count ?? 0
        precondition(columns.allSatisfy { $0.count == added })
        let target = room(for: added) + count * stride
        for start in Swift.stride(from: 0, to: added, by: Self.tile) {
            let end = min(start + Self.tile, added)
            for word in types.count..<stride {
                for row in start..<end { target[row * stride + word] = 0 }
            }
            for (index, column) in columns.enumerated() {
                place(column, index, rows: start..<end, in: target)
            }
        }
        count += added
    }

    private func place(
        _ column: Column,
        _ index: Int,
        rows: Range<Int>,
        in target: UnsafeMutablePointer<UInt64>
    ) {
        let stride = self.stride
        let width = column.type.fixedRowBytes
        column.values.withUnsafeBytes { values in
            switch width {
            case 8:
                for row in rows {
                    let word = values.loadUnaligned(fromByteOffset: 8 * row, as: UInt64.self)
                    target[row * stride + index] = word
                }
            case 4:
                for row in rows {
                    let word = values.loadUnaligned(fromByteOffset: 4 * row, as: UInt32.self)
                    target[row * stride + index] = UInt64(word)
                }
            default:
                for row in rows {
                    target[row * stride + index] = UInt64(values[row >> 3] >> UInt8(row & 7) & 1)
                }
            }
        }
        let word = types.count + index / 64
        let shift = UInt64(index % 64)
        if column.validity.isEmpty {
            for row in rows { target[row * stride + word] |= 1 << shift }
        } else {
            column.validity.withUnsafeBufferPointer { bits in
                for row in rows {
                    let isPresent = UInt64(bits[row >> 3] >> UInt8(row & 7) & 1)
                    target[row * stride + word] |= isPresent << shift
                }
            }
        }
    }

    private func room(for added: Int) -> UnsafeMutablePointer<UInt64> {
        if let words, count + added <= capacity { return words }
        let ahead = capacity < Self.manyRows ? 0 : Self.manyBytes / rowBytes
        capacity = max(count + added, 2 * capacity, ahead, Self.firstRows)
        let larger = LargeMemory(byteCount: capacity * stride * 8)
        let typed = larger.start.bindMemory(to: UInt64.self, capacity: capacity * stride)
        if let words { typed.update(from: words, count: count * stride) }
        memory?.deallocate()
        memory = larger
        words = typed
        return typed
    }

    /// The rows of these numbers, in their order, as columns.
    package func taking(_ rows: ArraySlice<Int32>) -> [Column] {
        precondition(rows.allSatisfy { $0 >= 0 && $0 < count })
        guard let words else { return types.map { ColumnBuilder($0).finish() } }
        var values = types.map { [UInt8](repeating: 0, count: Self.bytes(of: $0, rows.count)) }
        var present = [UInt64](repeating: .max, count: stride - types.count)
        rows.withUnsafeBufferPointer { rows in
            for start in Swift.stride(from: 0, to: rows.count, by: Self.tile) {
                let part = start..<min(start + Self.tile, rows.count)
                for word in present.indices {
                    for place in part {
                        present[word] &= words[Int(rows[place]) * stride + types.count + word]
                    }
                }
                for index in types.indices {
                    values[index].withUnsafeMutableBytes { target in
                        take(index, of: words, rows, part, to: target)
                    }
                }
            }
        }
        return types.indices.map { index in
            let isWhole = present[index / 64] >> UInt64(index % 64) & 1 == 1
            return Column(
                type: types[index],
                count: rows.count,
                validity: isWhole ? [] : validity(of: index, words, rows),
                offsets: [],
                itemOffsets: [],
                values: values[index]
            )
        }
    }

    @inline(__always)
    private func take(
        _ index: Int,
        of words: UnsafeMutablePointer<UInt64>,
        _ rows: UnsafeBufferPointer<Int32>,
        _ part: Range<Int>,
        to target: UnsafeMutableRawBufferPointer
    ) {
        let stride = self.stride
        switch types[index].fixedRowBytes {
        case 8:
            for place in part {
                let word = words[Int(rows[place]) * stride + index]
                target.storeBytes(of: word, toByteOffset: 8 * place, as: UInt64.self)
            }
        case 4:
            for place in part {
                let word = UInt32(truncatingIfNeeded: words[Int(rows[place]) * stride + index])
                target.storeBytes(of: word, toByteOffset: 4 * place, as: UInt32.self)
            }
        default:
            for place in part {
                let bit = UInt8(truncatingIfNeeded: words[Int(rows[place]) * stride + index])
                target[place >> 3] |= bit << UInt8(place & 7)
            }
        }
    }

    private func validity(
        of index: Int,
        _ words: UnsafeMutablePointer<UInt64>,
        _ rows: ArraySlice<Int32>
    ) -> [UInt8] {
        var bits = [UInt8](repeating: 0, count: (rows.count + 7) / 8)
        let word = types.count + index / 64
        let shift = UInt64(index % 64)
        for (place, row) in rows.enumerated() {
            let isPresent = words[Int(row) * stride + word] >> shift & 1
            bits[place >> 3] |= UInt8(isPresent) << UInt8(place & 7)
        }
        return bits
    }

    private static func bytes(of type: ValueType, _ rows: Int) -> Int {
        type.fixedRowBytes.map { $0 * rows } ?? (rows + 7) / 8
    }
}
