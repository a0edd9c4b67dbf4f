import Domain
import Ingest
import Testing

struct FeatureRowsCheckerTests {
    private let view = Fixtures.view(
        keys: [("id", .int64), ("code", .string)],
        features: [
            (1, "wide", .int64), (2, "real", .float64), (3, "list", .list(.float64)),
            (4, "text", .string),
        ]
    )

    private func check(
        _ columns: [(String, ValueType, [FeatureValue])],
        futureRows: FeatureRowsChecker.FutureRows = .refused
    ) throws -> CheckedRows {
        try FeatureRowsChecker.check(
            try Fixtures.batch(columns),
            view: view,
            now: Timestamp(microseconds: Fixtures.now),
            futureRows: futureRows
        )
    }

    /// Keys and event times of `count` good rows, with some columns in other words.
    private func good(
        _ count: Int,
        _ others: [(String, ValueType, [FeatureValue])] = []
    ) -> [(String, ValueType, [FeatureValue])] {
        let usual: [(String, ValueType, [FeatureValue])] = [
            ("code", .string, (0..<count).map { .string("c\($0)") }),
            (RowColumn.eventTime, .timestamp, (0..<count).map { Fixtures.time(Int64(-$0)) }),
            ("id", .int64, (0..<count).map { .int64(Int64($0)) }),
        ]
        return usual.filter { column in !others.contains { $0.0 == column.0 } } + others
    }

    @Test func `columns are found by name, and those left out are null`() throws {
        let checked = try check(good(2, [("text", .string, [.string("a"), .null])]))
        #expect(checked.statuses == [.accepted, .accepted])
        #expect(checked.kept == [0, 1])
        #expect(checked.rows.keys.map(\.type) == [.int64, .string])
        #expect(checked.rows.features.map(\.type) == [.int64, .float64, .list(.float64), .string])
        #expect(checked.rows.features.map { $0[0] } == [.null, .null, .null, .string("a")])
        #expect(checked.rows.created[0] == .null)
        #expect(checked.rows.eventTime(1) == Timestamp(microseconds: Fixtures.now - 1))
    }

    @Test func `narrower numbers are taken for wider ones`() throws {
        let checked = try check(
            good(
                1,
                [
                    ("id", .int32, [.int32(-7)]), ("wide", .int32, [.int32(.min)]),
                    ("real", .float32, [.float32(0.1)]),
                    ("list", .list(.int32), [.list([.int32(1), .int32(2)])]),
                ]
            )
        )
        #expect(checked.rows.keys[0][0] == .int64(-7))
        #expect(checked.rows.features[0][0] == .int64(-2_147_483_648))
        #expect(checked.rows.features[1][0] == .float64(Double(Float(0.1))))
        #expect(checked.rows.features[2][0] == .list([.float64(1), .float64(2)]))
    }

    @Test func `an integer that float64 cannot hold is refused, row by row`() throws {
        let odd: Int64 = 1 << 53 + 1
        let checked = try check(
            good(
                4,
                [
                    ("real", .int64, [.int64(1 << 53), .int64(odd), .null, .int64(-odd)]),
                    (
                        "list", .list(.int64),
                        [
                            .list([]), .list([]), .list([.int64(1), .int64(odd), .int64(odd)]),
                            .null,
                        ]
                    ),
                ]
            )
        )
        #expect(checked.statuses == [.accepted, .invalid, .invalid, .invalid])
        #expect(checked.kept == [0])
        #expect(checked.problems.map(\.row) == [1, 2, 3])
        #expect(checked.problems[0].reason.contains("\"real\""))
        #expect(checked.problems[1].reason.contains("\"list\""))
        #expect(checked.rows.features[1][0] == .float64(9_007_199_254_740_992))
    }

    @Test(arguments: [
        ("txt", ValueType.string, "\"txt\" is not of view v: did you mean \"text\"?"),
        ("@recorded_time", .timestamp, "\"@recorded_time\" is not of view v"),
        ("id", .float64, "key column \"id\" is float64: expected int64"),
        ("id", .string, "key column \"id\" is string: expected int64"),
        ("code", .int64, "key column \"code\" is int64: expected string"),
        ("wide", .float64, "\"wide\" is float64: expected int64"),
        ("wide", .string, "\"wide\" is string: expected int64"),
        ("wide", .list(.int64), "\"wide\" is int64[]: expected int64"),
        ("list", .fixedList(.float64, length: 2), "\"list\" is float64[2]: expected float64[]"),
        ("text", .bytes, "\"text\" is bytes: expected string"),
        ("@event_time", .int64, "\"@event_time\" is int64: expected timestamp"),
        ("@created_time", .string, "\"@created_time\" is string: expected timestamp"),
    ])
    func `a column that makes no sense refuses the request and is named`(
        name: String,
        type: ValueType,
        message: String
    ) throws {
        let error = try #require(throws: AlulaError.self) {
            _ = try check(good(1, [(name, type, [.null])]))
        }
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(message), "\(error.message)")
    }

    @Test(arguments: ["id", "code", "@event_time"])
    func `a column that every row needs is missed by name`(name: String) throws {
        let error = try #require(throws: AlulaError.self) {
            _ = try check(good(1).filter { $0.0 != name })
        }
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains("\"\(name)\" is missing"))
    }

    @Test func `a column that is there twice is refused`() throws {
        let twice = ("text", ValueType.string, [FeatureValue.null])
        #expect(throws: AlulaError.self) { _ = try check(good(1) + [twice, twice]) }
    }

    @Test func `a row is refused for its own faults, and the others are kept`() throws {
        let skew = Limits.maxSkew.microseconds
        let checked = try check([
            ("id", .int64, [.int64(0), .null, .int64(2), .int64(3), .int64(4), .null]),
            (
                "code", .string,
                ["a", "b", nil, "d", "e", "f"].map { $0.map { .string($0) } ?? .null }
            ),
            (
                "@event_time", .timestamp,
                [
                    Fixtures.time(skew), Fixtures.time(0), Fixtures.time(0), .null,
                    Fixtures.time(skew + 1), .null,
                ]
            ),
        ])
        #expect(checked.statuses == [.accepted, .invalid, .invalid, .invalid, .inFuture, .invalid])
        #expect(checked.kept == [0])
        #expect(checked.rows.count == 1)
        #expect(checked.problems.map(\.row) == [1, 2, 3, 4, 5])
        for (problem, word) in zip(
            checked.problems,
            ["\"id\"", "\"code\"", "event time", "event time", "\"id\""]
        ) {
            #expect(problem.reason.contains(word), "\(problem.reason)")
        }
    }

    @Test func `an import may keep rows of the future`() throws {
        let checked = try check(
            good(1, [(RowColumn.eventTime, .timestamp, [.timestamp(.distantFuture)])]),
            futureRows: .kept
        )
        #expect(checked.statuses == [.accepted])
    }

    @Test func `a row at the limit of bytes is taken and one past it is not`() throws {
        let half = Limits.rowBytes / 2
        // The other three features take eight bytes each, and an empty list none.
        let fitting = Limits.rowBytes - 16
        #expect(half <= Limits.valueBytes)
        let view = Fixtures.view(
            features: [(1, "a", .bytes), (2, "b", .bytes), (3, "c", .int64), (4, "d", .float64)])
        for (bytes, status) in [(fitting, PushStatus.accepted), (fitting + 1, .invalid)] {
            let batch = try Fixtures.batch([
                ("id", .int64, [.int64(1), .int64(2)]),
                ("@event_time", .timestamp, [Fixtures.time(0), Fixtures.time(0)]),
                ("a", .bytes, [.bytes(Array(repeating: 1, count: half)), .null]),
                ("b", .bytes, [.bytes(Array(repeating: 1, count: bytes - half)), .null]),
            ])
            let checked = try FeatureRowsChecker.check(
                batch,
                view: view,
                now: Timestamp(microseconds: Fixtures.now)
            )
            #expect(checked.statuses == [status, .accepted])
        }
    }

    @Test func `a key at the limit of bytes is taken and one past it is not`() throws {
        // A number takes nine bytes, a text three more than it has.
        let fitting = Limits.keyBytes - 12
        let checked = try check(
            good(
                2,
                [
                    (
                        "code", .string,
                        [
                            .string(String(repeating: "k", count: fitting)),
                            .string(String(repeating: "k", count: fitting + 1)),
                        ]
                    )
                ]
            )
        )
        #expect(checked.statuses == [.accepted, .invalid])
        #expect(checked.problems[0].reason.contains("\(Limits.keyBytes)"))
    }

    @Test func `no rows are checked like any other`() throws {
        let checked = try check(good(0))
        #expect(checked.rows.count == 0)
        #expect(checked.statuses.isEmpty)
    }
}
