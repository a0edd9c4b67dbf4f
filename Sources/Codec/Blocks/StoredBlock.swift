package import Domain

/// A block of the offline store in memory that someone else holds, checked so far that its rows can
/// be read in any order.
///
/// Valid as long as that memory is.
package struct StoredBlock {
    enum Body {
        case plain(UnsafeRawBufferPointer)
        case packed(PackedReader)
        case dictionary(TextDictionary.Reader)
        case split(SplitDoubles.Reader)
    }

    let type: ValueType
    let rows: Int
    /// Empty where no row is null.
    let validity: UnsafeRawBufferPointer
    let body: Body

    /// Throws where the bytes are not a block of this type and number of rows.
    package init(
        _ bytes: UnsafeRawBufferPointer,
        type: ValueType,
        rows: Int
    ) throws(AlulaError) {
        guard bytes.count >= BlockCodec.headerBytes else {
            throw .corrupt("a block is shorter than its header")
        }
        let checksum = bytes.loadUnaligned(as: UInt64.self).littleEndian
        guard Checksum.xxh64(UnsafeRawBufferPointer(rebasing: bytes[8...])) == checksum else {
            throw .corrupt("a block of history does not match its checksum")
        }
        let stored = bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self).littleEndian
        guard Int(stored) == rows else {
            throw .corrupt("a block has \(stored) rows where its group has \(rows)")
        }
        guard bytes[9] <= 1 else { throw .corrupt("a block has the unknown flag \(bytes[9])") }
        let validityBytes = bytes[9] == 1 ? (rows + 7) / 8 : 0
        let start = BlockCodec.headerBytes + validityBytes
        guard start <= bytes.count else { throw .corrupt("a block is shorter than its validity") }
        self.type = type
        self.rows = rows
        validity = UnsafeRawBufferPointer(rebasing: bytes[BlockCodec.headerBytes..<start])
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        body = try StoredBlock.body(rest, encoding: bytes[8], type: type, rows: rows)
    }

    private static func body(
        _ bytes: UnsafeRawBufferPointer,
        encoding: UInt8,
        type: ValueType,
        rows: Int
    ) throws(AlulaError) -> Body {
        switch (BlockCodec.Encoding(rawValue: encoding), type) {
        case (.plain, _):
            if let width = type.fixedRowBytes, bytes.count != width * rows {
                throw .corrupt("a block has \(bytes.count) bytes where \(width * rows) belong")
            }
            return .plain(bytes)
        case (.packed, .scalar(.int32)), (.packed, .scalar(.int64)), (.packed, .scalar(.timestamp)):
            var size = 0
            guard let reader = PackedReader(bytes, rows: rows, size: &size), size == bytes.count
            else { throw .corrupt("a block of packed integers has a wrong length") }
            return .packed(reader)
        case (.dictionary, .scalar(.string)), (.dictionary, .scalar(.bytes)):
            return .dictionary(try TextDictionary.Reader(bytes, rows: rows))
        case (.split, .scalar(.float64)):
            return .split(try SplitDoubles.Reader(bytes, rows: rows))
        case (nil, _): throw .corrupt("a block has encoding \(encoding), which is not known")
        case (.packed, _), (.dictionary, _), (.split, _):
            throw .corrupt("a block of type \(type) has encoding \(encoding), which is not for it")
        }
    }

    @inline(__always)
    func isValid(_ row: Int) -> Bool {
        validity.isEmpty || validity[row >> 3] & (1 << UInt8(row & 7)) != 0
    }

    /// All rows.
    package func column() throws(AlulaError) -> Column {
        switch body {
        case .plain(let bytes): return try plainColumn(bytes)
        case .packed(let reader):
            return type == .int32
                ? fixed { Int32(truncatingIfNeeded: reader[$0]) } : fixed { reader[$0] }
        case .split(let reader): return fixed { reader[$0] }
        case .dictionary(let reader):
            return try reader.column(type, validity: validity, rows: rows)
        }
    }

    @inline(__always)
    private func fixed<T: BitwiseCopyable>(_ value: (Int) -> T) -> Column {
        let size = MemoryLayout<T>.size * rows
        let values = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            raw.withMemoryRebound(to: T.self) { items in
                for row in 0..<rows { items[row] = value(row) }
            }
            if !validity.isEmpty {
                for row in 0..<rows where !isValid(row) {
                    let zero = raw[row * MemoryLayout<T>.size..<(row + 1) * MemoryLayout<T>.size]
                    UnsafeMutableRawBufferPointer(rebasing: zero).initializeMemory(
                        as: UInt8.self,
                        repeating: 0
                    )
                }
            }
            filled = size
        }
        return Column(
            type: type,
            count: rows,
            validity: Array(validity),
            offsets: [],
            itemOffsets: [],
            values: values
        )
    }

    private func plainColumn(_ bytes: UnsafeRawBufferPointer) throws(AlulaError) -> Column {
        var reader = BlockReader(bytes: bytes, position: 0)
        var offsets: [Int32] = []
        var itemOffsets: [Int32] = []
        var items = rows
        switch type {
        case .scalar: break
        case .list:
            offsets = try reader.takeOffsets(rows)
            items = Int(offsets[rows])
        case .fixedList(_, let length): items = rows * length
        }
        let size: Int
        switch type.item {
        case .bool: size = (items + 7) / 8
        case .int32, .int64, .float32, .float64, .timestamp:
            size = items * (type.item.fixedWidth ?? 0)
        case .string, .bytes:
            let ends = try reader.takeOffsets(items)
            size = Int(ends[items])
            if case .scalar = type { offsets = ends } else { itemOffsets = ends }
        }
        let values = try reader.take(size)
        guard reader.position == bytes.count else {
            throw .corrupt("a block is longer than its values")
        }
        return Column(
            type: type,
            count: rows,
            validity: Array(validity),
            offsets: offsets,
            itemOffsets: itemOffsets,
            values: values
        )
    }
}

private struct BlockReader {
    let bytes: UnsafeRawBufferPointer
    var position: Int

    mutating func take(_ count: Int) throws(AlulaError) -> [UInt8] {
        guard count >= 0, count <= bytes.count - position else {
            throw .corrupt("a block is shorter than its values")
        }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    mutating func takeOffsets(_ count: Int) throws(AlulaError) -> [Int32] {
        let size = 4 * (count + 1)
        guard size <= bytes.count - position else {
            throw .corrupt("a block is shorter than its offsets")
        }
        let offsets = [Int32](unsafeUninitializedCapacity: count + 1) { buffer, filled in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[position..<position + size])
            )
            filled = count + 1
        }
        position += size
        guard offsets[0] == 0, zip(offsets, offsets.dropFirst()).allSatisfy({ $0 <= $1 }) else {
            throw .corrupt("the offsets of a block do not ascend from 0")
        }
        return offsets
    }
}

extension StoredBlock {
    /// The microseconds of a row of a timestamp block; nil where it is null.
    package func time(_ row: Int) throws(AlulaError) -> Int64? {
        guard row >= 0, row < rows else {
            throw .corrupt("a row is asked for that its block does not have")
        }
        guard isValid(row) else { return nil }
        switch body {
        case .packed(let reader): return reader[row]
        case .plain(let bytes): return bytes.loadUnaligned(fromByteOffset: 8 * row, as: Int64.self)
        case .dictionary, .split: throw .corrupt("a block of times has another encoding")
        }
    }
}
