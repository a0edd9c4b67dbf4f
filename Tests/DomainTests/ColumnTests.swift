import Domain
import Testing

struct ColumnTests {
    private static let columns: [(ValueType, [FeatureValue])] = [
        (.bool, [.bool(true), .null, .bool(false), .bool(true)]),
        (.int32, [.int32(.min), .null, .int32(.max)]),
        (.int64, [.int64(.min), .int64(.max), .null]),
        (.float32, [.float32(-0.5), .null]),
        (.float64, [.null, .float64(.infinity)]),
        (.string, [.string(""), .string("é"), .null, .string("abc")]),
        (.bytes, [.bytes([]), .bytes([0, 255]), .null]),
        (.timestamp, [.timestamp(Timestamp(microseconds: -1)), .null]),
        (.list(.int64), [.list([]), .null, .list([.int64(1), .int64(2)])]),
        (.list(.string), [.list([.string("a"), .string("")]), .null, .list([])]),
        (.list(.bool), [.list([.bool(true)]), .null, .list([.bool(false), .bool(true)])]),
        (.fixedList(.float32, length: 2), [.null, .list([.float32(1), .float32(2)])]),
        (.fixedList(.string, length: 2), [.list([.string("x"), .string("yz")]), .null]),
        (.fixedList(.bool, length: 3), [.null, .list([.bool(true), .bool(false), .bool(true)])]),
    ]

    @Test func `values come out of a column as they went in`() throws {
        for (type, values) in Self.columns {
            let column = try Column(type, values)
            #expect((0..<column.count).map { column[$0] } == values, "\(type)")
            #expect(column.nullCount == 1, "\(type)")
        }
    }

    @Test func `rows taken out of order are the same values, and equal columns have equal bytes`()
        throws
    {
        for (type, values) in Self.columns {
            let column = try Column(type, values)
            let order = Array(values.indices.reversed()) + [0]
            var builder = ColumnBuilder(type)
            for row in order { builder.append(row: row, of: column) }
            let expected = try Column(type, order.map { values[$0] })
            #expect(builder.finish() == expected, "\(type)")
        }
    }

    @Test func `a value of another type is refused with both types named`() {
        var builder = ColumnBuilder(.int32)
        let error = #expect(throws: AlulaError.self) { try builder.append(.string("x")) }
        #expect(error?.message.contains("expected int32") == true)
        var fixed = ColumnBuilder(.fixedList(.float32, length: 2))
        let short = #expect(throws: AlulaError.self) { try fixed.append(.list([.float32(1)])) }
        #expect(short?.message.contains("2 items") == true)
    }

    @Test func `an int32 is taken for an int64, a float32 for a float64`() throws {
        #expect(try Column(.int64, [.int32(7)])[0] == .int64(7))
        #expect(try Column(.float64, [.float32(0.5)])[0] == .float64(0.5))
    }
}
