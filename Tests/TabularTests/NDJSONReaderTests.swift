import Domain
import Tabular
import Testing

struct NDJSONReaderTests {
    @Test(
        arguments: [
            ("{\"id\":1,\"t\":\"a\"}\n{\"t\":\"b\",\"id\":2}", [[1, "a"], [2, "b"]]),
            (" { \"id\" : 1 , \"t\" : \"a\" } \r\n\n \n", [[1, "a"]]),
            ("{\"id\":9007199254740993}", [[9_007_199_254_740_993, nil]]),
            ("{\"id\":-9223372036854775808,\"t\":null}", [[Int.min, nil]]),
            ("{\"id\":1,\"t\":\"\\u0041\\n\\/\\ud83d\\ude00\\u00e9\"}", [[1, "A\n/😀é"]]),
            ("\u{FEFF}{\"\\u0069d\":1}", [[1, nil]]),
            ("", []),
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
        for size in [1, 3, 1 << 20] {
            let found = try read(source, [key, text], format: .ndjson, pieceBytes: size)
            #expect(found.rows == rows, "pieces of \(size)")
        }
    }

    @Test(arguments: [
        ("{\"id\":1", ", character 8: expected ',', found the end"),
        ("[1]", ", character 1: expected '{', found '['"),
        ("{\"id\":1}x", ": something stands behind the object"),
        ("{\"id\":1,}", ", character 9: expected '\"', found '}'"),
        ("{\"id\" 1}", ", character 7: expected ':', found something else"),
        ("{\"ids\":1}", ": unknown column \"ids\": did you mean \"id\"?"),
        ("{\"id\":1,\"id\":2}", ", column \"id\": there twice"),
        ("{\"t\":\"a\"}", ", column \"id\": expected int64, found nothing: a key is never null"),
        ("{\"id\":null}", ", column \"id\": expected int64, found nothing: a key is never null"),
        ("{\"id\":\"1\"}", ", column \"id\": expected int64, found text"),
        ("{\"id\":1.5}", ", column \"id\": expected int64, found a number that is not an integer"),
        (
            "{\"id\":1e400}",
            ", column \"id\": expected int64, found a number that is not an integer"
        ),
        ("{\"id\":01}", ", column \"id\": a number begins with a zero"),
        ("{\"id\":1.}", ", column \"id\": expected a digit behind the point"),
        ("{\"id\":-}", ", column \"id\": expected a digit"),
        (
            "{\"id\":9223372036854775808}",
            ", column \"id\": expected int64, found a number out of its range"
        ),
        ("{\"id\":nul}", ", column \"id\": expected null"),
        ("{\"id\":1,\"t\":\"\\ud83d\"}", ", column \"t\": half of a surrogate pair in a string"),
        ("{\"id\":1,\"t\":\"\\ude00\"}", ", column \"t\": half of a surrogate pair in a string"),
        ("{\"id\":1,\"t\":\"\\x\"}", ", column \"t\": an unknown escape in a string"),
        (
            "{\"id\":1,\"t\":\"\u{1}\"}",
            ", column \"t\": a control character stands unescaped in a string"
        ),
        ("{\"id\":1,\"t\":\"a", ", column \"t\": a string is not closed"),
        ("{\"id\":1,\"t\":{}}", ", column \"t\": expected string, found an object"),
    ])
    func `a broken line says where and what was expected`(_ line: String, _ message: String) {
        #expect(
            problem("{\"id\":0}\n\n" + line, [key, text], format: .ndjson)
                == "rows.ndjson line 3" + message
        )
    }

    @Test func `a broken line leaves the other rows whole`() throws {
        let source = """
            {"id":1,"t":"a"}
            {"t":"b","id":
            {"t":"b"}
            {"id":4,"t":"d"}
            """
        let found = try read(source, [key, text], format: .ndjson, policy: .skip)
        #expect(found.rows == [[.int64(1), .string("a")], [.int64(4), .string("d")]])
        #expect(found.lines == [1, 4])
        #expect(found.bad.count == 2)
    }

    @Test func `integers that are written as floats are never taken for keys`() {
        #expect(
            problem("{\"id\":1.0}", [key], format: .ndjson)
                == "rows.ndjson line 1, column \"id\": expected int64, found a number that is not an integer"
        )
    }

    @Test func `a line longer than the limit is refused`() {
        let line = "{\"t\":\"" + String(repeating: "a", count: Limits.frameBytes) + "\"}"
        #expect(
            problem(line, [text], format: .ndjson)
                == "rows.ndjson line 1: longer than \(Limits.frameBytes) bytes"
        )
    }
}
