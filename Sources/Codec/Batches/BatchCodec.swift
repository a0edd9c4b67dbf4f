package import Domain

/// Record batches as bytes: the data section of a frame, and the blocks on disk.
///
/// ```
/// u32 rows | u16 columns | u16 flags       flags bit 0: buffers at multiples of 64, else of 8
/// validity map: one bit a column, 1 = the column has a validity buffer
/// for each column, each buffer at the next multiple of the alignment, counted from the batch's start:
///   validity      if it has one: one bit a row, least significant first, 1 = present
///   offsets       strings, bytes, lists of any length: rows + 1 Int32 from 0
///   item offsets  lists of strings or bytes: items + 1 Int32 from 0
///   values        little-endian items, or bits for bool, or the bytes of all strings
/// ```
/// Bytes between buffers and a null's slot are zero. The schema travels apart.
package enum BatchCodec {
    /// Above this many bytes buffers stand at multiples of 64, as Arrow's own do.
    package static let wideAlignmentFrom = 64 << 10

    package static func encode(_ batch: RecordBatch) -> [UInt8] {
        var bytes: [UInt8] = []
        append(batch, to: &bytes)
        return bytes
    }

    /// Appends the batch; `bytes.count` is a multiple of 8 before (of 64 for wide batches in place).
    package static func append(_ batch: RecordBatch, to bytes: inout [UInt8]) {
        let start = bytes.count
        let size = batch.columns.reduce(0) { $0 + byteCount($1) }
        let alignment = size > wideAlignmentFrom ? 64 : 8
        bytes.reserveCapacity(start + size + (4 * batch.columns.count + 2) * alignment)
        append(UInt32(batch.rowCount), to: &bytes)
        append(UInt16(batch.columns.count), to: &bytes)
        append(UInt16(alignment == 64 ? 1 : 0), to: &bytes)
        var map = [UInt8](repeating: 0, count: (batch.columns.count + 7) / 8)
        for (index, column) in batch.columns.enumerated() where !column.validity.isEmpty {
            map[index >> 3] |= 1 << UInt8(index & 7)
        }
        bytes.append(contentsOf: map)
        func align() {
            let over = (bytes.count - start) % alignment
            if over != 0 { bytes.append(contentsOf: repeatElement(0, count: alignment - over)) }
        }
        for column in batch.columns {
            for buffer in [column.validity] where !buffer.isEmpty {
                align()
                bytes.append(contentsOf: buffer)
            }
            for offsets in [column.offsets, column.itemOffsets] where !offsets.isEmpty {
                align()
                offsets.withUnsafeBytes { bytes.append(contentsOf: $0) }
            }
            align()
            bytes.append(contentsOf: column.values)
        }
        align()
    }

    package static func byteCount(_ column: Column) -> Int {
        column.validity.count + 4 * (column.offsets.count + column.itemOffsets.count)
            + column.values.count
    }

    private static func append<T: FixedWidthInteger>(_ value: T, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

extension BatchCodec {
    /// Reads a batch that may come from anyone: every length is checked before memory is taken for it,
    /// strings are UTF-8, and null slots and NaNs come out canonical.
    package static func decode(
        _ bytes: [UInt8],
        schema: Schema,
        maxRows: Int = Limits.batchRows
    ) throws(AlulaError) -> RecordBatch {
        let result: Result<RecordBatch, AlulaError> = bytes.withUnsafeBytes { raw in
            Result { () throws(AlulaError) in
                try decode(raw, schema: schema, maxRows: maxRows)
            }
        }
        return try result.get()
    }

    package static func decode(
        _ bytes: UnsafeRawBufferPointer,
        schema: Schema,
        maxRows: Int = Limits.batchRows
    ) throws(AlulaError) -> RecordBatch {
        var size = 0
        let batch = try decode(bytes, schema: schema, maxRows: maxRows, size: &size)
        guard size == bytes.count else {
            throw .invalid(
                "a record batch of \(size) bytes has \(bytes.count - size) behind its end"
            )
        }
        return batch
    }

    /// As above, for a batch with something behind it: `size` is where it ends.
    package static func decode(
        _ bytes: UnsafeRawBufferPointer,
        schema: Schema,
        maxRows: Int = Limits.batchRows,
        size: inout Int
    ) throws(AlulaError) -> RecordBatch {
        guard bytes.count >= 8 else { throw .invalid("a record batch is cut short in its header") }
        let rows = Int(bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self).littleEndian)
        let columns = Int(bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self).littleEndian)
        let flags = bytes.loadUnaligned(fromByteOffset: 6, as: UInt16.self).littleEndian
        guard rows <= maxRows else {
            throw .invalid("a record batch has \(rows) rows: at most \(maxRows) are taken")
        }
        guard columns == schema.fields.count else {
            throw .invalid(
                "a record batch has \(columns) columns where its schema has \(schema.fields.count)"
            )
        }
        guard flags <= 1 else { throw .invalid("a record batch has unknown flags \(flags)") }
        var reader = BufferReader(bytes: bytes, position: 8, alignment: flags == 1 ? 64 : 8)
        let map = try reader.take((columns + 7) / 8, of: "the validity map")
        var result: [Column] = []
        result.reserveCapacity(columns)
        for (index, field) in schema.fields.enumerated() {
            do {
                let hasNulls = map[index >> 3] & (1 << UInt8(index & 7)) != 0
                result.append(try reader.column(field.type, rows: rows, hasNulls: hasNulls))
            } catch {
                throw .invalid("column \"\(field.name)\": \(error.message)")
            }
        }
        reader.align()
        guard reader.position <= bytes.count else {
            throw .invalid("a record batch is cut short in the padding at its end")
        }
        size = reader.position
        return RecordBatch(schema: schema, columns: result, rowCount: rows)
    }
}

private struct BufferReader {
    let bytes: UnsafeRawBufferPointer
    var position: Int
    let alignment: Int

    mutating func align() { position = (position + alignment - 1) / alignment * alignment }

    mutating func take(_ count: Int, of what: String) throws(AlulaError) -> [UInt8] {
        guard count <= bytes.count - position, count >= 0 else {
            throw .invalid(
                "\(what) is cut short: \(count) bytes expected, \(max(0, bytes.count - position)) there"
            )
        }
        defer { position += count }
        return Array(UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
    }

    mutating func column(
        _ type: ValueType,
        rows: Int,
        hasNulls: Bool
    ) throws(AlulaError) -> Column {
        var validity: [UInt8] = []
        if hasNulls {
            align()
            validity = try take((rows + 7) / 8, of: "validity")
            if rows & 7 != 0, let last = validity.popLast() {
                validity.append(last & (1 << UInt8(rows & 7) - 1))
            }
            // A validity buffer that marks no null is the same as none.
            if (0..<rows).allSatisfy({ validity[$0 >> 3] & (1 << UInt8($0 & 7)) != 0 }) {
                validity = []
            }
        }
        var offsets: [Int32] = []
        var itemOffsets: [Int32] = []
        let items: Int
        switch type {
        case .scalar: items = rows
        case .list:
            offsets = try takeOffsets(rows)
            items = Int(offsets[rows])
            guard zip(offsets, offsets.dropFirst()).allSatisfy({ $1 - $0 <= Limits.listLength })
            else {
                throw .invalid("a list has more than \(Limits.listLength) items")
            }
        case .fixedList(_, let length): items = rows * length
        }
        let values: [UInt8]
        switch type.item {
        case .bool:
            align()
            values = try take((items + 7) / 8, of: "values")
        case .int32, .int64, .float32, .float64, .timestamp:
            align()
            values = try take(items * (type.item.fixedWidth ?? 0), of: "values")
        case .string, .bytes:
            let ends = try takeOffsets(items)
            if case .scalar = type { offsets = ends } else { itemOffsets = ends }
            align()
            values = try take(Int(ends[items]), of: "values")
            guard zip(ends, ends.dropFirst()).allSatisfy({ $1 - $0 <= Limits.valueBytes }) else {
                throw .invalid("a value is over the limit of \(Limits.valueBytes) bytes")
            }
            if type.item == .string { try checkText(values, ends) }
        }
        let column = Column(
            type: type,
            count: rows,
            validity: validity,
            offsets: offsets,
            itemOffsets: itemOffsets,
            values: values
        )
        return try column.canonical()
    }

    private mutating func takeOffsets(_ count: Int) throws(AlulaError) -> [Int32] {
        align()
        let size = 4 * (count + 1)
        guard size <= bytes.count - position else {
            throw .invalid(
                "offsets is cut short: \(size) bytes expected, \(max(0, bytes.count - position)) there"
            )
        }
        let raw = UnsafeRawBufferPointer(rebasing: bytes[position..<position + size])
        position += size
        var ascends = true
        let offsets = [Int32](unsafeUninitializedCapacity: count + 1) { buffer, filled in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(from: raw)
            for place in 0..<count { ascends = ascends && buffer[place] <= buffer[place + 1] }
            filled = count + 1
        }
        guard offsets[0] == 0, ascends else { throw .invalid("offsets do not ascend from 0") }
        return offsets
    }

    /// All text is UTF-8, and no value begins within a character.
    private func checkText(_ values: [UInt8], _ ends: [Int32]) throws(AlulaError) {
        guard !values.isASCII else { return }
        // Why it is invalid is of no use.
        let valid = (try? UTF8Span(validating: values.span)) != nil
        guard valid,
            ends.allSatisfy({ Int($0) == values.count || values[Int($0)] & 0xC0 != 0x80 })
        else { throw .invalid("a string is not valid UTF-8") }
    }
}

extension [UInt8] {
    /// Whether no byte has its highest bit set.
    fileprivate var isASCII: Bool {
        withUnsafeBytes { raw in
            var bits: UInt64 = 0
            var place = 0
            while place + 8 <= raw.count {
                bits |= raw.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                place += 8
            }
            while place < raw.count {
                bits |= UInt64(raw[place])
                place += 1
            }
            return bits & 0x8080_8080_8080_8080 == 0
        }
    }
}
