package import Domain

/// One column of a row group as it stands in the offline store.
///
/// ```
/// u64 xxHash64 of all that follows
/// u8 encoding | u8 validity (1: there is a validity buffer) | u16 0 | u32 rows
/// validity      if there is one: (rows + 7) / 8 bytes
/// body          by encoding
/// ```
/// | encoding | for | body |
/// |---|---|---|
/// | 0 plain | all types | offsets, item offsets, values, as in a record batch, without padding |
/// | 1 packed | int32, int64, timestamp | `PackedIntegers`; a null's field is 0 |
/// | 2 dictionary | string, bytes | u32 entries, u32 offset of each and of the end, their bytes, then for each row the packed number of its entry |
/// | 3 split | float64 | `SplitDoubles` |
///
/// Everything is little-endian. The type stands with the segment. Whichever encoding is smallest is
/// taken; equal columns are equal bytes.
package enum BlockCodec {
    static let headerBytes = 16

    enum Encoding: UInt8 {
        case plain = 0
        case packed = 1
        case dictionary = 2
        case split = 3
    }

    package static func encode(_ column: Column) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 8)
        bytes.reserveCapacity(headerBytes + BatchCodec.byteCount(column))
        let body = encodedBody(column)
        bytes.append(contentsOf: [
            body?.encoding.rawValue ?? 0, column.validity.isEmpty ? 0 : 1, 0, 0,
        ])
        withUnsafeBytes(of: UInt32(column.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: column.validity)
        if let body {
            bytes.append(contentsOf: body.bytes)
        } else {
            column.offsets.withUnsafeBytes { bytes.append(contentsOf: $0) }
            column.itemOffsets.withUnsafeBytes { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: column.values)
        }
        seal(&bytes)
        return bytes
    }

    /// Writes the checksum of a block into it.
    static func seal(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { raw in
            let checksum = Checksum.xxh64(UnsafeRawBufferPointer(rebasing: raw[8...]))
            raw.storeBytes(of: checksum.littleEndian, as: UInt64.self)
        }
    }

    /// The body in an encoding that is smaller than plain; nil where there is none.
    private static func encodedBody(_ column: Column) -> (encoding: Encoding, bytes: [UInt8])? {
        guard column.count > 0 else { return nil }
        switch column.type {
        case .scalar(.int64), .scalar(.timestamp):
            return column.values.withUnsafeBytes { packed($0.bindMemory(to: Int64.self), column) }
        case .scalar(.int32):
            let wide = column.values.withUnsafeBytes { raw in
                raw.bindMemory(to: Int32.self).map(Int64.init)
            }
            return wide.withUnsafeBufferPointer { packed($0, column) }
        case .scalar(.float64):
            return SplitDoubles.encode(column).map { (.split, $0) }
        case .scalar(.string), .scalar(.bytes):
            return TextDictionary.encode(column).map { (.dictionary, $0) }
        case .scalar(.bool), .scalar(.float32), .list, .fixedList: return nil
        }
    }

    private static func packed(
        _ values: UnsafeBufferPointer<Int64>,
        _ column: Column
    ) -> (encoding: Encoding, bytes: [UInt8])? {
        var bytes: [UInt8] = []
        let validity = column.validity
        if validity.isEmpty {
            guard let plan = PackedIntegers.plan(values, isPresent: { _ in true }),
                isSmaller(plan, column)
            else { return nil }
            PackedIntegers.append(values, plan, isPresent: { _ in true }, to: &bytes)
        } else {
            guard let plan = PackedIntegers.plan(values, isPresent: column.isValid),
                isSmaller(plan, column)
            else { return nil }
            PackedIntegers.append(values, plan, isPresent: column.isValid, to: &bytes)
        }
        return (.packed, bytes)
    }

    private static func isSmaller(_ plan: PackedIntegers.Plan, _ column: Column) -> Bool {
        PackedIntegers.byteCount(rows: column.count, width: plan.width) < column.values.count
    }
}

extension BlockCodec {
    /// Reads a block of `rows` rows; throws where it is not what was written.
    package static func decode(
        _ bytes: UnsafeRawBufferPointer,
        type: ValueType,
        rows: Int
    ) throws(AlulaError) -> Column {
        try StoredBlock(bytes, type: type, rows: rows).column()
    }
}
