package import Domain

/// A column put together from rows of other columns of its type, in any order; what is not placed
/// is null.
package struct ColumnScatter {
    private let type: ValueType
    private let count: Int
    /// Bytes of one row where all rows have the same; else nil.
    private let rowBytes: Int?
    private var placed: [Bool]
    private var values: [UInt8] = []
    /// Rows of other widths wait here in the order of their arrival.
    private var waiting: ColumnBuilder
    private var waitingRow: [Int32] = []

    /// Above this many bytes in one column of one answer, offsets would soon not suffice.
    private static let mostBytes = 1 << 30

    package init(_ type: ValueType, count: Int) {
        self.type = type
        self.count = count
        rowBytes = type.fixedRowBytes
        placed = [Bool](repeating: false, count: count)
        waiting = ColumnBuilder(type)
        if let rowBytes {
            values = [UInt8](repeating: 0, count: count * rowBytes)
        } else {
            waitingRow = [Int32](repeating: -1, count: count)
        }
    }

    /// Puts row `rows[i]` of the column to `targets[i]`; each target is named once, and there are
    /// as many of one as of the other.
    package mutating func place(
        _ rows: ArraySlice<Int32>,
        of column: Column,
        at targets: ArraySlice<Int32>
    ) throws(AlulaError) {
        precondition(rows.count == targets.count)
        guard let rowBytes else { return try placeVariable(rows, of: column, at: targets) }
        let shift = targets.startIndex - rows.startIndex
        column.values.withUnsafeBytes { source in
            values.withUnsafeMutableBytes { target in
                switch rowBytes {
                case 8:
                    for index in rows.indices {
                        let (row, place) = (Int(rows[index]), Int(targets[index + shift]))
                        precondition(
                            8 * (row + 1) <= source.count && 8 * (place + 1) <= target.count
                        )
                        let value = source.loadUnaligned(fromByteOffset: 8 * row, as: UInt64.self)
                        target.storeBytes(of: value, toByteOffset: 8 * place, as: UInt64.self)
                    }
                default:
                    for index in rows.indices {
                        let (row, place) = (Int(rows[index]), Int(targets[index + shift]))
                        let slot = source[row * rowBytes..<(row + 1) * rowBytes]
                        UnsafeMutableRawBufferPointer(
                            rebasing: target[place * rowBytes..<(place + 1) * rowBytes]
                        ).copyMemory(from: UnsafeRawBufferPointer(rebasing: slot))
                    }
                }
            }
        }
        if column.validity.isEmpty {
            for place in targets { placed[Int(place)] = true }
        } else {
            for index in rows.indices {
                placed[Int(targets[index + shift])] = column.isValid(Int(rows[index]))
            }
        }
    }

    private mutating func placeVariable(
        _ rows: ArraySlice<Int32>,
        of column: Column,
        at targets: ArraySlice<Int32>
    ) throws(AlulaError) {
        let shift = targets.startIndex - rows.startIndex
        for index in rows.indices where column.isValid(Int(rows[index])) {
            let place = Int(targets[index + shift])
            waitingRow[place] = Int32(waiting.count)
            placed[place] = true
            waiting.append(row: Int(rows[index]), of: column)
            guard waiting.byteCount <= ColumnScatter.mostBytes else {
                throw AlulaError(.resourceExhausted, "a column takes more than 1 GiB in one piece")
            }
        }
    }

    package consuming func finish() -> Column {
        guard rowBytes != nil else {
            let source = waiting.finish()
            var builder = ColumnBuilder(type, reservingRows: count)
            for row in waitingRow {
                if row < 0 {
                    builder.appendNull()
                } else {
                    builder.append(row: Int(row), of: source)
                }
            }
            return builder.finish()
        }
        var validity: [UInt8] = []
        if placed.contains(false) {
            validity = [UInt8](repeating: 0, count: (count + 7) / 8)
            for (row, present) in placed.enumerated() where present {
                validity[row >> 3] |= 1 << UInt8(row & 7)
            }
        }
        return Column(
            type: type,
            count: count,
            validity: validity,
            offsets: [],
            itemOffsets: [],
            values: values
        )
    }
}

extension ValueType {
    /// Bytes of one row's values where all rows take the same; nil for bools, strings, bytes, and
    /// lists of any length.
    package var fixedRowBytes: Int? {
        switch self {
        case .scalar(let item): item.fixedWidth
        case .fixedList(let item, let length): item.fixedWidth.map { $0 * length }
        case .list: nil
        }
    }
}
