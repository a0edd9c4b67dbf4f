import Domain
import Tabular
import Testing

struct TypeInferenceTests {
    @Test(arguments: [
        (["1", "-2", ""], ValueType.int64), (["1", "2.5"], .float64), (["1", "NaN"], .float64),
        (["true", "FALSE"], .bool), (["1", "true"], .string), (["", ""], .string),
        (["2020-01-01", "2020-01-01T10:00:00Z"], .timestamp), (["2020-01-01", "x"], .string),
        (["01234", "94109"], .string), (["0", "0.5"], .float64),
        (["9223372036854775808"], .string), (["9007199254740993", "1.5"], .string),
        (["9007199254740992", "1.5"], .float64), (["1e400", "1"], .string),
        (["Infinity"], .float64),
        (["\"\"", "7"], .int64), (["a"], .string),
    ])
    func `a CSV column has the type that all its values have`(
        _ cells: [String],
        _ expected: ValueType
    ) throws {
        let csv = "v,k\n" + cells.map { "\($0),1\n" }.joined()
        let schema = try TypeInference.schema(
            of: .bytes(Array(csv.utf8), name: "x"),
            format: .csv,
            known: ["k": .string]
        )
        #expect(
            schema.fields == [.init(name: "v", type: expected), .init(name: "k", type: .string)]
        )
    }

    @Test(arguments: [
        (["1", "null"], ValueType.int64), (["1", "2.5"], .float64), (["true"], .bool),
        (["\"2020-01-01\""], .timestamp), (["\"2020-01-01\"", "\"x\""], .string),
        (["[1,2]", "[]"], .list(.int64)), (["[1]", "[2.5]"], .list(.float64)),
        (["[\"a\"]", "null"], .list(.string)), (["null"], .string),
        (["1", "\"NaN\""], .float64), (["\"-Infinity\"", "1.5", "null"], .float64),
        (["[\"NaN\",1.5]"], .list(.float64)), (["\"NaN\"", "\"x\""], .string),
        (["\"NaN\"", "\"2020-01-01\""], .string),
    ])
    func `an NDJSON column has the type that its values tell`(
        _ cells: [String],
        _ expected: ValueType
    ) throws {
        let lines = cells.map { "{\"v\":\($0)}\n" }.joined()
        let schema = try TypeInference.schema(
            of: .bytes(Array(lines.utf8), name: "x"),
            format: .ndjson,
            known: [:]
        )
        #expect(schema.fields == [.init(name: "v", type: expected)])
    }

    @Test(arguments: [
        ("{\"v\":1}\n{\"v\":\"a\"}", "x line 2: column \"v\" holds values of different types"),
        ("{\"v\":[1,\"a\"]}", "x line 1: a list holds values of different types"),
        (
            "{\"v\":9223372036854775808}",
            "x line 1: an integer is out of the range of int64: write it as a string"
        ),
        ("{\"v\":{}}", "x line 1: an object within an object is not taken: expected a value"),
        ("{\"v\":[[1]]}", "x line 1: a list within a list"),
    ])
    func `values of different types in one column are refused`(_ source: String, _ message: String)
    {
        #expect(throws: AlulaError.invalid(message)) {
            try TypeInference.schema(
                of: .bytes(Array(source.utf8), name: "x"),
                format: .ndjson,
                known: [:]
            )
        }
    }
}

struct CellTextTests {
    @Test(arguments: [
        ("94109,94110", ["94109", "94110"]), ("a", ["a"]), ("", [""]), ("a,", ["a", ""]),
        ("[1,2],[3]", ["[1,2]", "[3]"]), ("\"a,b\",c", ["\"a,b\"", "c"]),
    ])
    func `several values are cut at commas outside quotes and brackets`(
        _ text: String,
        _ expected: [String]
    ) {
        #expect(CellText.split(text) == expected)
    }

    @Test func `cells become a column of the type, and say which is wrong`() throws {
        let column = try CellText.column(["1", "2"], key)
        #expect((0..<2).map { column[$0] } == [.int64(1), .int64(2)])
        let quoted = try CellText.column(["\"a,b\"", "\"\"", ""], text)
        #expect((0..<3).map { quoted[$0] } == [.string("a,b"), .string(""), .null])
        #expect(throws: AlulaError.invalid("id: expected int64, found text")) {
            try CellText.column(["x"], key)
        }
    }
}

struct TextTableTests {
    @Test func `columns are as wide as their widest cell, with numbers to the right`() throws {
        let table = TextTable(
            try batch(
                [[.int64(7), .string("a\u{1B}[31m")], [.int64(1_000), .null]],
                [TabularColumn("id", .int64), TabularColumn("name", .string)]
            )
        )
        #expect(table.text == "  id  name\n   7  a [31m\n1000  -\n")
    }
}
