import Domain
import Online
import RocksDB
import TestSupport
import Testing

struct ReadTests {
    let fixture: OnlineFixture

    init() throws { fixture = try OnlineFixture() }

    private func read(
        _ parts: [FeaturePlan.ViewPart],
        _ keys: [(String, ValueType, [FeatureValue])],
        now: Int64 = 0
    ) throws -> OnlineAnswer {
        try fixture.store.read(
            plan: Fixtures.plan(parts),
            keys: try Fixtures.keys(keys),
            now: Timestamp(microseconds: now)
        )
    }

    @Test(
        arguments: [
            // event, max age, now, status
            (0, nil, Int64.max, FeatureStatus.present),
            (100, 10, 109, .present),
            (100, 10, 110, .present),
            (100, 10, 111, .expired),
            (100, 10, 50, .present),
            (.min, 10, .min + 10, .present),
            (.min, 10, 0, .expired),
            (.max, 10, .max, .present),
            (.max - 5, 10, .max, .present),
            (.min, .max, 0, .expired),
        ] as [(Int64, Int64?, Int64, FeatureStatus)]
    )
    func `a row is served up to its greatest age, both ends inclusive`(
        event: Int64,
        maxAge: Int64?,
        now: Int64,
        status: FeatureStatus
    ) throws {
        let view = Fixtures.view(maxAge: maxAge.map { TimeSpan(microseconds: $0) })
        try fixture.push(
            try Fixtures.rows(view, keys: [[.int64(7)]], events: [event], features: [[.int64(5)]]),
            to: view
        )
        let answer = try read([Fixtures.part(view)], [("id", .int64, [.int64(7)])], now: now)
        #expect(answer.statuses == [[status.rawValue]])
        #expect(answer.eventTimes == [[event]])
        #expect(answer.columns[0][0] == (status == .present ? .int64(5) : .null))
    }

    @Test func `a null value and a missing row are told apart`() throws {
        let view = Fixtures.view(features: [(1, "x", .int64), (2, "y", .string)])
        try fixture.push(
            try Fixtures.rows(
                view,
                keys: [[.int64(1)]],
                events: [4],
                features: [[.null], [.string("é")]]
            ),
            to: view
        )
        let answer = try read([Fixtures.part(view)], [("id", .int64, [.int64(1), .int64(2)])])
        #expect(answer.rowCount == 2)
        #expect(
            answer.statuses == [[FeatureStatus.present.rawValue, FeatureStatus.notFound.rawValue]]
        )
        #expect(answer.eventTimes == [[4, 0]])
        #expect((0..<2).map { answer.columns[0][$0] } == [.null, .null])
        #expect((0..<2).map { answer.columns[1][$0] } == [.string("é"), .null])
    }

    @Test func `no rows asked for is an empty answer`() throws {
        let answer = try read([Fixtures.part(Fixtures.view())], [("id", .int64, [])])
        #expect(answer.rowCount == 0)
        #expect(answer.columns.map(\.count) == [0])
        #expect(answer.statuses == [[]])
    }

    @Test func `more rows than one step, with repeats, come back in their order`() throws {
        let view = Fixtures.view()
        let keys = (0..<1_000).map { FeatureValue.int64(Int64($0)) }
        try fixture.push(
            try Fixtures.rows(view, keys: [keys], events: keys.map { _ in 1 }, features: [keys]),
            to: view
        )
        let asked = (0..<3_000).map { Int64(($0 * 7_919) % 1_100) }
        let answer = try read([Fixtures.part(view)], [("id", .int64, asked.map { .int64($0) })])
        for (row, key) in asked.enumerated() {
            #expect(answer.columns[0][row] == (key < 1_000 ? .int64(key) : .null))
        }
    }

    @Test func `views of one entity and of another, and one view in two roles, in one read`() throws
    {
        let person = Fixtures.view(id: 1, name: "credit", entity: 1, keys: [("ssn", .string)])
        let other = Fixtures.view(id: 2, name: "debt", entity: 1, keys: [("ssn", .string)])
        let place = Fixtures.view(
            id: 3,
            name: "place",
            entity: 2,
            keys: [("zip", .int64), ("state", .string)]
        )
        try fixture.push(
            try Fixtures.rows(
                person,
                keys: [[.string("1"), .string("11")]],
                events: [1, 2],
                features: [[.int64(10), .int64(20)]]
            ),
            to: person
        )
        try fixture.push(
            try Fixtures.rows(
                other,
                keys: [[.string("11")]],
                events: [3],
                features: [[.int64(30)]]
            ),
            to: other
        )
        try fixture.push(
            try Fixtures.rows(
                place,
                keys: [[.int64(1), .int64(2)], [.string("a"), .string("b")]],
                events: [4, 5],
                features: [[.int64(40), .int64(50)]]
            ),
            to: place
        )
        let answer = try read(
            [
                Fixtures.part(place, label: "from", keyColumns: ["from_zip", "from_state"]),
                Fixtures.part(person),
                Fixtures.part(place, label: "to", keyColumns: ["to_zip", "to_state"]),
                Fixtures.part(other),
            ],
            [
                ("amount", .float64, [.float64(1), .null]),
                ("to_zip", .int64, [.int64(2), .int64(1)]),
                ("to_state", .string, [.string("b"), .string("b")]),
                ("ssn", .string, [.string("11"), .string("1")]),
                ("from_zip", .int64, [.int64(1), .int64(2)]),
                ("from_state", .string, [.string("a"), .string("b")]),
            ]
        )
        let values = answer.columns.map { column in (0..<2).map { column[$0] } }
        #expect(
            values == [
                [.int64(40), .int64(50)], [.int64(20), .int64(10)], [.int64(50), .null],
                [.int64(30), .null],
            ]
        )
        #expect(answer.eventTimes == [[4, 5], [2, 1], [5, 0], [3, 0]])
        #expect(answer.statuses == [[0, 0], [0, 0], [0, 2], [0, 2]])
    }

    @Test func `keys are kept apart part by part`() throws {
        let view = Fixtures.view(keys: [("a", .string), ("b", .string)])
        try fixture.push(
            try Fixtures.rows(
                view,
                keys: [[.string("1")], [.string("12")]],
                events: [1],
                features: [[.int64(1)]]
            ),
            to: view
        )
        let answer = try read(
            [Fixtures.part(view)],
            [
                ("a", .string, [.string("11"), .string("1")]),
                ("b", .string, [.string("2"), .string("12")]),
            ]
        )
        #expect(answer.statuses == [[2, 0]])
    }

    @Test func `rows of an older schema read null for what was added, and wide what was widened`()
        throws
    {
        let layouts = [
            RowLayout(
                version: 1,
                slots: [
                    RowLayout.Slot(feature: FeatureID(1), type: .int32),
                    RowLayout.Slot(feature: FeatureID(2), type: .list(.float32)),
                ]
            ),
            RowLayout(
                version: 2,
                slots: [
                    RowLayout.Slot(feature: FeatureID(3), type: .string),
                    RowLayout.Slot(feature: FeatureID(1), type: .int64),
                    RowLayout.Slot(feature: FeatureID(2), type: .list(.float64)),
                ]
            ),
        ]
        let view = Fixtures.view(
            features: [(1, "a", .int64), (2, "b", .list(.float64)), (3, "c", .string)],
            layouts: layouts
        )
        try fixture.push(
            try Fixtures.rows(
                view,
                keys: [[.int64(1)]],
                events: [1],
                features: [[.int32(-7)], [.list([.float32(0.5)])]],
                version: 1
            ),
            to: view
        )
        try fixture.push(
            try Fixtures.rows(
                view,
                keys: [[.int64(2)]],
                events: [1],
                features: [[.string("new")], [.int64(1 << 40)], [.list([.float64(0.1)])]]
            ),
            to: view
        )
        let answer = try read([Fixtures.part(view)], [("id", .int64, [.int64(1), .int64(2)])])
        let values = answer.columns.map { column in (0..<2).map { column[$0] } }
        #expect(
            values == [
                [.int64(-7), .int64(1 << 40)],
                [.list([.float64(0.5)]), .list([.float64(0.1)])], [.null, .string("new")],
            ]
        )
        #expect(answer.statuses == [[0, 0]])
    }

    @Test func `a row of an unknown schema version asks for a new plan, never answers null`() throws
    {
        let newer = Fixtures.view(
            layouts: [
                RowLayout(version: 2, slots: [RowLayout.Slot(feature: FeatureID(1), type: .int64)])
            ])
        try fixture.push(
            try Fixtures.rows(newer, keys: [[.int64(1)]], events: [1], features: [[.int64(1)]]),
            to: newer
        )
        let error = try #require(throws: AlulaError.self) {
            _ = try read([Fixtures.part(Fixtures.view())], [("id", .int64, [.int64(1)])])
        }
        #expect(error.code == .aborted)
    }

    @Test func `a key over the limit is refused, one at the limit is looked up`() throws {
        let view = Fixtures.view(keys: [("name", .string)])
        func key(_ bytes: Int) -> [(String, ValueType, [FeatureValue])] {
            // A tag and an end take three bytes.
            [("name", .string, [.string("ok"), .string(String(repeating: "k", count: bytes - 3))])]
        }
        _ = try read([Fixtures.part(view)], key(Limits.keyBytes))
        let error = try #require(throws: AlulaError.self) {
            _ = try read([Fixtures.part(view)], key(Limits.keyBytes + 1))
        }
        #expect(error.message.contains("row 1"))
    }

    @Test func `a broken row is an error, not a missing one`() throws {
        let view = Fixtures.view()
        let rows = try Fixtures.rows(
            view,
            keys: [[.int64(1)]],
            events: [1],
            features: [[.int64(1)]]
        )
        try fixture.push(rows, to: view)
        var stored: (key: [UInt8], value: [UInt8]) = ([], [])
        try fixture.database.scan(.rows, from: []) { key, value in
            stored = (key, value)
            return true
        }
        stored.value[20] ^= 1
        let batch = WriteBatch(fixture.database)
        batch.put(.rows, stored.key, stored.value)
        try fixture.database.write(batch, .buffered)
        let cold = OnlineStore(fixture.database, cache: RowCache(byteBudget: 0, lanes: 1))
        for act in [
            {
                _ = try cold.read(
                    plan: Fixtures.plan([Fixtures.part(view)]),
                    keys: try Fixtures.keys([("id", .int64, [.int64(1)])]),
                    now: Timestamp(microseconds: 0)
                )
            },
            { _ = try fixture.cold().push(rows, to: view) },
        ] {
            let error = try #require(throws: AlulaError.self) { try act() }
            #expect(error.code == .dataLoss)
        }
    }

    @Test func `the key in the store is entity, key, view`() throws {
        let view = Fixtures.view(id: 258, entity: 3)
        try fixture.push(
            try Fixtures.rows(view, keys: [[.int64(1)]], events: [1], features: [[.int64(1)]]),
            to: view
        )
        var keys: [[UInt8]] = []
        try fixture.database.scan(.rows, from: []) { key, _ in
            keys.append(key)
            return true
        }
        #expect(keys == [[0, 0, 0, 3, 3, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2]])
    }
}
