package import Domain

/// One column of a row group as it stands in the offline store.
///
/// ```
/// u32 CRC-32C of all that follows
/// u8 encoding (0: plain) | u8 validity (1: there is a validity buffer) | u16 0 | u32 rows
/// validity      if there is one: (rows + 7) / 8 bytes
/// offsets       strings, bytes, lists of any length: rows + 1 Int32
/// item offsets  lists of strings or bytes: items + 1 Int32
/// values        as in a record batch
/// ```
/// Everything is little-endian and without padding. The type stands with the segment.
package enum BlockCodec {
    private static let headerBytes = 12
    private static let plain: UInt8 = 0

    package static func encode(_ column: Column) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headerBytes + BatchCodec.byteCount(column))
        bytes.append(contentsOf: [0, 0, 0, 0, plain, column.validity.isEmpty ? 0 : 1, 0, 0])
        withUnsafeBytes(of: UInt32(column.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: column.validity)
        column.offsets.withUnsafeBytes { bytes.append(contentsOf: $0) }
        column.itemOffsets.withUnsafeBytes { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: column.values)
        let checksum = Checksum.crc32c(bytes[4...])
        withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(0..<4, with: $0) }
        return bytes
    }

    /// Reads a block of `rows` rows; throws where it is not what was written.
    package static func decode(
        _ bytes: UnsafeRawBufferPointer,
        type: ValueType,
        rows: Int
    ) throws(AlulaError) -> Column {
        guard bytes.count >= headerBytes else {
            throw .corrupt("a block is shorter than its header")
        }
        let checksum = bytes.loadUnaligned(as: UInt32.self).littleEndian
        guard Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[4...])) == checksum else {
            throw .corrupt("a block of history does not match its checksum")
        }
        guard bytes[4] == plain else {
            throw .corrupt("a block has encoding \(bytes[4]), which this version does not know")
        }
        let stored = bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self).littleEndian
        guard Int(stored) == rows else {
            throw .corrupt("a block has \(stored) rows where its group has \(rows)")
        }
        var reader = BlockReader(bytes: bytes, position: headerBytes)
        let validity = bytes[5] == 1 ? try reader.take((rows + 7) / 8) : []
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
            validity: validity,
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
