import Domain
import Tabular
import Testing

struct CSVReaderTests {
    @Test(
        arguments: [
            ("id,t\n1,a\n2,b\n", [[1, "a"], [2, "b"]]),
            ("id,t\n1,a\n2,b", [[1, "a"], [2, "b"]]),
            ("id,t\r\n1,a\r\n2,b\r\n", [[1, "a"], [2, "b"]]),
            ("\u{FEFF}id,t\n1,a", [[1, "a"]]),
            ("\u{FEFF}\"id\",\"t\"\n1,a", [[1, "a"]]),
            ("\n\nid,t\n\n1,a\n\r\n\n2,b\n\n", [[1, "a"], [2, "b"]]),
            ("t,id\na,1\n", [[1, "a"]]),
            ("id,t\n1,\"a,b\"\n", [[1, "a,b"]]),
            ("id,t\n1,\"a\"\"b\"\n", [[1, "a\"b"]]),
            ("id,t\n1,\"a\nb\r\nc\"\n2,d\n", [[1, "a\nb\r\nc"], [2, "d"]]),
            ("id,t\n\"1\",\"a\"\n", [[1, "a"]]),
            ("id,t\n1,\n2,\"\"\n", [[1, nil], [2, ""]]),
            ("id,t\n+1, a \n-0,x", [[1, " a "], [0, "x"]]),
            ("id,t\n", []),
        ] as [(String, [[(any Sendable)?]])]
    )
    func `a well-formed file gives its rows, however it is cut into pieces`(
        _ source: String,
        _ expected: [[(any Sendable)?]]
    ) throws {
        let rows = expected.map { row in
            row.map { cell in
                if let number = cell as? Int { return FeatureValue.int64(Int64(number)) }
                return (cell as? String).map { .string($0) } ?? .null
            }
        }
        for size in [1, 2, 3, 5, 1 << 20] {
            #expect(
                try read(source, [key, text], pieceBytes: size).rows == rows,
                "pieces of \(size)"
            )
        }
    }

    @Test(arguments: [
        ("", "rows.csv is empty: expected a line with the names of the columns"),
        ("\n\n", "rows.csv is empty: expected a line with the names of the columns"),
        ("id\n1\n", "rows.csv: the header does not match\nmissing column \"t\" (string)"),
        (
            "ids,t,t\n",
            """
            rows.csv: the header does not match
            unknown column "ids": did you mean "id"?
            column "t" is there twice
            missing column "id" (int64)
            """
        ),
        ("id,t\n1\n", "rows.csv line 2: expected 2 fields as in the header, found 1"),
        ("id,t\n1,a\n\n2,b,c\n", "rows.csv line 4: expected 2 fields as in the header, found 3"),
        ("id,t\n1,\"a\nb\"\n2\n", "rows.csv line 4: expected 2 fields as in the header, found 1"),
        ("id,t\n1,a\"b\n", "rows.csv line 2: a quote within a field that does not begin with one"),
        (
            "id,t\n1,\"a\"b\n",
            "rows.csv line 2: something behind a closing quote: expected a comma or the line's end"
        ),
        ("id,t\n1,a\rb\n", "rows.csv line 2: a carriage return within a line"),
        ("id,t\n1,a\n2,\"b\n", "rows.csv line 3: a quote is opened and never closed"),
        (
            "id,t\n,a\n",
            "rows.csv line 2, column \"id\": expected int64, found nothing: a key is never null"
        ),
        ("id,t\nx,a\n", "rows.csv line 2, column \"id\": expected int64, found text"),
        (
            "id,t\n1.0,a\n",
            "rows.csv line 2, column \"id\": expected int64, found a number that is not an integer"
        ),
        (
            "id,t\n9223372036854775808,a\n",
            "rows.csv line 2, column \"id\": expected int64, found a number out of its range"
        ),
    ])
    func `a broken file says where and what was expected`(_ source: String, _ message: String) {
        #expect(problem(source, [key, text]) == message)
    }

    @Test(arguments: [
        (ValueType.int32, "2147483648", "expected int32, found a number out of its range"),
        (.int32, "-2147483649", "expected int32, found a number out of its range"),
        (.float32, "1e39", "expected float32, found a number out of its range"),
        (.float64, "1e309", "expected float64, found a number out of its range"),
        (.float64, "0x1p3", "expected float64, found text"),
        (.float64, "1e", "expected float64, found text"),
        (.bool, "yes", "expected bool (true, false, 1 or 0), found something else"),
        (.bytes, "a", "expected bytes as base64, found something else"),
        (.bytes, "AA=", "expected bytes as base64, found something else"),
        (
            .timestamp, "2020-02-30",
            "expected a time such as 2020-08-25T20:34:41Z, found something else"
        ),
        (.timestamp, "1598387681", "expected a time such as 2020-08-25T20:34:41Z, found a number"),
        (
            .timestamp, "1598387681.5",
            "expected a time such as 2020-08-25T20:34:41Z, found a number"
        ),
        (.list(.int64), "1", "expected a JSON array of int64, found something else"),
        (.list(.int64), "[1", "expected ']', found the end"),
        (
            .list(.int64), "\"[1,null]\"",
            "expected int64 in a list, found null: items are never null"
        ),
        (.list(.int64), "[1]2", "something stands behind the list"),
        (.list(.int32), "[3000000000]", "expected int32, found a number out of its range"),
        (
            .fixedList(.float32, length: 2), "[1]",
            "expected a list of 2 items, found one of 1"
        ),
    ])
    func `a value of the wrong kind says what was expected`(
        _ type: ValueType,
        _ field: String,
        _ message: String
    ) {
        let found = problem("v,t\n\(field),a\n", [TabularColumn("v", type), text])
        #expect(found == "rows.csv line 2, column \"v\": \(message)")
    }

    @Test(arguments: [
        (ValueType.bool, "TRUE", FeatureValue.bool(true)), (.bool, "0", .bool(false)),
        (.int32, "-2147483648", .int32(.min)), (.float32, "nan", .float32(.nan)),
        (.float64, "-inf", .float64(-.infinity)), (.float64, "1E3", .float64(1_000)),
        (.bytes, "AAE=", .bytes([0, 1])), (.bytes, "AAE", .bytes([0, 1])),
        (.timestamp, "1970-01-01", .timestamp(Timestamp(microseconds: 0))),
        (
            .timestamp, "253402300800000000",
            .timestamp(Timestamp(microseconds: 253_402_300_800_000_000))
        ),
        (.timestamp, "1970-01-01 01:00:00+01:00", .timestamp(Timestamp(microseconds: 0))),
        (.list(.bool), "[]", .list([])),
        (
            .list(.string), "\"[\"\"a\"\", \"\"\\u00e9\\ud83d\\ude00\"\"]\"",
            .list([.string("a"), .string("é😀")])
        ),
        (.fixedList(.float32, length: 2), "\"[1, 2.5]\"", .list([.float32(1), .float32(2.5)])),
        (.int64, "\"\"", .null), (.timestamp, "", .null),
    ])
    func `a value is read as its type`(
        _ type: ValueType,
        _ field: String,
        _ expected: FeatureValue
    ) throws {
        let rows = try read("v,t\n\(field),a\n", [TabularColumn("v", type), text]).rows
        let value = try #require(rows.first?.first)
        if case .float32(let number) = expected, number.isNaN {
            guard case .float32(let found) = value else { return #expect(value == expected) }
            return #expect(found.isNaN)
        }
        #expect(value == expected)
    }

    @Test func `invalid UTF-8 is refused in text and in the header`() {
        let bytes = Array("id,t\n1,".utf8) + [0xC3, 0x28, 0x0A]
        #expect(
            throws: AlulaError.invalid(
                "rows.csv line 2, column \"t\": expected UTF-8 text, found invalid bytes",
                help: "mend the row"
            )
        ) { try read(bytes, [key, text]) }
        #expect(throws: AlulaError.invalid("rows.csv line 1: the name of column 1 is not UTF-8")) {
            try read([0xFF, 0x0A], [key])
        }
    }

    @Test func `bad rows are left out and reported when told so, and the others stay`() throws {
        let source = "id,t\n1,a\nx,b\n3\n4,\"d\"e\n5,f\n,g\n7,h\n"
        for rows in [1, 2, 100] {
            let result = try read(source, [key, text], policy: .skip, chunkRows: rows)
            #expect(result.rows.map { $0[0] } == [.int64(1), .int64(5), .int64(7)])
            #expect(result.lines == [2, 6, 8])
            #expect(result.bad.count == 4)
            #expect(
                result.bad.messages.first
                    == "rows.csv line 3, column \"id\": expected int64, found text"
            )
        }
    }

    @Test func `times finer than a microsecond go up in rows and down in spines`() throws {
        var column = TabularColumn("m", .timestamp)
        let source = "m,t\n1970-01-01T00:00:00.000000001Z,a\n"
        #expect(
            try read(source, [column, text]).rows[0][0] == .timestamp(Timestamp(microseconds: 1))
        )
        column.rounding = .down
        #expect(
            try read(source, [column, text]).rows[0][0] == .timestamp(Timestamp(microseconds: 0))
        )
    }

    /// Seconds that were taken for microseconds lay in 1970, where every join saw them.
    @Test func `a number is a time where its unit is told, and nowhere else`() throws {
        var column = TabularColumn("m", .timestamp)
        column.integerTimes = .far(hint: "--time-unit tells what it counts")
        #expect(
            problem("m,t\n1598387681,a\n", [column, text])
                == "rows.csv line 2, column \"m\": expected a time such as 2020-08-25T20:34:41Z, "
                + "found a number (--time-unit tells what it counts)"
        )
        column.integerTimes = .refused(hint: "")
        #expect(problem("m,t\n253402300800000000,a\n", [column, text]) != nil)
        let counts: [(TimeUnit, String, Int64)] = [
            (.seconds, "1598387681", 1_598_387_681_000_000),
            (.milliseconds, "-1", -1_000),
            (.microseconds, "7", 7),
            (.nanoseconds, "1001", 2),
            (.nanoseconds, "-1001", -1),
        ]
        for (unit, number, microseconds) in counts {
            column.integerTimes = .counted(unit)
            let rows = try read("m,t\n\(number),a\n", [column, text]).rows
            #expect(rows[0][0] == .timestamp(Timestamp(microseconds: microseconds)))
        }
        column.rounding = .down
        let rows = try read("m,t\n1999,a\n-1,b\n", [column, text]).rows
        #expect(rows.map { $0[0] } == [1, -1].map { .timestamp(Timestamp(microseconds: $0)) })
        column.integerTimes = .counted(.seconds)
        #expect(
            problem("m,t\n9223372036854775807,a\n", [column, text])
                == "rows.csv line 2, column \"m\": the time is out of range"
        )
    }

    @Test(arguments: [
        (";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars"),
    ])
    func `another separator than the comma is named`(_ separator: String, _ name: String) {
        #expect(
            problem("id\(separator)t\n1\(separator)a\n", [key, text])
                == "rows.csv: its columns are separated by \(name)"
        )
    }

    @Test func `a time behind the latest that is taken is a bad row`() throws {
        var column = TabularColumn("m", .timestamp)
        column.latest = (Timestamp(microseconds: 10), "too late")
        column.integerTimes = .counted(.microseconds)
        let result = try read("m,t\n10,a\n11,b\n", [column, text], policy: .skip)
        #expect(result.rows == [[.timestamp(Timestamp(microseconds: 10)), .string("a")]])
        #expect(result.bad.messages == ["rows.csv line 3, column \"m\": too late"])
    }

    @Test func `integral floats are integers only where they are taken`() throws {
        var column = TabularColumn("id", .int64)
        column.takesIntegralFloats = true
        let rows = try read("id,t\n94109.0,a\n1e3,b\n", [column, text]).rows
        #expect(rows.map { $0[0] } == [.int64(94_109), .int64(1_000)])
        #expect(
            problem("id,t\n0.5,a\n", [column, text])
                == "rows.csv line 2, column \"id\": expected int64, found a number that is not an integer"
        )
    }

    @Test func `an optional column may be missing, and a column may have another name`() throws {
        var event = TabularColumn(
            names: ["at", "@event_time"],
            field: .init(name: "@event_time", type: .timestamp)
        )
        event.integerTimes = .counted(.microseconds)
        let created = TabularColumn(
            names: ["made"],
            field: .init(name: "@created_time", type: .timestamp),
            presence: .optional
        )
        var reader = try TabularReader(
            .bytes(Array("@event_time,id\n5,1\n".utf8), name: "x"),
            format: .csv,
            columns: [key, event, created]
        )
        #expect(reader.schema.fields.map(\.name) == ["id", "@event_time"])
        let chunk = try #require(try reader.next())
        #expect(chunk.batch["@event_time"]?[0] == .timestamp(Timestamp(microseconds: 5)))
        #expect(try reader.next() == nil)
    }

    @Test func `a line longer than the limit is refused before memory is taken for it`() throws {
        let limit = Limits.frameBytes
        let fits = "t\n" + String(repeating: "a", count: Limits.valueBytes) + "\n"
        #expect(try read(fits, [text]).rows.count == 1)
        let tooLong = "t\n\"" + String(repeating: "a", count: limit + 1)
        #expect(problem(tooLong, [text]) == "rows.csv line 2: longer than \(limit) bytes")
        let value = "t\n" + String(repeating: "a", count: Limits.valueBytes + 1)
        #expect(
            problem(value, [text])
                == "rows.csv line 2, column \"t\": a value of 262145 bytes is over the limit of 262144"
        )
    }
}
