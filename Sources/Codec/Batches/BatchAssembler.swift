import Glibc

package import Domain

/// Writes rows of gathered columns as a record batch straight into the memory of a frame.
package struct BatchAssembler {
    /// Where a column of the batch comes from.
    package enum Source {
        /// Of fixed width: the rows asked for are taken from it.
        case gathered(GatheredColumn)
        /// Just the rows of the batch.
        case column(Column)
    }

    private let rows: Range<Int>
    private let sources: [Source]
    private let hasNulls: [Bool]
    private let alignment: Int
    /// What the batch takes.
    package let byteCount: Int

    package init(_ sources: [Source], rows: Range<Int>) {
        self.sources = sources
        self.rows = rows
        hasNulls = sources.map { $0.hasNulls(rows) }
        var size = 0
        for (source, hasNulls) in zip(sources, hasNulls) {
            if hasNulls { size += (rows.count + 7) / 8 }
            size += source.offsets.reduce(0) { $0 + 4 * $1.count } + source.valueBytes(rows)
        }
        alignment = size > BatchCodec.wideAlignmentFrom ? 64 : 8
        var end = 8 + (sources.count + 7) / 8
        for (source, hasNulls) in zip(sources, hasNulls) {
            if hasNulls { end = Self.aligned(end, alignment) + (rows.count + 7) / 8 }
            for offsets in source.offsets { end = Self.aligned(end, alignment) + 4 * offsets.count }
            end = Self.aligned(end, alignment) + source.valueBytes(rows)
        }
        byteCount = Self.aligned(end, alignment)
    }

    private static func aligned(_ position: Int, _ alignment: Int) -> Int {
        (position + alignment - 1) / alignment * alignment
    }

    /// Fills `byteCount` bytes.
    package func write(to target: UnsafeMutableRawBufferPointer) {
        precondition(target.count >= byteCount)
        target.storeBytes(of: UInt32(rows.count).littleEndian, as: UInt32.self)
        target.storeBytes(of: UInt16(sources.count).littleEndian, toByteOffset: 4, as: UInt16.self)
        target.storeBytes(of: alignment == 64 ? 1 : 0, toByteOffset: 6, as: UInt16.self)
        var end = 8 + (sources.count + 7) / 8
        for byte in 8..<end { target[byte] = 0 }
        for (index, hasNulls) in hasNulls.enumerated() where hasNulls {
            target[8 + index >> 3] |= 1 << UInt8(index & 7)
        }
        func room(_ count: Int) -> UnsafeMutableRawBufferPointer {
            let start = Self.aligned(end, alignment)
            for byte in end..<start { target[byte] = 0 }
            end = start + count
            return UnsafeMutableRawBufferPointer(rebasing: target[start..<end])
        }
        for (source, hasNulls) in zip(sources, hasNulls) {
            if hasNulls { source.writeValidity(rows, to: room((rows.count + 7) / 8)) }
            for offsets in source.offsets {
                offsets.withUnsafeBytes { room($0.count).copyMemory(from: $0) }
            }
            source.writeValues(rows, to: room(source.valueBytes(rows)))
        }
        _ = room(0)
    }
}

extension BatchAssembler.Source {
    fileprivate var offsets: [[Int32]] {
        switch self {
        case .gathered: []
        case .column(let column): [column.offsets, column.itemOffsets].filter { !$0.isEmpty }
        }
    }

    fileprivate func hasNulls(_ rows: Range<Int>) -> Bool {
        switch self {
        case .gathered(let column): column.hasNulls(rows)
        case .column(let column): !column.validity.isEmpty
        }
    }

    fileprivate func valueBytes(_ rows: Range<Int>) -> Int {
        switch self {
        case .gathered(let column):
            column.type == .bool ? (rows.count + 7) / 8 : rows.count * column.rowBytes
        case .column(let column): column.values.count
        }
    }

    fileprivate func writeValidity(_ rows: Range<Int>, to target: UnsafeMutableRawBufferPointer) {
        switch self {
        case .gathered(let column): BitPacking.write(column.flags(rows), to: target)
        case .column(let column): column.validity.withUnsafeBytes { target.copyMemory(from: $0) }
        }
    }

    fileprivate func writeValues(_ rows: Range<Int>, to target: UnsafeMutableRawBufferPointer) {
        switch self {
        case .gathered(let column):
            let source = UnsafeRawBufferPointer(
                start: column.values + rows.lowerBound * column.rowBytes,
                count: rows.count * column.rowBytes
            )
            if column.type == .bool {
                BitPacking.write(source.bindMemory(to: UInt8.self), to: target)
            } else {
                target.copyMemory(from: source)
            }
        case .column(let column): column.values.withUnsafeBytes { target.copyMemory(from: $0) }
        }
    }
}

extension GatheredColumn {
    func flags(_ rows: Range<Int>) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: present + rows.lowerBound, count: rows.count)
    }

    /// Whether one of the rows is null.
    package func hasNulls(_ rows: Range<Int>) -> Bool {
        guard rows.count > 0 else { return false }
        return memchr(present + rows.lowerBound, 0, rows.count) != nil
    }

    /// Gives the streams of the digest of columns (`CanonicalDigest`), in pieces; the type is of
    /// fixed width.
    package func writeCanonical(
        to sink: (CanonicalDigest.Stream, UnsafeRawBufferPointer) -> Void
    ) {
        let pieceRows = 65_536
        for start in stride(from: 0, to: count, by: pieceRows) {
            let rows = start..<min(start + pieceRows, count)
            sink(.validity, UnsafeRawBufferPointer(flags(rows)))
            switch type {
            case .scalar(.int64), .scalar(.timestamp), .scalar(.float64), .scalar(.bool):
                // Null slots are zero, NaNs one bit pattern, bools a byte each, all along.
                sink(
                    .items,
                    UnsafeRawBufferPointer(
                        start: values + rows.lowerBound * rowBytes,
                        count: rows.count * rowBytes
                    )
                )
            default:
                CanonicalDigest.write(column(rows)) { stream, bytes in
                    if stream != .validity { sink(stream, bytes) }
                }
            }
        }
    }
}

extension BatchAssembler {
    /// The most that a batch of this schema takes beside its values.
    package static func paddingBytes(_ schema: Schema) -> Int {
        let buffers = schema.fields.reduce(1) { count, field in
            let offsets: Int =
                switch field.type {
                case .scalar, .fixedList: [.string, .bytes].contains(field.type.item) ? 1 : 0
                case .list: [.string, .bytes].contains(field.type.item) ? 2 : 1
                }
            return count + 2 + offsets
        }
        return (buffers + 1) * 64 + 4 * (schema.fields.count + 2)
    }

    /// The batch in memory of its own.
    package func bytes() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, filled in
            write(to: UnsafeMutableRawBufferPointer(buffer))
            filled = byteCount
        }
    }
}
