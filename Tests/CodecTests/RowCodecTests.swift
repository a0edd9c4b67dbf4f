import Codec
import Domain
import Testing

struct RowCodecTests {
    private static let order = RowOrder(
        event: Timestamp(microseconds: 10),
        created: Timestamp(microseconds: -3),
        position: LogPosition(entry: 258, row: 7)
    )

    /// Every type alone, in a list and in a list of two, each with a value and an empty or zero
    /// one.
    private static let cases: [(type: ValueType, values: [FeatureValue])] = {
        let items: [(ScalarType, [FeatureValue])] = [
            (.bool, [.bool(true), .bool(false)]),
            (.int32, [.int32(.min), .int32(7)]),
            (.int64, [.int64(.max), .int64(-7)]),
            (.float32, [.float32(-1.5), .float32(.infinity)]),
            (.float64, [.float64(0.1), .float64(-.zero)]),
            (.string, [.string("é\0"), .string("")]),
            (.bytes, [.bytes([0, 255]), .bytes([])]),
            (.timestamp, [.timestamp(.distantPast), .timestamp(Timestamp(microseconds: 1))]),
        ]
        return items.flatMap { item, values -> [(ValueType, [FeatureValue])] in
            [
                (.scalar(item), values + [.null]),
                (.list(item), [.list(values), .list([]), .list([values[1]]), .null]),
                (.fixedList(item, length: 2), [.list(values), .list(values.reversed()), .null]),
            ]
        }
    }()

    private static let layout = RowLayout(
        version: 3,
        slots: cases.enumerated().map { index, entry in
            RowLayout.Slot(feature: FeatureID(UInt32(index)), type: entry.type)
        }
    )

    /// Row `row` takes value `row` of each case, around and around.
    private static func rows(_ count: Int) throws -> FeatureRows {
        FeatureRows(
            view: FeatureViewID(1),
            schemaVersion: 3,
            keys: [try Column(.int64, (0..<count).map { .int64(Int64($0)) })],
            event: try Column(.timestamp, (0..<count).map { _ in .timestamp(order.event) }),
            created: try Column(.timestamp, (0..<count).map { _ in .null }),
            features: try cases.map { entry in
                try Column(entry.type, (0..<count).map { entry.values[$0 % entry.values.count] })
            }
        )
    }

    @Test func `every value of every type comes back`() throws {
        let format = RowFormat(Self.layout)
        let rows = try Self.rows(12)
        for row in 0..<rows.count {
            let bytes = format.encode(rows, row: row, order: Self.order)
            for (slot, entry) in Self.cases.enumerated() {
                var builder = ColumnBuilder(entry.type)
                try format.append(slot: slot, of: bytes.span.bytes, to: &builder)
                #expect(builder.finish()[0] == entry.values[row % entry.values.count])
            }
        }
    }

    @Test func `rows written together are as those written one by one`() throws {
        let format = RowFormat(Self.layout)
        let rows = try Self.rows(12)
        var places = RowPlaces()
        places.rows = [7, 0, 11, 3, 3]
        places.orders = (0..<5).map { number in
            RowOrder(
                event: Timestamp(microseconds: number),
                created: number == 2 ? nil : Timestamp(microseconds: -number),
                position: LogPosition(entry: 9, row: UInt32(number))
            )
        }
        places.sizes = format.byteCounts(rows, places.rows)
        var end = 0
        for size in places.sizes {
            // A gap that nobody writes to.
            end += 3
            places.starts.append(end)
            end += size
        }
        var memory = [UInt8](repeating: 0xAA, count: end)
        memory.withUnsafeMutableBytes { format.write(rows, at: places, to: $0) }
        var last = 0
        for (number, row) in places.rows.enumerated() {
            let start = places.starts[number]
            #expect(memory[last..<start].allSatisfy { $0 == 0xAA })
            last = start + places.sizes[number]
            let alone = format.encode(rows, row: Int(row), order: places.orders[number])
            #expect(Array(memory[start..<last]) == alone)
        }
    }

    @Test func `the header is read without the layout`() throws {
        let format = RowFormat(Self.layout)
        let rows = try Self.rows(1)
        var order = Self.order
        for created in [nil, Timestamp(microseconds: 0), .distantFuture] {
            order.created = created
            let bytes = format.encode(rows, row: 0, order: order)
            let header = try RowCodec.header(bytes.span.bytes)
            #expect(header == RowHeader(schemaVersion: 3, order: order))
        }
    }

    @Test func `a row has the bytes that are drawn`() throws {
        let layout = RowLayout(
            version: 2,
            slots: [(1, ValueType.int32), (2, .string), (3, .bool), (4, .list(.bytes))].map {
                RowLayout.Slot(feature: FeatureID($0.0), type: $0.1)
            }
        )
        let rows = FeatureRows(
            view: FeatureViewID(1),
            schemaVersion: 2,
            keys: [try Column(.int64, [.int64(1)])],
            event: try Column(.timestamp, [.timestamp(Self.order.event)]),
            created: try Column(.timestamp, [.null]),
            features: [
                try Column(.int32, [.int32(5)]), try Column(.string, [.string("hi")]),
                try Column(.bool, [.null]),
                try Column(.list(.bytes), [.list([.bytes([9]), .bytes([])])]),
            ]
        )
        let bytes = RowFormat(layout).encode(rows, row: 0, order: Self.order)
        let body: [UInt8] = [
            1, 1, 2, 0, 0, 0,
            10, 0, 0, 0, 0, 0, 0, 0,
            0xFD, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
            2, 1, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0,
            0b1011,
            5, 0, 0, 0, 2, 0, 0, 0, 0, 15, 0, 0, 0,
            0x68, 0x69, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9,
        ]
        #expect(Array(bytes.dropLast(4)) == body)
        let checksum = body.withUnsafeBytes { Checksum.xxh64($0) }
        #expect(
            Array(bytes.suffix(4))
                == (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) }
        )
    }

    @Test func `a value is read as the type it widens to`() throws {
        let cases: [(ValueType, FeatureValue, ValueType, FeatureValue)] = [
            (.int32, .int32(-5), .int64, .int64(-5)),
            (.float32, .float32(0.1), .float64, .float64(Double(Float(0.1)))),
            (
                .list(.int32), .list([.int32(.min), .int32(1)]), .list(.int64),
                .list([.int64(-2_147_483_648), .int64(1)])
            ),
            (
                .fixedList(.float32, length: 2), .list([.float32(1.5), .float32(-2)]),
                .fixedList(.float64, length: 2), .list([.float64(1.5), .float64(-2)])
            ),
        ]
        for (stored, value, asked, expected) in cases {
            let (format, bytes) = try single(stored, value)
            var builder = ColumnBuilder(asked)
            try format.append(slot: 0, of: bytes.span.bytes, to: &builder)
            #expect(builder.finish()[0] == expected)
        }
    }

    @Test func `a value is not read as a type that it does not widen to`() throws {
        let cases: [(ValueType, FeatureValue, ValueType)] = [
            (.int64, .int64(1), .int32), (.int64, .int64(1), .float64),
            (.string, .string("a"), .bytes),
            (.list(.int64), .list([.int64(1)]), .int64), (.int64, .int64(1), .list(.int64)),
            (.list(.int64), .list([.int64(1)]), .fixedList(.int64, length: 1)),
        ]
        for (stored, value, asked) in cases {
            let (format, bytes) = try single(stored, value)
            var builder = ColumnBuilder(asked)
            #expect(throws: AlulaError.self) {
                try format.append(slot: 0, of: bytes.span.bytes, to: &builder)
            }
        }
    }

    @Test func `every truncation throws`() throws {
        let bytes = RowFormat(Self.layout).encode(try Self.rows(1), row: 0, order: Self.order)
        for end in bytes.indices {
            let cut = Array(bytes[..<end])
            #expect(throws: AlulaError.self) { try RowCodec.header(cut.span.bytes) }
        }
    }

    @Test func `every change of one byte throws`() throws {
        let bytes = RowFormat(Self.layout).encode(try Self.rows(1), row: 0, order: Self.order)
        for index in bytes.indices {
            for change in [1, 2, 0x40, 0x80, 0xFF] as [UInt8] {
                var changed = bytes
                changed[index] ^= change
                #expect(throws: AlulaError.self) { try RowCodec.header(changed.span.bytes) }
            }
        }
    }

    @Test func `no change behind a good checksum traps`() throws {
        let format = RowFormat(Self.layout)
        let bytes = format.encode(try Self.rows(1), row: 0, order: Self.order)
        var refusals = 0
        for index in 0..<bytes.count - 4 {
            for change in [1, 0x80, 0xFF] as [UInt8] {
                var changed = bytes
                changed[index] ^= change
                refusals += readAll(format, sealed(Array(changed.dropLast(4))))
            }
        }
        for end in 0..<bytes.count - 4 {
            refusals += readAll(format, sealed(Array(bytes[..<end])))
        }
        #expect(refusals > 1_000)
    }

    /// How many of the row's parts refuse to be read.
    private func readAll(_ format: RowFormat, _ bytes: [UInt8]) -> Int {
        var refusals = 0
        do { _ = try RowCodec.header(bytes.span.bytes) } catch { refusals += 1 }
        for (slot, entry) in Self.cases.enumerated() {
            var builder = ColumnBuilder(entry.type)
            do { try format.append(slot: slot, of: bytes.span.bytes, to: &builder) } catch {
                refusals += 1
            }
        }
        return refusals
    }

    private func sealed(_ body: [UInt8]) -> [UInt8] {
        let checksum = body.withUnsafeBytes { Checksum.xxh64($0) }
        return body + (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) }
    }

    private func single(_ type: ValueType, _ value: FeatureValue) throws -> (RowFormat, [UInt8]) {
        let layout = RowLayout(
            version: 1,
            slots: [RowLayout.Slot(feature: FeatureID(1), type: type)]
        )
        let rows = FeatureRows(
            view: FeatureViewID(1),
            schemaVersion: 1,
            keys: [try Column(.int64, [.int64(1)])],
            event: try Column(.timestamp, [.timestamp(Self.order.event)]),
            created: try Column(.timestamp, [.null]),
            features: [try Column(type, [value])]
        )
        let format = RowFormat(layout)
        return (format, format.encode(rows, row: 0, order: Self.order))
    }
}
