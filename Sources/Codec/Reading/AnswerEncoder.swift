package import Domain

/// Writes the answer to a read, as `proto/README.md` draws it, straight from stored rows: the batch of
/// the vector, then event times and statuses of each part.
///
/// First `measure`, then `write` into so many bytes. Belongs to one thread, which uses it again and
/// again.
package final class AnswerEncoder {
    /// What a column takes in this answer.
    private struct Extent {
        var hasNulls = false
        var valueBytes = 0
        /// Where the rows cannot be copied as they are.
        var built: Column?
    }

    private let readers: [PartReader]
    private let columnCount: Int
    private let hasBuilt: Bool
    private var extents: [Extent]
    private var rows = 0
    private var carried: [Column] = []
    private var alignment = 8

    package init(_ readers: [PartReader], carriedColumns: Int) {
        self.readers = readers
        columnCount = readers.reduce(carriedColumns) { $0 + $1.types.count }
        extents = Array(repeating: Extent(), count: columnCount)
        hasBuilt = readers.contains { $0.hasBuilt }
    }

    /// The bytes of the answer: a row for each of the rows of the parts, of which there may be more than
    /// readers, and the columns that the caller carries behind them.
    package func measure(
        _ parts: [PartRows],
        base: UnsafeRawPointer,
        carried: [Column],
        rows: Int
    ) throws(AlulaError) -> Int {
        self.rows = rows
        self.carried = carried
        // Taken out for the loop, which would else ask for exclusive access at every step.
        var extents: [Extent] = []
        swap(&extents, &self.extents)
        defer { swap(&extents, &self.extents) }
        var column = 0
        var bytes = 0
        for index in readers.indices {
            let reader = readers[index]
            let part = parts[index].rows(base: base)
            for feature in 0..<reader.types.count {
                if reader.hasBuilt, reader.isBuilt(feature) {
                    extents[column] = try builtExtent(reader, feature, parts[index], base)
                } else {
                    extents[column] = try Self.extent(reader, feature, part, rows)
                }
                bytes += Self.byteCount(extents[column], reader.shapes[feature], rows)
                column += 1
            }
        }
        for column in carried { bytes += BatchCodec.byteCount(column) }
        alignment = bytes > BatchCodec.wideAlignmentFrom ? 64 : 8
        return layout(extents) + readers.count * (8 * rows + (rows + 7) & ~7)
    }

    private static func byteCount(
        _ extent: Extent,
        _ shape: PartReader.Shape,
        _ rows: Int
    ) -> Int {
        if let built = extent.built { return BatchCodec.byteCount(built) }
        let offsets = if case .text = shape { 4 * (rows + 1) } else { 0 }
        return (extent.hasNulls ? (rows + 7) / 8 : 0) + offsets + extent.valueBytes
    }

    /// Where the batch ends.
    private func layout(_ extents: [Extent]) -> Int {
        let (rows, alignment) = (rows, alignment)
        let validityBytes = (rows + 7) / 8
        var position = 8 + (columnCount + 7) / 8
        func add(_ bytes: Int) {
            position = (position + alignment - 1) & -alignment + bytes
        }
        func add(_ column: Column) {
            if !column.validity.isEmpty { add(column.validity.count) }
            if !column.offsets.isEmpty { add(4 * column.offsets.count) }
            if !column.itemOffsets.isEmpty { add(4 * column.itemOffsets.count) }
            add(column.values.count)
        }
        var index = 0
        for reader in readers {
            for feature in 0..<reader.shapes.count {
                if let built = extents[index].built {
                    add(built)
                } else {
                    if extents[index].hasNulls { add(validityBytes) }
                    if case .text = reader.shapes[feature] { add(4 * (rows + 1)) }
                    add(extents[index].valueBytes)
                }
                index += 1
            }
        }
        for column in carried { add(column) }
        return (position + alignment - 1) & -alignment
    }
}

extension AnswerEncoder {
    private static func extent(
        _ reader: PartReader,
        _ feature: Int,
        _ part: PartRows.Rows,
        _ rows: Int
    ) throws(AlulaError) -> Extent {
        var extent = Extent()
        extent.hasNulls = part.hasNulls(reader, feature)
        switch reader.shapes[feature] {
        case .bits: extent.valueBytes = (rows + 7) / 8
        case .fixed(let width): extent.valueBytes = width * rows
        case .items(let bytes):
            try part.checkItems(reader, feature, bytes)
            extent.valueBytes = bytes * rows
        case .text: extent.valueBytes = try part.textBytes(reader, feature)
        case .built: break
        }
        return extent
    }

    private func builtExtent(
        _ reader: PartReader,
        _ feature: Int,
        _ part: PartRows,
        _ base: UnsafeRawPointer
    ) throws(AlulaError) -> Extent {
        let built = try build(reader, feature, part, base)
        return Extent(hasNulls: !built.validity.isEmpty, valueBytes: 0, built: built)
    }

    private func build(
        _ reader: PartReader,
        _ feature: Int,
        _ part: PartRows,
        _ base: UnsafeRawPointer
    ) throws(AlulaError) -> Column {
        var builder = ColumnBuilder(reader.types[feature], reservingRows: rows)
        for row in 0..<rows {
            let version = reader.versions[Int(part.versions[row])]
            let source = reader.source(Int(part.versions[row]), feature)
            if part.statuses[row] == FeatureStatus.present.rawValue, source.way != .none {
                let bytes = UnsafeRawBufferPointer(
                    start: base + Int(part.places[row]),
                    count: Int(part.sizes[row])
                )
                try version.format.append(slot: source.slot, of: bytes.bytes, to: &builder)
            } else {
                builder.appendNull()
            }
        }
        return builder.finish()
    }
}

extension AnswerEncoder {
    /// Fills `target`, which has as many bytes as were measured, all of them.
    package func write(
        _ parts: [PartRows],
        base: UnsafeRawPointer,
        into target: UnsafeMutableRawBufferPointer
    ) {
        guard let start = target.baseAddress else { return }
        let (rows, extents, carried) = (rows, extents, carried)
        var writer = BufferWriter(start: start, alignment: alignment)
        writer.head(rows: rows, columns: columnCount)
        let map = writer.take((columnCount + 7) / 8)
        let carriedFrom = columnCount - carried.count
        for index in 0..<columnCount {
            let hasNulls =
                index < carriedFrom
                ? extents[index].hasNulls : !carried[index - carriedFrom].validity.isEmpty
            if hasNulls { map[index >> 3] |= 1 << UInt8(index & 7) }
        }
        var index = 0
        for number in readers.indices {
            let reader = readers[number]
            let part = parts[number].rows(base: base)
            for feature in 0..<reader.types.count {
                if let built = extents[index].built {
                    writer.copy(built)
                } else {
                    let hasNulls = extents[index].hasNulls
                    let bytes = extents[index].valueBytes
                    Self.write(reader, feature, part, hasNulls: hasNulls, bytes, &writer)
                }
                index += 1
            }
        }
        for column in carried { writer.copy(column) }
        writer.align()
        for part in parts.prefix(readers.count) {
            writer.copy(UnsafeRawPointer(part.eventTimes), 8 * rows)
            writer.copy(UnsafeRawPointer(part.statuses), rows)
            writer.pad(to: 8)
        }
        self.carried = []
        if hasBuilt { for index in extents.indices { self.extents[index].built = nil } }
    }

    private static func write(
        _ reader: PartReader,
        _ feature: Int,
        _ part: PartRows.Rows,
        hasNulls: Bool,
        _ valueBytes: Int,
        _ writer: inout BufferWriter
    ) {
        let validityBytes = (part.count + 7) / 8
        if hasNulls {
            writer.align()
            part.writeValidity(reader, feature, to: writer.takeUncleared(validityBytes))
        }
        writer.align()
        switch reader.shapes[feature] {
        case .bits: part.writeBits(reader, feature, to: writer.takeUncleared(validityBytes))
        case .fixed(8): part.writeEights(reader, feature, to: writer.takeUncleared(valueBytes))
        case .fixed: part.writeFours(reader, feature, to: writer.takeUncleared(valueBytes))
        case .items(let bytes):
            part.writeItems(reader, feature, bytes, to: writer.takeUncleared(valueBytes))
        case .text:
            let offsets = writer.takeUncleared(4 * (part.count + 1))
            writer.align()
            part.writeTexts(
                reader,
                feature,
                offsets: offsets,
                to: writer.takeUncleared(valueBytes)
            )
        case .built: break
        }
    }
}

/// Bytes of an answer one after the other, with zeros between buffers.
struct BufferWriter {
    let start: UnsafeMutableRawPointer
    let alignment: Int
    var position = 0

    init(start: UnsafeMutableRawPointer, alignment: Int) {
        self.start = start
        self.alignment = alignment
    }

    mutating func head(rows: Int, columns: Int) {
        start.storeBytes(of: UInt32(rows).littleEndian, as: UInt32.self)
        let flags: UInt16 = alignment == 64 ? 1 : 0
        start.storeBytes(
            of: UInt16(columns).littleEndian,
            toByteOffset: 4,
            as: UInt16.self
        )
        start.storeBytes(of: flags.littleEndian, toByteOffset: 6, as: UInt16.self)
        position = 8
    }

    mutating func align() { pad(to: alignment) }

    mutating func pad(to multiple: Int) {
        let end = (position + multiple - 1) & -multiple
        while position < end {
            start.storeBytes(of: 0, toByteOffset: position, as: UInt8.self)
            position += 1
        }
    }

    /// The next bytes, zero.
    mutating func take(_ count: Int) -> UnsafeMutablePointer<UInt8> {
        let taken = takeUncleared(count)
        taken.initializeMemory(as: UInt8.self, repeating: 0, count: count)
        return taken.assumingMemoryBound(to: UInt8.self)
    }

    mutating func takeUncleared(_ count: Int) -> UnsafeMutableRawPointer {
        defer { position += count }
        return start + position
    }

    mutating func copy(_ bytes: UnsafeRawPointer, _ count: Int) {
        (start + position).copyMemory(from: bytes, byteCount: count)
        position += count
    }

    mutating func copy(_ column: Column) {
        if !column.validity.isEmpty { copy(column.validity) }
        if !column.offsets.isEmpty { copy(column.offsets) }
        if !column.itemOffsets.isEmpty { copy(column.itemOffsets) }
        copy(column.values)
    }

    private mutating func copy<T: BitwiseCopyable>(_ values: [T]) {
        align()
        values.withUnsafeBytes { raw in
            if let bytes = raw.baseAddress { copy(bytes, raw.count) }
        }
    }
}
