package import Domain

/// What stands in front of the values of a stored row.
package struct RowHeader: Sendable, Hashable {
    package var schemaVersion: UInt32
    package var order: RowOrder

    package init(schemaVersion: UInt32, order: RowOrder) {
        self.schemaVersion = schemaVersion
        self.order = order
    }
}

/// The newest row of a key, as its bytes in the online store; all integers little-endian.
///
/// ```
/// u8 format 1 | u8 flags | u32 schema version     flags bit 0: the created time is known
/// i64 event | i64 created | u64 entry | u32 row
/// validity: one bit a slot, least significant first, 1 = present
/// slots: bool 1 byte; int32, float32 4; int64, float64, timestamp 8; all others u32: where the
///        value ends in the variable part, which begins where the one before it ends
/// variable part: string, bytes as they are; lists item by item (bool one byte), of strings or bytes
///        as u32 count, count u32 ends, the bytes
/// u32 low half of the xxHash64 of all bytes before
/// ```
/// A null's slot is zero, or ends where it begins. The layout of the schema version gives the
/// types.
package enum RowCodec {
    static let format: UInt8 = 1
    static let headerBytes = 34
    static let checksumBytes = 4

    @inline(__always)
    static func checksum(_ body: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(truncatingIfNeeded: Checksum.xxh64(body))
    }

    /// Reads the header of a row; throws where any byte of the row is not what was written.
    package static func header(_ row: RawSpan) throws(AlulaError) -> RowHeader {
        try row.throwingBytes { bytes throws(AlulaError) in
            guard bytes.count >= headerBytes + checksumBytes else {
                throw .corrupt("an online row is cut short: \(bytes.count) bytes")
            }
            let end = bytes.count - checksumBytes
            guard
                bytes.integer(at: end, UInt32.self)
                    == checksum(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
            else { throw .corrupt("an online row does not match its checksum") }
            return try fields(bytes)
        }
    }

    /// As `header`, of a row whose bytes were checked before or never left this process.
    package static func trustedHeader(_ row: RawSpan) throws(AlulaError) -> RowHeader {
        try row.throwingBytes { bytes throws(AlulaError) in
            guard bytes.count >= headerBytes + checksumBytes else {
                throw .corrupt("an online row is cut short: \(bytes.count) bytes")
            }
            return try fields(bytes)
        }
    }

    private static func fields(_ bytes: UnsafeRawBufferPointer) throws(AlulaError) -> RowHeader {
        guard bytes[0] == format, bytes[1] <= 1 else {
            throw .corrupt("an online row is of the unknown format \(bytes[0])")
        }
        let created = Timestamp(microseconds: bytes.integer(at: 14, Int64.self))
        return RowHeader(
            schemaVersion: bytes.integer(at: 2, UInt32.self),
            order: RowOrder(
                event: Timestamp(microseconds: bytes.integer(at: 6, Int64.self)),
                created: bytes[1] & 1 == 1 ? created : nil,
                position: LogPosition(
                    entry: bytes.integer(at: 22, UInt64.self),
                    row: bytes.integer(at: 30, UInt32.self)
                )
            )
        )
    }
}

/// A row layout resolved to byte positions: writes rows of its version and reads single slots of
/// them.
package struct RowFormat: Sendable {
    package let layout: RowLayout
    /// Where each slot stands from the row's start.
    let slotStarts: [Int]
    /// For each slot, where the end of the variable value before it stands; nil for the first of
    /// them.
    let previousEnds: [Int?]
    let variableStart: Int

    package init(_ layout: RowLayout) {
        self.layout = layout
        var position = RowCodec.headerBytes + (layout.slots.count + 7) / 8
        var starts: [Int] = []
        var ends: [Int?] = []
        var lastVariable: Int?
        for slot in layout.slots {
            starts.append(position)
            ends.append(lastVariable)
            if slot.type.isVariableInRow { lastVariable = position }
            position += slot.type.slotBytes
        }
        slotStarts = starts
        previousEnds = ends
        variableStart = position
    }

    /// Adds the value of one slot to a column of its type or of the type it widens to.
    ///
    /// The row's header was read before, which checked its bytes.
    package func append(
        slot: Int,
        of row: RawSpan,
        to builder: inout ColumnBuilder
    ) throws(AlulaError) {
        try row.throwingBytes { bytes throws(AlulaError) in
            guard bytes.count >= variableStart + RowCodec.checksumBytes else {
                throw .corrupt("an online row is shorter than its layout \(layout.version)")
            }
            guard bytes[RowCodec.headerBytes + slot >> 3] & (1 << UInt8(slot & 7)) != 0 else {
                return builder.appendNull()
            }
            let type = layout.slots[slot].type
            if type.isVariableInRow {
                try appendVariable(type, variable(slot, of: bytes), to: &builder)
            } else {
                try appendFixed(type, bytes, at: slotStarts[slot], to: &builder)
            }
        }
    }

    private func variable(
        _ slot: Int,
        of bytes: UnsafeRawBufferPointer
    ) throws(AlulaError) -> UnsafeRawBufferPointer {
        let start = previousEnds[slot].map { Int(bytes.integer(at: $0, UInt32.self)) } ?? 0
        let end = Int(bytes.integer(at: slotStarts[slot], UInt32.self))
        let size = bytes.count - variableStart - RowCodec.checksumBytes
        guard start <= end, end <= size else {
            throw .corrupt("an online row has a value that ends outside it")
        }
        return UnsafeRawBufferPointer(
            rebasing: bytes[variableStart + start..<variableStart + end]
        )
    }
}

extension RowFormat {
    private func appendFixed(
        _ type: ValueType,
        _ bytes: UnsafeRawBufferPointer,
        at start: Int,
        to builder: inout ColumnBuilder
    ) throws(AlulaError) {
        switch (type.item, builder.type) {
        case (.bool, .bool): try builder.append(.bool(bytes[start] != 0))
        case (.int32, .int32), (.float32, .float32):
            builder.append(fixed: bytes.integer(at: start, UInt32.self))
        case (.int64, .int64), (.float64, .float64), (.timestamp, .timestamp):
            builder.append(fixed: bytes.integer(at: start, UInt64.self))
        case (.int32, .int64):
            builder.append(fixed: Int64(bytes.integer(at: start, Int32.self)))
        case (.float32, .float64):
            let single = Float(bitPattern: bytes.integer(at: start, UInt32.self))
            builder.append(fixed: Double(single))
        default: throw .mismatch(type, builder.type)
        }
    }

    private func appendVariable(
        _ type: ValueType,
        _ bytes: UnsafeRawBufferPointer,
        to builder: inout ColumnBuilder
    ) throws(AlulaError) {
        guard type.widens(to: builder.type) else { throw .mismatch(type, builder.type) }
        if case .scalar = type { return builder.append(variable: bytes) }
        let list = try StoredList(item: type.item, bytes: bytes)
        if case .fixedList(_, let length) = type, list.count != length {
            throw .corrupt("an online row has a list of \(list.count) items where \(length) belong")
        }
        builder.append(row: 0, of: list.column(builder.type))
    }
}

extension ValueType {
    /// Whether a row holds values of this type in its variable part.
    var isVariableInRow: Bool {
        switch self {
        case .scalar(.string), .scalar(.bytes), .list, .fixedList: true
        case .scalar: false
        }
    }

    fileprivate var slotBytes: Int {
        if isVariableInRow { return 4 }
        return item.fixedWidth ?? 1
    }
}

extension AlulaError {
    fileprivate static func mismatch(_ stored: ValueType, _ asked: ValueType) -> AlulaError {
        .refused(
            "a stored value is \(stored) and was asked for as \(asked)",
            help: "publish a new version of the service, with the view's present types"
        )
    }
}

extension RawSpan {
    /// Hands the bytes to a body that throws; `withUnsafeBytes` alone would lose the error's type.
    fileprivate func throwingBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(AlulaError) -> Result
    ) throws(AlulaError) -> Result {
        try withUnsafeBytes { bytes throws(AlulaError) in try body(bytes) }
    }
}
