package import Domain

/// Rows of a batch that are to be stored, and where each stands in the memory that takes them.
package struct RowPlaces: Sendable {
    /// The numbers of the rows.
    package var rows: [Int32] = []
    package var orders: [RowOrder] = []
    /// Where each begins.
    package var starts: [Int] = []
    /// What each takes: see `RowFormat.byteCounts`.
    package var sizes: [Int] = []

    package init() {}
}

extension RowFormat {
    /// What each of these rows takes as it is stored.
    package func byteCounts(_ rows: FeatureRows, _ taken: [Int32]) -> [Int] {
        var sizes = [Int](repeating: variableStart + RowCodec.checksumBytes, count: taken.count)
        for column in rows.features where column.type.isVariableInRow {
            for (place, row) in taken.enumerated() where column.isValid(Int(row)) {
                sizes[place] += column.variableBytes(Int(row))
            }
        }
        return sizes
    }

    /// Writes the rows, which are of this layout's version, column by column.
    package func write(
        _ rows: FeatureRows,
        at places: RowPlaces,
        to memory: UnsafeMutableRawBufferPointer
    ) {
        precondition(rows.schemaVersion == layout.version)
        precondition(rows.features.count == layout.slots.count)
        precondition(zip(rows.features, layout.slots).allSatisfy { $0.type == $1.type })
        precondition(places.rows.allSatisfy { $0 >= 0 && $0 < rows.count })
        for (start, size) in zip(places.starts, places.sizes) {
            precondition(start >= 0 && start + size <= memory.count)
            precondition(size >= variableStart + RowCodec.checksumBytes)
        }
        guard let base = memory.baseAddress else { return }
        writeHeads(rows, at: places, base)
        var ends = [Int](repeating: 0, count: places.rows.count)
        for (slot, column) in rows.features.enumerated() {
            if column.type.isVariableInRow {
                writeVariable(slot, column, at: places, ends: &ends, base)
            } else {
                writeFixed(slot, column, at: places, base)
            }
        }
        for (start, size) in zip(places.starts, places.sizes) {
            let body = UnsafeRawBufferPointer(
                start: base + start,
                count: size - RowCodec.checksumBytes
            )
            (base + start + body.count).storeBytes(
                of: RowCodec.checksum(body).littleEndian,
                as: UInt32.self
            )
        }
    }

    /// The bytes of one of `rows`, which are of this layout's version.
    package func encode(_ rows: FeatureRows, row: Int, order: RowOrder) -> [UInt8] {
        var places = RowPlaces()
        places.rows = [Int32(row)]
        places.orders = [order]
        places.starts = [0]
        places.sizes = byteCounts(rows, places.rows)
        var bytes = [UInt8](repeating: 0, count: places.sizes[0])
        bytes.withUnsafeMutableBytes { write(rows, at: places, to: $0) }
        return bytes
    }
}

extension RowFormat {
    /// The header and the bits of columns without nulls; all else up to the variable part is zero.
    private func writeHeads(
        _ rows: FeatureRows,
        at places: RowPlaces,
        _ base: UnsafeMutableRawPointer
    ) {
        var head = [UInt8](repeating: 0, count: variableStart)
        head[0] = RowCodec.format
        head.store(rows.schemaVersion, at: 2)
        for (slot, column) in rows.features.enumerated() where column.validity.isEmpty {
            head[RowCodec.headerBytes + slot >> 3] |= 1 << UInt8(slot & 7)
        }
        head.withUnsafeBytes { head in
            guard let template = head.baseAddress else { return }
            for (place, order) in places.orders.enumerated() {
                let row = base + places.starts[place]
                row.copyMemory(from: template, byteCount: head.count)
                row.store(UInt8(order.created == nil ? 0 : 1), at: 1)
                row.store(order.event.microseconds, at: 6)
                row.store(order.created?.microseconds ?? 0, at: 14)
                row.store(order.position.entry, at: 22)
                row.store(order.position.row, at: 30)
            }
        }
    }

    private func writeFixed(
        _ slot: Int,
        _ column: Column,
        at places: RowPlaces,
        _ base: UnsafeMutableRawPointer
    ) {
        let start = slotStarts[slot]
        let marksRows = !column.validity.isEmpty
        let item = column.type.item
        precondition(column.values.count >= column.type.slotValueBytes(column.count))
        column.values.withUnsafeBytes { values in
            for (place, row) in places.rows.enumerated() {
                let target = base + places.starts[place]
                if marksRows {
                    guard column.isValid(Int(row)) else { continue }
                    target.mark(slot)
                }
                switch item {
                case .bool: target.store(UInt8(column.bit(Int(row)) ? 1 : 0), at: start)
                case .int32, .float32:
                    target.store(
                        values.loadUnaligned(fromByteOffset: 4 * Int(row), as: UInt32.self),
                        at: start
                    )
                case .int64, .float64, .timestamp:
                    target.store(
                        values.loadUnaligned(fromByteOffset: 8 * Int(row), as: UInt64.self),
                        at: start
                    )
                case .string, .bytes: preconditionFailure("\(column.type) is of no fixed width")
                }
            }
        }
    }

    /// `ends` says for each row where its variable part ends so far.
    private func writeVariable(
        _ slot: Int,
        _ column: Column,
        at places: RowPlaces,
        ends: inout [Int],
        _ base: UnsafeMutableRawPointer
    ) {
        let start = slotStarts[slot]
        let marksRows = !column.validity.isEmpty
        for (place, row) in places.rows.enumerated() {
            let target = base + places.starts[place]
            if !marksRows || column.isValid(Int(row)) {
                if marksRows { target.mark(slot) }
                let size = column.variableBytes(Int(row))
                let end = variableStart + ends[place] + size
                precondition(end + RowCodec.checksumBytes <= places.sizes[place])
                column.writeVariable(
                    Int(row),
                    to: UnsafeMutableRawBufferPointer(start: target + end - size, count: size)
                )
                ends[place] += size
            }
            target.store(UInt32(ends[place]), at: start)
        }
    }
}

extension ValueType {
    /// Bytes of the values of a column of fixed width in rows.
    fileprivate func slotValueBytes(_ rows: Int) -> Int {
        item == .bool ? (rows + 7) / 8 : rows * (item.fixedWidth ?? 0)
    }
}

extension UnsafeMutableRawPointer {
    /// Little-endian, wherever it stands.
    @inline(__always)
    fileprivate func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at start: Int) {
        storeBytes(of: value.littleEndian, toByteOffset: start, as: T.self)
    }

    /// Marks the value of a slot as present.
    @inline(__always)
    fileprivate func mark(_ slot: Int) {
        let byte = self + RowCodec.headerBytes + slot >> 3
        byte.storeBytes(of: byte.load(as: UInt8.self) | 1 << UInt8(slot & 7), as: UInt8.self)
    }
}
