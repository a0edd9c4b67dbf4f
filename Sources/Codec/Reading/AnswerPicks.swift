package import Domain

/// Takes some rows out of the answer to a read, as an answer of its own, without decoding it.
///
/// Only for vectors whose columns are of fixed width, bool, string or bytes.
package struct AnswerPicks: Sendable {
    enum Shape: Sendable {
        case bits
        case fixed(Int)
        case text
    }

    /// Where the buffers of a column stand; below zero where it has no such buffer.
    struct Place {
        var validity = -1
        var offsets = -1
        var values = 0
    }

    let shapes: [Shape]
    let parts: Int

    /// Nil where a column is of another kind: such an answer is kept as a whole.
    package init?(_ types: [ValueType], parts: Int) {
        var shapes: [Shape] = []
        for type in types {
            switch type {
            case .scalar(.bool): shapes.append(.bits)
            case .scalar(.string), .scalar(.bytes): shapes.append(.text)
            default:
                guard let width = type.fixedRowBytes else { return nil }
                shapes.append(.fixed(width))
            }
        }
        self.shapes = shapes
        self.parts = parts
    }

    /// `answer` has the form that `AnswerEncoder` writes, with the columns of these types; rows are
    /// of its own.
    package func take(_ picks: [Int32], of answer: UnsafeRawBufferPointer) -> [UInt8] {
        guard let base = answer.baseAddress else { return [] }
        let rows = Int(base.loadUnaligned(as: UInt32.self).littleEndian)
        let isWide = base.loadUnaligned(fromByteOffset: 6, as: UInt16.self).littleEndian == 1
        var position = 8 + (shapes.count + 7) / 8
        let places = places(base, rows, alignment: isWide ? 64 : 8, &position)
        let size = byteCount(picks, base, places)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            guard let start = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
            var writer = BufferWriter(start: start, alignment: 8)
            writer.head(rows: picks.count, columns: shapes.count)
            writer.copy(base + 8, (shapes.count + 7) / 8)
            for (shape, place) in zip(shapes, places) {
                write(picks, base, shape, place, &writer)
            }
            writer.align()
            for part in 0..<parts {
                let events = position + part * (8 * rows + (rows + 7) & ~7)
                Self.write(picks, base + events, width: 8, &writer)
                Self.write(picks, base + events + 8 * rows, width: 1, &writer)
                writer.align()
            }
            filled = writer.position
        }
    }

    /// Moves `position` to the end of the columns.
    func places(
        _ base: UnsafeRawPointer,
        _ rows: Int,
        alignment: Int,
        _ position: inout Int
    ) -> [Place] {
        func take(_ bytes: Int) -> Int {
            let start = (position + alignment - 1) & -alignment
            position = start + bytes
            return start
        }
        var places: [Place] = []
        places.reserveCapacity(shapes.count)
        for (index, shape) in shapes.enumerated() {
            var place = Place()
            let map = base.load(fromByteOffset: 8 + index >> 3, as: UInt8.self)
            if map & (1 << UInt8(index & 7)) != 0 { place.validity = take((rows + 7) / 8) }
            switch shape {
            case .bits: place.values = take((rows + 7) / 8)
            case .fixed(let width): place.values = take(width * rows)
            case .text:
                place.offsets = take(4 * (rows + 1))
                let end = base.loadUnaligned(
                    fromByteOffset: place.offsets + 4 * rows,
                    as: Int32.self
                )
                place.values = take(Int(end))
            }
            places.append(place)
        }
        position = (position + alignment - 1) & -alignment
        return places
    }

    private func byteCount(
        _ picks: [Int32],
        _ base: UnsafeRawPointer,
        _ places: [Place]
    ) -> Int {
        let bits = ((picks.count + 7) / 8 + 7) & ~7
        var size = (8 + (shapes.count + 7) / 8 + 7) & ~7
        for (shape, place) in zip(shapes, places) {
            if place.validity >= 0 { size += bits }
            switch shape {
            case .bits: size += bits
            case .fixed(let width): size += (width * picks.count + 7) & ~7
            case .text:
                size += (4 * (picks.count + 1) + 7) & ~7
                var bytes = 0
                for row in picks {
                    let (from, to) = Self.span(row, base + place.offsets)
                    bytes += to - from
                }
                size += (bytes + 7) & ~7
            }
        }
        return size + parts * (8 * picks.count + (picks.count + 7) & ~7)
    }

    private func write(
        _ picks: [Int32],
        _ base: UnsafeRawPointer,
        _ shape: Shape,
        _ place: Place,
        _ writer: inout BufferWriter
    ) {
        writer.align()
        if place.validity >= 0 {
            Self.writeBits(picks, base + place.validity, &writer)
            writer.align()
        }
        switch shape {
        case .bits: Self.writeBits(picks, base + place.values, &writer)
        case .fixed(let width): Self.write(picks, base + place.values, width: width, &writer)
        case .text:
            let offsets = base + place.offsets
            let ends = writer.takeUncleared(4 * (picks.count + 1))
            writer.align()
            var end: Int32 = 0
            ends.storeBytes(of: end, as: Int32.self)
            for (number, row) in picks.enumerated() {
                let (from, to) = Self.span(row, offsets)
                writer.copy(base + place.values + from, to - from)
                end += Int32(truncatingIfNeeded: to - from)
                ends.storeBytes(of: end, toByteOffset: 4 * (number + 1), as: Int32.self)
            }
        }
    }

    private static func span(_ row: Int32, _ offsets: UnsafeRawPointer) -> (Int, Int) {
        let from = offsets.loadUnaligned(fromByteOffset: 4 * Int(row), as: Int32.self)
        let to = offsets.loadUnaligned(fromByteOffset: 4 * Int(row) + 4, as: Int32.self)
        return (Int(from), Int(to))
    }

    @inline(__always)
    private static func write(
        _ picks: [Int32],
        _ source: UnsafeRawPointer,
        width: Int,
        _ writer: inout BufferWriter
    ) {
        let target = writer.takeUncleared(width * picks.count)
        if width == 8 {
            for (number, row) in picks.enumerated() {
                let word = source.loadUnaligned(fromByteOffset: 8 &* Int(row), as: UInt64.self)
                target.storeBytes(of: word, toByteOffset: 8 &* number, as: UInt64.self)
            }
            return
        }
        for (number, row) in picks.enumerated() {
            (target + width &* number).copyMemory(
                from: source + width &* Int(row),
                byteCount: width
            )
        }
    }

    private static func writeBits(
        _ picks: [Int32],
        _ source: UnsafeRawPointer,
        _ writer: inout BufferWriter
    ) {
        let target = writer.take((picks.count + 7) / 8)
        for (number, row) in picks.enumerated() {
            let byte = source.load(fromByteOffset: Int(row) >> 3, as: UInt8.self)
            if byte & (1 << UInt8(row & 7)) != 0 { target[number >> 3] |= 1 << UInt8(number & 7) }
        }
    }
}

/// An answer to a read, taken apart again.
package struct DecodedAnswer: Sendable {
    package var vector: RecordBatch
    /// For each part, the event time of each row; 0 where there is none.
    package var events: [[Int64]]
    /// For each part, the status of each row, as on the wire.
    package var statuses: [[UInt8]]

    /// Reads what `AnswerEncoder` or `AnswerPicks` wrote.
    package init(_ bytes: [UInt8], schema: Schema, parts: Int) throws(AlulaError) {
        var size = 0
        let decoded: Result<RecordBatch, AlulaError> = bytes.withUnsafeBytes { raw in
            Result { () throws(AlulaError) in
                try BatchCodec.decode(raw, schema: schema, maxRows: Limits.readKeys, size: &size)
            }
        }
        vector = try decoded.get()
        let rows = vector.rowCount
        let partBytes = 8 * rows + (rows + 7) & ~7
        guard bytes.count >= size + parts * partBytes else {
            throw .corrupt("the answer to a read is shorter than its parts")
        }
        events = []
        statuses = []
        bytes.withUnsafeBytes { raw in
            for part in 0..<parts {
                let start = size + part * partBytes
                events.append(
                    (0..<rows).map {
                        raw.loadUnaligned(fromByteOffset: start + 8 * $0, as: Int64.self)
                    }
                )
                statuses.append(Array(raw[(start + 8 * rows)..<(start + 9 * rows)]))
            }
        }
    }
}
