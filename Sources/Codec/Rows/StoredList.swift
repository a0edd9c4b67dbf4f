import Domain

/// The items of one list as they stand in a row.
struct StoredList {
    let item: ScalarType
    let count: Int
    let itemOffsets: [Int32]
    let values: UnsafeRawBufferPointer

    init(item: ScalarType, bytes: UnsafeRawBufferPointer) throws(AlulaError) {
        self.item = item
        switch item {
        case .bool, .int32, .int64, .float32, .float64, .timestamp:
            let width = item.fixedWidth ?? 1
            guard bytes.count % width == 0 else {
                throw .corrupt("an online row has a list with part of an item")
            }
            count = bytes.count / width
            itemOffsets = []
            values = bytes
        case .string, .bytes:
            guard bytes.count >= 4 else {
                throw .corrupt("an online row has a list without a count")
            }
            let count = Int(bytes.integer(at: 0, UInt32.self))
            guard count <= (bytes.count - 4) / 4 else {
                throw .corrupt("an online row has a list that is cut short")
            }
            let start = 4 + 4 * count
            var offsets: [Int32] = [0]
            for index in 0..<count {
                let end = Int32(bitPattern: bytes.integer(at: 4 + 4 * index, UInt32.self))
                guard end >= offsets[index], Int(end) <= bytes.count - start else {
                    throw .corrupt("an online row has a list whose items do not ascend")
                }
                offsets.append(end)
            }
            self.count = count
            itemOffsets = offsets
            values = UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(offsets[count])])
        }
    }

    /// A column of one row with this list, as the type that it widens to.
    func column(_ type: ValueType) -> Column {
        var offsets: [Int32] = []
        if case .list = type { offsets = [0, Int32(count)] }
        return Column(
            type: type,
            count: 1,
            validity: [],
            offsets: offsets,
            itemOffsets: itemOffsets,
            values: items(as: type.item)
        )
    }

    private func items(as target: ScalarType) -> [UInt8] {
        if item == .bool {
            var bits = [UInt8](repeating: 0, count: (count + 7) / 8)
            for index in 0..<count where values[index] != 0 {
                bits[index >> 3] |= 1 << UInt8(index & 7)
            }
            return bits
        }
        guard item != target else { return Array(values) }
        var wide = [UInt8](repeating: 0, count: 8 * count)
        for index in 0..<count {
            let bits = values.integer(at: 4 * index, UInt32.self)
            if item == .float32 {
                wide.store(Double(Float(bitPattern: bits)).bitPattern, at: 8 * index)
            } else {
                wide.store(Int64(Int32(bitPattern: bits)), at: 8 * index)
            }
        }
        return wide
    }
}

extension Column {
    /// Bytes that the value of a row takes in the variable part of a stored row; it is not null.
    func variableBytes(_ row: Int) -> Int {
        let items: Range<Int>
        switch type {
        case .scalar: return Int(offsets[row + 1] - offsets[row])
        case .list: items = Int(offsets[row])..<Int(offsets[row + 1])
        case .fixedList(_, let length): items = row * length..<(row + 1) * length
        }
        switch type.item {
        case .bool: return items.count
        case .int32, .float32, .int64, .float64, .timestamp:
            return items.count * (type.item.fixedWidth ?? 0)
        case .string, .bytes:
            return 4 + 4 * items.count
                + Int(itemOffsets[items.upperBound] - itemOffsets[items.lowerBound])
        }
    }

    /// Writes the value of a row, which is not null, as it stands in the variable part of a stored
    /// row; `target` has its `variableBytes`.
    func writeVariable(_ row: Int, to target: UnsafeMutableRawBufferPointer) {
        func copy(_ range: Range<Int>, to start: Int) {
            precondition(range.count <= target.count - start)
            values.withUnsafeBytes { values in
                UnsafeMutableRawBufferPointer(rebasing: target[start..<start + range.count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: values[range]))
            }
        }
        let items: Range<Int>
        switch type {
        case .scalar: return copy(Int(offsets[row])..<Int(offsets[row + 1]), to: 0)
        case .list: items = Int(offsets[row])..<Int(offsets[row + 1])
        case .fixedList(_, let length): items = row * length..<(row + 1) * length
        }
        switch type.item {
        case .bool:
            for (place, item) in items.enumerated() { target[place] = bit(item) ? 1 : 0 }
        case .int32, .float32, .int64, .float64, .timestamp:
            let width = type.item.fixedWidth ?? 0
            copy(items.lowerBound * width..<items.upperBound * width, to: 0)
        case .string, .bytes:
            let base = itemOffsets[items.lowerBound]
            target.storeBytes(of: UInt32(items.count).littleEndian, as: UInt32.self)
            for (index, item) in items.enumerated() {
                target.storeBytes(
                    of: UInt32(itemOffsets[item + 1] - base).littleEndian,
                    toByteOffset: 4 + 4 * index,
                    as: UInt32.self
                )
            }
            copy(Int(base)..<Int(itemOffsets[items.upperBound]), to: 4 + 4 * items.count)
        }
    }
}

extension UnsafeRawBufferPointer {
    func integer<T: FixedWidthInteger & BitwiseCopyable>(at start: Int, _: T.Type) -> T {
        T(littleEndian: loadUnaligned(fromByteOffset: start, as: T.self))
    }
}

extension [UInt8] {
    mutating func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at start: Int) {
        precondition(start >= 0 && start + MemoryLayout<T>.size <= count)
        withUnsafeMutableBytes {
            $0.storeBytes(of: value.littleEndian, toByteOffset: start, as: T.self)
        }
    }
}
