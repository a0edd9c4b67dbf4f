import Codec
import Domain
import Testing

struct ColumnSlicesTests {
    private static let columns = BlockCodecTests.columns

    private func taken(_ column: Column, _ rows: [Int]) throws -> Column {
        try Column(column.type, rows.map { column[$0] })
    }

    @Test func `a range of rows is as if built from its values`() throws {
        for (type, values) in Self.columns {
            let column = try Column(type, values)
            for start in 0...values.count {
                for end in start...values.count {
                    #expect(
                        try BatchBytes.of(column.rows(start..<end))
                            == BatchBytes.of(taken(column, Array(start..<end)))
                    )
                }
            }
        }
    }

    @Test func `columns end to end are as if built from their values`() throws {
        for (type, values) in Self.columns {
            let column = try Column(type, values)
            let joined = Column.joined([column, column.rows(0..<0), column], type: type)
            #expect(BatchBytes.of(joined) == BatchBytes.of(try Column(type, values + values)))
            #expect(Column.joined([], type: type).count == 0)
        }
    }

    @Test func `rows in any order are as if built from their values`() throws {
        for (type, values) in Self.columns where values.count > 1 {
            let column = try Column(type, values)
            let order: [Int32] = [1, 0, 1, Int32(values.count - 1)]
            #expect(
                BatchBytes.of(column.taking(order[...]))
                    == BatchBytes.of(try taken(column, order.map { Int($0) }))
            )
        }
    }

    @Test func `what is not placed is null`() throws {
        for (type, values) in Self.columns where values.count > 1 {
            let column = try Column(type, values)
            var scatter = ColumnScatter(type, count: 4)
            try scatter.place([0, 1], of: column, at: [3, 1])
            let expected = try Column(type, [.null, values[1], .null, values[0]])
            #expect(BatchBytes.of(scatter.finish()) == BatchBytes.of(expected))
        }
    }

    @Test func `a wider column has the same values`() throws {
        let numbers = try Column(.int32, [.int32(-5), .null])
        #expect(numbers.widened(to: .int64) == (try Column(.int64, [.int64(-5), .null])))
        let list = try Column(.list(.float32), [.list([.float32(0.5)]), .null])
        #expect(
            list.widened(to: .list(.float64))
                == (try Column(.list(.float64), [.list([.float64(0.5)]), .null]))
        )
        #expect(numbers.widened(to: .float64) == nil)
        #expect(numbers.widened(to: .int32) == numbers)
    }
}

/// Columns as bytes, so that NaN equals itself.
enum BatchBytes {
    static func of(_ column: Column) -> [UInt8] { BlockCodec.encode(column) }
}
