import Domain
import Online
import RocksDB
import TestSupport
import Testing

/// Every order in which up to four rows can arrive, with every tie of event time, created time and
/// position, against the plain greatest.
///
/// Each case has a key of its own, so that all share one store.
struct NewestRowTests {
    struct Row: Hashable {
        var event: Int64
        var created: Int64?
        var position: Int64

        /// Written out, so that it shares nothing with `RowOrder`.
        func isNewer(than other: Row) -> Bool {
            if event != other.event { return event > other.event }
            let mine = created ?? .min
            let theirs = other.created ?? .min
            if mine != theirs { return mine > theirs }
            return position > other.position
        }
    }

    /// Sequences of rows in their order of arrival.
    static func cases(length: Int, events: [Int64], created: [Int64?]) -> [[Row]] {
        var sequences: [[Row]] = [[]]
        for _ in 0..<length {
            sequences = sequences.flatMap { head in
                events.flatMap { event in
                    created.map { head + [Row(event: event, created: $0, position: 0)] }
                }
            }
        }
        let orders = permutations(length)
        return sequences.flatMap { rows in
            orders.map { order in
                zip(rows, order).map { row, place in
                    Row(event: row.event, created: row.created, position: Int64(place))
                }
            }
        }
    }

    static func permutations(_ count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return permutations(count - 1).flatMap { shorter in
            (0..<count).map { place in
                var longer = shorter
                longer.insert(count - 1, at: place)
                return longer
            }
        }
    }

    let view = Fixtures.view()

    /// Rows of history; the value of each is its number in the order of arrival.
    private func history(
        _ rows: [(key: Int, arrival: Int, row: Row)]
    ) throws -> (FeatureRows, RowOrigin) {
        let feature = try Fixtures.rows(
            view,
            keys: [rows.map { .int64(Int64($0.key)) }],
            events: rows.map(\.row.event),
            created: rows.map(\.row.created),
            features: [rows.map { .int64(Int64($0.arrival)) }]
        )
        let positions = rows.map { LogPosition(entry: UInt64($0.row.position), row: 0) }
        return (feature, .history(positions))
    }

    private func check(
        _ store: OnlineStore,
        _ cases: [[Row]],
        arrived count: Int? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for start in stride(from: 0, to: cases.count, by: 10_000) {
            let range = start..<min(start + 10_000, cases.count)
            let answer = try store.read(
                plan: Fixtures.plan([Fixtures.part(view)]),
                keys: try Fixtures.keys([("id", .int64, range.map { .int64(Int64($0)) })]),
                now: Timestamp(microseconds: 100)
            )
            for (row, number) in range.enumerated() {
                let rows = cases[number].prefix(count ?? .max)
                let newest = rows.indices.max { rows[$1].isNewer(than: rows[$0]) }
                let expected = newest.map { FeatureValue.int64(Int64($0)) }
                guard answer.columns[0][row] == expected ?? .null else {
                    Issue.record(
                        "arrived \(Array(rows)): expected row \(newest ?? -1)",
                        sourceLocation: sourceLocation
                    )
                    return
                }
            }
        }
    }

    private func expectedStatuses(_ rows: [Row]) -> [PushStatus] {
        rows.indices.map { index in
            rows[..<index].allSatisfy { rows[index].isNewer(than: $0) } ? .accepted : .older
        }
    }

    private static let upToThree = (1...3).flatMap {
        cases(length: $0, events: [1, 2], created: [nil, 1, 2])
    }

    @Test func `the newest wins in whatever order rows arrive within one batch`() throws {
        let fixture = try OnlineFixture()
        let all = Self.upToThree
        let rows = all.enumerated().flatMap { key, rows in
            rows.enumerated().map { (key: key, arrival: $0, row: $1) }
        }
        let (batch, origin) = try history(rows)
        let statuses = try fixture.apply(batch, to: view, from: origin)
        #expect(statuses == all.flatMap(expectedStatuses))
        try check(fixture.store, all)
        try check(try fixture.crashed(), all)
    }

    @Test
    func `the newest of four wins, each row in a write of its own`() throws {
        let fixture = try OnlineFixture()
        let all = Self.cases(length: 4, events: [1, 2], created: [nil, 1])
        let expected = all.map(expectedStatuses)
        for arrival in 0..<4 {
            let (batch, origin) = try history(
                all.enumerated().map { (key: $0, arrival: arrival, row: $1[arrival]) }
            )
            let statuses = try fixture.apply(batch, to: view, from: origin)
            #expect(statuses == expected.map { $0[arrival] })
        }
        try check(fixture.store, all)
    }

    @Test func `the newest wins across the pieces of one group`() throws {
        let fixture = try OnlineFixture()
        let all = Self.cases(length: 3, events: [1, 2], created: [nil, 1, 2])
        let expected = all.map(expectedStatuses)
        let batch = WriteBatch(fixture.database)
        var pending = PendingRows()
        for arrival in 0..<3 {
            let (rows, origin) = try history(
                all.enumerated().map { (key: $0, arrival: arrival, row: $1[arrival]) }
            )
            let statuses = try fixture.store.apply(
                rows,
                of: view,
                from: origin,
                into: batch,
                pending: &pending
            )
            #expect(statuses == expected.map { $0[arrival] })
        }
        try fixture.database.write(batch, .buffered)
        try check(fixture.store, all)
    }

    @Test func `the newest wins across a crash after every row`() throws {
        var fixture = try OnlineFixture()
        let all = Self.cases(length: 3, events: [1, 2], created: [nil, 1, 2])
        for arrival in 0..<3 {
            let (batch, origin) = try history(
                all.enumerated().map { (key: $0, arrival: arrival, row: $1[arrival]) }
            )
            try fixture.apply(batch, to: view, from: origin)
            fixture = try fixture.reopened("crash \(arrival)")
            try check(fixture.store, all, arrived: arrival + 1)
        }
    }

    @Test func `a pushed row without a created time takes the recorded time`() throws {
        // Created times around the recorded times 10, 20, 30 of the three entries.
        let all = Self.cases(length: 3, events: [1, 2], created: [nil, 10, 15, 20, 30])
            .filter { $0.map(\.position) == [0, 1, 2] }
        let fixture = try OnlineFixture()
        let effective = all.map { rows in
            rows.enumerated().map { index, row in
                Row(
                    event: row.event,
                    created: row.created ?? Int64(10 * (index + 1)),
                    position: Int64(index)
                )
            }
        }
        for arrival in 0..<3 {
            let (rows, _) = try history(
                all.enumerated().map { (key: $0, arrival: arrival, row: $1[arrival]) }
            )
            let statuses = try fixture.push(
                rows,
                to: view,
                entry: UInt64(arrival + 1),
                recorded: Int64(10 * (arrival + 1))
            )
            #expect(statuses == effective.map { expectedStatuses($0)[arrival] })
        }
        try check(fixture.store, effective)
    }

    @Test func `the same rows applied again change nothing`() throws {
        let fixture = try OnlineFixture()
        let rows = Self.upToThree.enumerated().flatMap { key, rows in
            rows.enumerated().map { (key: key, arrival: $0, row: $1) }
        }
        let (batch, origin) = try history(rows)
        try fixture.apply(batch, to: view, from: origin)
        #expect(try fixture.apply(batch, to: view, from: origin).allSatisfy { $0 == .older })
    }
}
