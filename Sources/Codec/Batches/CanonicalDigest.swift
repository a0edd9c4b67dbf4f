package import Domain

/// The canonical form of columns, over which digests are taken: "The digest of columns" in
/// `proto/README.md`.
///
/// This is the form only; whoever has a hash gives it the bytes.
package enum CanonicalDigest {
    /// What each column is read as, in the order in which their hashes follow its name and type.
    package enum Stream: Int, Sendable, CaseIterable {
        /// One byte a row: 1 present, 0 null.
        case validity = 0
        /// Lists of any length: the items of each row, Int64.
        case itemCounts = 1
        /// Strings and bytes: the bytes of each item, Int64.
        case lengths = 2
        case items = 3
    }

    /// What stands before the columns.
    package static func head(rows: UInt64, columns: Int) -> [UInt8] {
        var bytes = Array("alula columns 1\n".utf8)
        withUnsafeBytes(of: rows.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt32(columns).littleEndian) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// What stands before the four hashes of a column.
    package static func head(of field: Schema.Field) -> [UInt8] {
        var bytes: [UInt8] = []
        for text in [field.name, widest(field.type).description] {
            withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) {
                bytes.append(contentsOf: $0)
            }
            bytes.append(contentsOf: text.utf8)
        }
        return bytes
    }

    /// Gives the bytes of each stream of the column, in one piece each; where a column comes in
    /// several parts, the streams of its parts follow each other.
    package static func write(
        _ column: Column,
        to sink: (Stream, UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        try validity(column).withUnsafeBytes { try sink(.validity, $0) }
        if case .list = column.type {
            try spans(column.offsets).withUnsafeBytes { try sink(.itemCounts, $0) }
        }
        switch column.type.item {
        case .string, .bytes:
            var offsets = column.itemOffsets
            if case .scalar = column.type { offsets = column.offsets }
            try spans(offsets).withUnsafeBytes { try sink(.lengths, $0) }
            try column.values.withUnsafeBytes { try sink(.items, $0) }
        case .bool: try bools(column).withUnsafeBytes { try sink(.items, $0) }
        case .int64, .timestamp: try column.values.withUnsafeBytes { try sink(.items, $0) }
        case .int32:
            try column.values.withUnsafeBytes { raw in
                let wide = (0..<raw.count / 4).map {
                    Int64(raw.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self))
                }
                try wide.withUnsafeBytes { try sink(.items, $0) }
            }
        case .float32:
            try column.values.withUnsafeBytes { raw in
                let wide = (0..<raw.count / 4).map {
                    bits(Double(raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)))
                }
                try wide.withUnsafeBytes { try sink(.items, $0) }
            }
        case .float64:
            try column.values.withUnsafeBytes { raw in
                let canonical = (0..<raw.count / 8).map {
                    bits(raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self))
                }
                try canonical.withUnsafeBytes { try sink(.items, $0) }
            }
        }
    }

    private static func widest(_ type: ValueType) -> ValueType {
        let item: ScalarType =
            switch type.item {
            case .int32: .int64
            case .float32: .float64
            case .bool, .int64, .float64, .string, .bytes, .timestamp: type.item
            }
        return switch type {
        case .scalar: .scalar(item)
        case .list: .list(item)
        case .fixedList(_, let length): .fixedList(item, length: length)
        }
    }

    private static func bits(_ value: Double) -> UInt64 {
        value.isNaN ? 0x7FF8_0000_0000_0000 : value.bitPattern
    }

    private static func validity(_ column: Column) -> [UInt8] {
        guard !column.validity.isEmpty else { return [UInt8](repeating: 1, count: column.count) }
        return (0..<column.count).map { column.isValid($0) ? 1 : 0 }
    }

    private static func spans(_ offsets: [Int32]) -> [Int64] {
        guard offsets.count > 1 else { return [] }
        return (1..<offsets.count).map { Int64(offsets[$0] - offsets[$0 - 1]) }
    }

    private static func bools(_ column: Column) -> [UInt8] {
        let items: Int
        switch column.type {
        case .scalar: items = column.count
        case .list: items = Int(column.offsets[column.count])
        case .fixedList(_, let length): items = column.count * length
        }
        return (0..<items).map { column.bit($0) ? 1 : 0 }
    }
}
