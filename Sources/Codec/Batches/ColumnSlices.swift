package import Domain

extension Column {
    /// The rows of this range, as a column of its own.
    package func rows(_ range: Range<Int>) -> Column {
        guard range != 0..<count else { return self }
        guard let width = type.fixedRowBytes else {
            var builder = ColumnBuilder(type, reservingRows: range.count)
            for row in range { builder.append(row: row, of: self) }
            return builder.finish()
        }
        return Column(
            type: type,
            count: range.count,
            validity: validityBits(range),
            offsets: [],
            itemOffsets: [],
            values: Array(values[range.lowerBound * width..<range.upperBound * width])
        )
    }

    /// Columns of one type end to end.
    package static func joined(_ columns: [Column], type: ValueType) -> Column {
        if columns.count == 1 { return columns[0] }
        let count = columns.reduce(0) { $0 + $1.count }
        guard type.fixedRowBytes != nil else {
            var builder = ColumnBuilder(type, reservingRows: count)
            for column in columns {
                for row in 0..<column.count { builder.append(row: row, of: column) }
            }
            return builder.finish()
        }
        var values: [UInt8] = []
        values.reserveCapacity(columns.reduce(0) { $0 + $1.values.count })
        for column in columns { values.append(contentsOf: column.values) }
        return Column(
            type: type,
            count: count,
            validity: joinedValidity(columns, count: count),
            offsets: [],
            itemOffsets: [],
            values: values
        )
    }

    private static func joinedValidity(_ columns: [Column], count: Int) -> [UInt8] {
        guard columns.contains(where: { !$0.validity.isEmpty }) else { return [] }
        var bits = [UInt8](repeating: 0, count: (count + 7) / 8)
        var first = 0
        for column in columns {
            if first % 8 == 0, !column.validity.isEmpty {
                bits.replaceSubrange(
                    first / 8..<first / 8 + column.validity.count,
                    with: column.validity
                )
                if column.count % 8 != 0 {
                    bits[(first + column.count) / 8] &= 1 << UInt8(column.count % 8) - 1
                }
            } else {
                for row in 0..<column.count where column.isValid(row) {
                    bits[(first + row) >> 3] |= 1 << UInt8((first + row) & 7)
                }
            }
            first += column.count
        }
        return bits
    }

    /// The rows of these numbers, in their order.
    package func taking(_ rows: ArraySlice<Int32>) -> Column {
        guard type.fixedRowBytes != nil else {
            var builder = ColumnBuilder(type, reservingRows: rows.count)
            for row in rows { builder.append(row: Int(row), of: self) }
            return builder.finish()
        }
        if validity.isEmpty, type.fixedRowBytes == 8 { return takingWords(rows) }
        var scatter = ColumnScatter(type, count: rows.count)
        do {
            try scatter.place(rows, of: self, at: Array(0..<Int32(rows.count))[...])
        } catch {
            preconditionFailure("rows of fixed width have no limit")
        }
        return scatter.finish()
    }

    /// Likewise, of eight bytes each and without nulls.
    private func takingWords(_ rows: ArraySlice<Int32>) -> Column {
        precondition(rows.allSatisfy { $0 >= 0 && $0 < count })
        let taken = values.withUnsafeBytes { raw in
            [UInt8](unsafeUninitializedCapacity: 8 * rows.count) { buffer, filled in
                let target = UnsafeMutableRawBufferPointer(buffer)
                for (place, row) in rows.enumerated() {
                    let word = raw.loadUnaligned(fromByteOffset: 8 * Int(row), as: UInt64.self)
                    target.storeBytes(of: word, toByteOffset: 8 * place, as: UInt64.self)
                }
                filled = 8 * rows.count
            }
        }
        return Column(
            type: type,
            count: rows.count,
            validity: [],
            offsets: [],
            itemOffsets: [],
            values: taken
        )
    }

    /// The items of an int64 or timestamp column; zero where null.
    package var int64s: [Int64] { loadAll() }

    /// The items of an int32 column as unsigned numbers; zero where null.
    package var uint32s: [UInt32] { loadAll() }

    /// A column of these numbers, without nulls.
    package init(int64s: [Int64], type: ValueType = .int64) {
        self.init(
            type: type,
            count: int64s.count,
            validity: [],
            offsets: [],
            itemOffsets: [],
            values: int64s.withUnsafeBytes { Array($0) }
        )
    }

    /// An int32 column of these numbers' bits, without nulls.
    package init(uint32s: [UInt32]) {
        self.init(
            type: .int32,
            count: uint32s.count,
            validity: [],
            offsets: [],
            itemOffsets: [],
            values: uint32s.withUnsafeBytes { Array($0) }
        )
    }

    private func loadAll<T: BitwiseCopyable>() -> [T] {
        values.withUnsafeBytes { raw in
            [T](unsafeUninitializedCapacity: count) { buffer, filled in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: raw[..<(count * MemoryLayout<T>.size)])
                )
                filled = count
            }
        }
    }

    private func validityBits(_ range: Range<Int>) -> [UInt8] {
        guard !validity.isEmpty, !range.allSatisfy(isValid) else { return [] }
        var bits = [UInt8](repeating: 0, count: (range.count + 7) / 8)
        for (place, row) in range.enumerated() where isValid(row) {
            bits[place >> 3] |= 1 << UInt8(place & 7)
        }
        return bits
    }
}

extension Column {
    /// The same values as a wider type: int32 as int64, float32 as float64, and lists of them.
    ///
    /// Nil where `wider` is neither this type nor one that it widens to.
    package func widened(to wider: ValueType) -> Column? {
        guard type != wider else { return self }
        guard type.widens(to: wider) else { return nil }
        let items = values.count / 4
        let widened = values.withUnsafeBytes { raw in
            [UInt8](unsafeUninitializedCapacity: 8 * items) { buffer, filled in
                let target = UnsafeMutableRawBufferPointer(buffer)
                for item in 0..<items {
                    if type.item == .int32 {
                        let value = raw.loadUnaligned(fromByteOffset: 4 * item, as: Int32.self)
                        target.storeBytes(of: Int64(value), toByteOffset: 8 * item, as: Int64.self)
                    } else {
                        let value = raw.loadUnaligned(fromByteOffset: 4 * item, as: Float.self)
                        let bits = value.isNaN ? 0x7FF8_0000_0000_0000 : Double(value).bitPattern
                        target.storeBytes(of: bits, toByteOffset: 8 * item, as: UInt64.self)
                    }
                }
                filled = 8 * items
            }
        }
        return Column(
            type: wider,
            count: count,
            validity: validity,
            offsets: offsets,
            itemOffsets: itemOffsets,
            values: widened
        )
    }
}
