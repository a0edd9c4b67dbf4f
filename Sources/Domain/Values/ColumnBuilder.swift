/// Builds a column row by row.
public struct ColumnBuilder: Sendable {
    public let type: ValueType
    public private(set) var count = 0
    private var nulls = 0
    private var validity: [UInt8] = []
    private var offsets: [Int32] = []
    private var itemOffsets: [Int32] = []
    private var values: [UInt8] = []
    /// Items so far: rows for scalars, elements for lists.
    private var items = 0

    public init(_ type: ValueType, reservingRows rows: Int = 0) {
        self.type = type
        switch type {
        case .scalar(let item):
            if item == .string || item == .bytes { offsets = [0] }
        case .list(let item):
            offsets = [0]
            if item == .string || item == .bytes { itemOffsets = [0] }
        case .fixedList(let item, _):
            if item == .string || item == .bytes { itemOffsets = [0] }
        }
        if let width = type.item.fixedWidth { values.reserveCapacity(rows * width) }
        validity.reserveCapacity((rows + 7) / 8)
    }

    /// Adds a value of the column's type; an int32 is taken for an int64 and a float32 for a float64.
    public mutating func append(_ value: FeatureValue) throws(AlulaError) {
        guard value != .null else { return appendNull() }
        switch (type, value) {
        case (.scalar(let item), let value):
            try appendItem(item, value, isScalar: true)
        case (.list(let item), .list(let elements)):
            for element in elements { try appendItem(item, element, isScalar: false) }
            offsets.append(Int32(items))
        case (.fixedList(let item, let length), .list(let elements)):
            guard elements.count == length else {
                throw .invalid("expected a list of \(length) items, found \(elements.count)")
            }
            for element in elements { try appendItem(item, element, isScalar: false) }
        default: throw .invalid("expected \(type), found a single value")
        }
        mark(valid: true)
    }

    public mutating func appendNull() {
        switch type {
        case .scalar(let item): appendZero(item, isScalar: true)
        case .list: offsets.append(Int32(items))
        case .fixedList(let item, let length):
            for _ in 0..<length { appendZero(item, isScalar: false) }
        }
        nulls += 1
        mark(valid: false)
    }

    /// Adds a fixed-width scalar without a box; the caller knows the width of the column's type.
    public mutating func append<T: BitwiseCopyable>(fixed value: T) {
        appendRaw(value)
        items += 1
        mark(valid: true)
    }

    /// Adds the bytes of a string (valid UTF-8, as the caller has checked) or of a bytes value.
    public mutating func append(variable bytes: some Collection<UInt8>) {
        values.append(contentsOf: bytes)
        offsets.append(Int32(values.count))
        items += 1
        mark(valid: true)
    }

    /// Copies row `row` of a column of the same type.
    public mutating func append(row: Int, of column: Column) {
        guard column.isValid(row) else { return appendNull() }
        switch type {
        case .scalar(let item): copyItems(item, row..<row + 1, of: column, isScalar: true)
        case .list(let item):
            copyItems(
                item,
                Int(column.offsets[row])..<Int(column.offsets[row + 1]),
                of: column,
                isScalar: false
            )
            offsets.append(Int32(items))
        case .fixedList(let item, let length):
            copyItems(item, row * length..<(row + 1) * length, of: column, isScalar: false)
        }
        mark(valid: true)
    }

    /// Bytes taken so far, to keep a batch under a limit.
    public var byteCount: Int {
        values.count + validity.count + 4 * (offsets.count + itemOffsets.count)
    }

    public consuming func finish() -> Column {
        Column(
            type: type,
            count: count,
            validity: nulls == 0 ? [] : validity,
            offsets: offsets,
            itemOffsets: itemOffsets,
            values: values
        )
    }
}

extension ColumnBuilder {
    private mutating func mark(valid: Bool) {
        if count & 7 == 0 { validity.append(0) }
        if valid { validity[count >> 3] |= 1 << UInt8(count & 7) }
        count += 1
    }

    private mutating func appendRaw<T: BitwiseCopyable>(_ value: T) {
        unsafe withUnsafeBytes(of: value) { unsafe values.append(contentsOf: $0) }
    }

    private mutating func appendBit(_ bit: Bool) {
        if items & 7 == 0 { values.append(0) }
        if bit { values[items >> 3] |= 1 << UInt8(items & 7) }
    }

    private mutating func appendBytes(
        _ bytes: some Collection<UInt8>,
        isScalar: Bool
    ) throws(AlulaError) {
        guard bytes.count <= Limits.valueBytes else {
            throw .invalid(
                "a value of \(bytes.count) bytes is over the limit of \(Limits.valueBytes)"
            )
        }
        values.append(contentsOf: bytes)
        endVariable(isScalar: isScalar)
    }

    private mutating func endVariable(isScalar: Bool) {
        if isScalar {
            offsets.append(Int32(values.count))
        } else {
            itemOffsets.append(Int32(values.count))
        }
    }

    private mutating func appendItem(
        _ item: ScalarType,
        _ value: FeatureValue,
        isScalar: Bool
    ) throws(AlulaError) {
        switch (item, value) {
        case (.bool, .bool(let bit)): appendBit(bit)
        case (.int32, .int32(let number)): appendRaw(number)
        case (.int64, .int64(let number)): appendRaw(number)
        case (.int64, .int32(let number)): appendRaw(Int64(number))
        case (.float32, .float32(let number)): appendRaw(number)
        case (.float64, .float64(let number)): appendRaw(number)
        case (.float64, .float32(let number)): appendRaw(Double(number))
        case (.timestamp, .timestamp(let moment)): appendRaw(moment.microseconds)
        case (.string, .string(let text)): try appendBytes(text.utf8, isScalar: isScalar)
        case (.bytes, .bytes(let bytes)): try appendBytes(bytes, isScalar: isScalar)
        default: throw .invalid("expected \(type), found another type or a null in a list")
        }
        items += 1
    }

    private mutating func appendZero(_ item: ScalarType, isScalar: Bool) {
        switch item {
        case .bool: appendBit(false)
        case .int32, .float32: appendRaw(UInt32(0))
        case .int64, .float64, .timestamp: appendRaw(UInt64(0))
        case .string, .bytes: endVariable(isScalar: isScalar)
        }
        items += 1
    }

    private mutating func copyItems(
        _ item: ScalarType,
        _ range: Range<Int>,
        of column: Column,
        isScalar: Bool
    ) {
        switch item {
        case .bool:
            for index in range {
                appendBit(column.bit(index))
                items += 1
            }
        case .int32, .float32, .int64, .float64, .timestamp:
            let width = item.fixedWidth ?? 0
            values.append(
                contentsOf: column.values[range.lowerBound * width..<range.upperBound * width]
            )
            items += range.count
        case .string, .bytes:
            let source = isScalar ? column.offsets : column.itemOffsets
            for index in range {
                values.append(
                    contentsOf: column.values[Int(source[index])..<Int(source[index + 1])]
                )
                endVariable(isScalar: isScalar)
                items += 1
            }
        }
    }
}
