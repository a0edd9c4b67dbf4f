package import Domain

extension Column {
    /// The same values with zero in every null's slot and one bit pattern for NaN, so that equal
    /// columns are equal bytes.
    ///
    /// Throws where a null of variable length is not empty.
    package func canonical() throws(AlulaError) -> Column {
        if !validity.isEmpty, !offsets.isEmpty {
            for row in 0..<count where !isValid(row) && offsets[row] != offsets[row + 1] {
                throw .invalid("a null has a value behind it: row \(row) should be empty")
            }
        }
        if case .fixedList(_, let length) = type, !validity.isEmpty, !itemOffsets.isEmpty {
            for row in 0..<count where !isValid(row) {
                guard itemOffsets[row * length] == itemOffsets[(row + 1) * length] else {
                    throw .invalid("a null has a value behind it: row \(row) should be empty")
                }
            }
        }
        var values = values
        if !validity.isEmpty, offsets.isEmpty { zeroNulls(in: &values) }
        switch type.item {
        case .float64 where values.holdsNaN(Double.self):
            values.withUnsafeMutableBytes { raw in
                for index in 0..<raw.count / 8 {
                    let value = raw.loadUnaligned(fromByteOffset: 8 * index, as: Double.self)
                    if value.isNaN {
                        raw.storeBytes(
                            of: 0x7FF8_0000_0000_0000,
                            toByteOffset: 8 * index,
                            as: UInt64.self
                        )
                    }
                }
            }
        case .float32 where values.holdsNaN(Float.self):
            values.withUnsafeMutableBytes { raw in
                for index in 0..<raw.count / 4 {
                    let value = raw.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
                    if value.isNaN {
                        raw.storeBytes(of: 0x7FC0_0000, toByteOffset: 4 * index, as: UInt32.self)
                    }
                }
            }
        case .bool, .int32, .int64, .float32, .float64, .string, .bytes, .timestamp: break
        }
        return Column(
            type: type,
            count: count,
            validity: validity,
            offsets: offsets,
            itemOffsets: itemOffsets,
            values: values
        )
    }

    private func zeroNulls(in values: inout [UInt8]) {
        let itemsPerRow: Int
        switch type {
        case .scalar: itemsPerRow = 1
        case .fixedList(_, let length): itemsPerRow = length
        case .list: return
        }
        for row in 0..<count where !isValid(row) {
            let items = row * itemsPerRow..<(row + 1) * itemsPerRow
            if let width = type.item.fixedWidth {
                for byte in items.lowerBound * width..<items.upperBound * width { values[byte] = 0 }
            } else if type.item == .bool {
                for item in items { values[item >> 3] &= ~(1 << UInt8(item & 7)) }
            }
        }
    }
}

extension [UInt8] {
    fileprivate func holdsNaN<T: BinaryFloatingPoint & BitwiseCopyable>(_ type: T.Type) -> Bool {
        withUnsafeBytes { raw in
            var found = false
            for index in 0..<raw.count / MemoryLayout<T>.size {
                let value = raw.loadUnaligned(
                    fromByteOffset: MemoryLayout<T>.size * index,
                    as: T.self
                )
                found = found || value != value
            }
            return found
        }
    }
}
