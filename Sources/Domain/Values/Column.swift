/// One column of values in Arrow's buffer layout, as it stands in memory, on the wire and on disk.
///
/// ```
/// validity   one bit a row, least significant first, 1 = present; empty where no row is null
/// offsets    count + 1 Int32, from 0, for strings, bytes and lists of any length; else empty
/// values     fixed width: little-endian items; bool: one bit an item; string, bytes: the bytes themselves
/// itemOffsets, for lists of strings or bytes: items + 1 Int32 into `values`; else empty
/// ```
/// A null's slot is zero (fixed width) or empty (offsets), so that equal columns have equal bytes.
/// A fixed list has no offsets: its row has `length` items at `row * length`.
public struct Column: Sendable, Hashable {
    public let type: ValueType
    public let count: Int
    public let validity: [UInt8]
    public let offsets: [Int32]
    public let itemOffsets: [Int32]
    public let values: [UInt8]

    /// Takes buffers as they are; whoever calls has checked them, or built them with `ColumnBuilder`.
    public init(
        type: ValueType,
        count: Int,
        validity: [UInt8],
        offsets: [Int32],
        itemOffsets: [Int32],
        values: [UInt8]
    ) {
        self.type = type
        self.count = count
        self.validity = validity
        self.offsets = offsets
        self.itemOffsets = itemOffsets
        self.values = values
    }

    public init(_ type: ValueType, _ values: [FeatureValue]) throws(AlulaError) {
        var builder = ColumnBuilder(type)
        for value in values { try builder.append(value) }
        self = builder.finish()
    }

    @inlinable
    public func isValid(_ row: Int) -> Bool {
        validity.isEmpty || validity[row >> 3] & (1 << UInt8(row & 7)) != 0
    }

    public var nullCount: Int {
        guard !validity.isEmpty else { return 0 }
        return (0..<count).reduce(0) { $0 + (isValid($1) ? 0 : 1) }
    }
}

extension Column {
    /// The value of a row, for edges and tests.
    public subscript(row: Int) -> FeatureValue {
        guard isValid(row) else { return .null }
        switch type {
        case .scalar(let item): return Self.value(item, row, of: self, offsets: offsets)
        case .list(let item):
            return .list(
                (Int(offsets[row])..<Int(offsets[row + 1])).map {
                    Self.value(item, $0, of: self, offsets: itemOffsets)
                }
            )
        case .fixedList(let item, let length):
            return .list(
                (row * length..<(row + 1) * length).map {
                    Self.value(item, $0, of: self, offsets: itemOffsets)
                }
            )
        }
    }

    /// Item `index` as a fixed-width value; the caller knows the width.
    @inlinable
    public func load<T: BitwiseCopyable>(_ index: Int, as type: T.Type) -> T {
        unsafe values.withUnsafeBytes {
            unsafe $0.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self)
        }
    }

    public func bit(_ index: Int) -> Bool { values[index >> 3] & (1 << UInt8(index & 7)) != 0 }

    /// The bytes of row `row` of a string or bytes column.
    public func slice(_ row: Int) -> ArraySlice<UInt8> {
        values[Int(offsets[row])..<Int(offsets[row + 1])]
    }

    private static func value(
        _ type: ScalarType,
        _ index: Int,
        of column: Column,
        offsets: [Int32]
    ) -> FeatureValue {
        switch type {
        case .bool: .bool(column.bit(index))
        case .int32: .int32(column.load(index, as: Int32.self))
        case .int64: .int64(column.load(index, as: Int64.self))
        case .float32: .float32(column.load(index, as: Float.self))
        case .float64: .float64(column.load(index, as: Double.self))
        case .timestamp: .timestamp(Timestamp(microseconds: column.load(index, as: Int64.self)))
        case .string:
            .string(
                String(
                    decoding: column.values[Int(offsets[index])..<Int(offsets[index + 1])],
                    as: UTF8.self
                )
            )
        case .bytes: .bytes(Array(column.values[Int(offsets[index])..<Int(offsets[index + 1])]))
        }
    }
}
