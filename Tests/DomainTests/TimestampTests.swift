import Domain
import Testing

struct TimestampTests {
    private struct Case: Sendable {
        let text: String
        let microseconds: Int64?

        init(_ text: String, _ microseconds: Int64?) {
            self.text = text
            self.microseconds = microseconds
        }
    }

    private static let cases: [Case] = [
        Case("1970-01-01", 0),
        Case("1970-01-01T00:00:00Z", 0),
        Case("1969-12-31T23:59:59.999999Z", -1),
        Case("2020-04-26 18:01:04.746575", 1_587_924_064_746_575),
        Case("2020-08-25T20:34:41.207Z", 1_598_387_681_207_000),
        Case("2020-08-25T22:34:41.207+02:00", 1_598_387_681_207_000),
        Case("2020-08-25T16:04:41.207-0430", 1_598_387_681_207_000),
        Case("2000-02-29T12:00", 951_825_600_000_000),
        Case("0001-01-01", -62_135_596_800_000_000),
        Case("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        Case("1900-02-29", nil),
        Case("2021-02-29", nil),
        Case("2021-13-01", nil),
        Case("2021-00-01", nil),
        Case("2021-01-01T24:00:00", nil),
        Case("2021-01-01T23:60:00", nil),
        Case("2021-01-01T23:00:60", nil),
        Case("2021-01-01T", nil),
        Case("2021-01-01T10:00:00.", nil),
        Case("2021-01-01T10:00:00.1234567890", nil),
        Case("2021-01-01T10:00:00+25:00", nil),
        Case("2021-1-1", nil),
        Case("20210101", nil),
        Case("", nil),
        Case("yesterday", nil),
    ]

    @Test func `texts are read as the calendar has them`() {
        for test in Self.cases {
            let read = Timestamp(text: test.text, rounding: .down)?.microseconds
            #expect(read == test.microseconds, "\(test.text)")
        }
    }

    @Test func `finer than a microsecond goes up in rows and down in spines`() {
        let text = "1970-01-01T00:00:00.000001001Z"
        #expect(Timestamp(text: text, rounding: .up)?.microseconds == 2)
        #expect(Timestamp(text: text, rounding: .down)?.microseconds == 1)
        let exact = "1970-01-01T00:00:00.000001000Z"
        #expect(Timestamp(text: exact, rounding: .up)?.microseconds == 1)
    }

    @Test func `a moment written is read back, over the whole calendar`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            let moment = Timestamp(
                microseconds: .random(
                    in: -62_135_596_800_000_000...253_402_300_799_999_999,
                    using: &generator
                )
            )
            #expect(Timestamp(text: moment.description, rounding: .down) == moment)
        }
    }

    @Test func `sums at the ends of time saturate`() {
        #expect(Timestamp.distantFuture + .seconds(1) == .distantFuture)
        #expect(Timestamp.distantPast - .seconds(1) == .distantPast)
    }
}

struct TimeSpanTests {
    @Test func `spans are read with their units, and written so that they read back`() {
        let cases: [(String, Int64?)] = [
            ("90d", 90 * 86_400_000_000), ("1d12h", 129_600_000_000), ("250ms", 250_000),
            ("2w", 14 * 86_400_000_000), ("15s", 15_000_000), ("30m", 1_800_000_000), ("7us", 7),
            ("", nil), ("7", nil), ("d", nil), ("7x", nil), ("-1d", nil), ("0s", nil),
            ("1.5h", nil),
            ("99999999999999999999d", nil), ("999999999999d", nil),
        ]
        for (text, microseconds) in cases {
            let span = TimeSpan(text: text)
            #expect(span?.microseconds == microseconds, "\(text)")
            if let span { #expect(TimeSpan(text: span.description) == span) }
        }
    }
}

struct ValueTypeTests {
    @Test func `types are read as they are written`() {
        for item in ScalarType.allCases {
            for type in [ValueType.scalar(item), .list(item), .fixedList(item, length: 64)] {
                #expect(ValueType(text: type.description) == type)
            }
        }
        for text in [
            "int", "int64[", "int64[0]", "int64[-1]", "int64[65537]", "int64[x]", "[3]", "",
            "int64[]x",
        ] {
            #expect(ValueType(text: text) == nil, "\(text)")
        }
        #expect(ValueType(text: "float32[65536]") == .fixedList(.float32, length: 65_536))
    }

    @Test func `only int32 and float32 widen`() {
        #expect(ValueType.int32.widens(to: .int64))
        #expect(ValueType.float32.widens(to: .float64))
        #expect(!ValueType.int64.widens(to: .int32))
        #expect(!ValueType.int32.widens(to: .float64))
        #expect(ValueType.list(.int32).widens(to: .list(.int64)))
        #expect(!ValueType.fixedList(.int32, length: 2).widens(to: .fixedList(.int64, length: 3)))
        #expect(!ValueType.list(.int32).widens(to: .int32))
    }
}

struct NameTests {
    @Test func `names have one spelling and a limit`() {
        for text in ["a", "7", "credit_history", "a.b-c", String(repeating: "x", count: 128)] {
            #expect(FeatureViewName(text) != nil, "\(text)")
        }
        for text in [
            "", "_a", ".a", "a b", "a/b", "é", "a@b", "a:b", String(repeating: "x", count: 129),
        ] {
            #expect(FeatureViewName(text) == nil, "\(text)")
        }
    }

    @Test func `a service is named with or without its version`() throws {
        #expect(try FeatureServiceReference(text: "credit").version == nil)
        #expect(try FeatureServiceReference(text: "credit@2").version == 2)
        for text in ["credit@", "credit@0", "credit@x", "@2", "credit@-1", ""] {
            #expect(throws: AlulaError.self, "\(text)") { try FeatureServiceReference(text: text) }
        }
    }
}

struct RowOrderTests {
    /// Event time, then created time with none least, then position: against sorting by a tuple.
    @Test func `the order is total and as the rule says, over all small cases`() {
        var orders: [RowOrder] = []
        for event in 0..<2 {
            for created in [nil, 0, 1] as [Int64?] {
                for entry in 0..<2 {
                    for row in 0..<2 {
                        orders.append(
                            RowOrder(
                                event: Timestamp(microseconds: Int64(event)),
                                created: created.map(Timestamp.init(microseconds:)),
                                position: LogPosition(entry: UInt64(entry), row: UInt32(row))
                            )
                        )
                    }
                }
            }
        }
        func rank(_ order: RowOrder) -> Int {
            let created = order.created.map { Int($0.microseconds) + 1 } ?? 0
            return ((Int(order.event.microseconds) * 3 + created) * 2 + Int(order.position.entry))
                * 2
                + Int(order.position.row)
        }
        for left in orders {
            for right in orders {
                #expect((left < right) == (rank(left) < rank(right)))
            }
        }
    }
}
