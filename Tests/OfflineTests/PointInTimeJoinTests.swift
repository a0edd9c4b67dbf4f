import Codec
import Domain
import TestSupport
import Testing

@testable import Offline

/// Every small table against the nested loops.
struct PointInTimeJoinTests {
    struct Case: CustomStringConvertible {
        var rows: [Naive.Row]
        var spine: [(key: EntityKey?, time: Int64?)]
        var lookback: TimeSpan?
        var through: UInt64
        var asKnown: Bool

        var description: String {
            "rows \(rows.map { ($0.key.parts, $0.event, $0.created, $0.position) })"
                + " lookback \(String(describing: lookback)) through \(through) asKnown \(asKnown)"
        }
    }

    @Test func `every table of one key is joined as by nested loops`() throws {
        let options: [(event: Int64, created: Int64?)] = [10, 20, 30, 40].flatMap { event in
            [nil, 10, 35].map { (event, $0) }
        }
        let spine: [(key: EntityKey?, time: Int64?)] =
            [9, 10, 20, 25, 30, 35, 40, 41].map { (key(.int64(7)), $0) }
            + [(nil, 20), (key(.int64(7)), nil), (key(.int64(8)), 40)]
        for table in sequences(of: options, upTo: 3) {
            let rows = table.enumerated().map { index, row in
                Naive.Row(
                    key: key(.int64(7)),
                    event: time(row.event),
                    created: row.created.map(time),
                    position: LogPosition(entry: UInt64(index + 1), row: 0)
                )
            }
            for lookback in [nil, TimeSpan(microseconds: 10), TimeSpan(microseconds: 9)] {
                for (through, asKnown) in [(3, false), (3, true), (1, false), (2, true)]
                    as [(UInt64, Bool)]
                {
                    try check(
                        Case(
                            rows: rows,
                            spine: spine,
                            lookback: lookback,
                            through: through,
                            asKnown: asKnown
                        ),
                        groupings: [[0..<rows.count]]
                    )
                }
            }
        }
    }

    @Test func `every table of three keys is joined as by nested loops, however it is cut`() throws
    {
        let keys = (1...3).map { key(.int64($0)) }
        let options = keys.flatMap { key in [10, 20, 30].map { (key: key, event: Int64($0)) } }
        let spine: [(key: EntityKey?, time: Int64?)] =
            keys.reversed().flatMap { key in [30, 5, 20, 20].map { (key, Int64($0)) } }
            + [(nil, 30), (keys[0], nil)]
        for table in sequences(of: options, upTo: 3) {
            let rows = table.enumerated().map { index, row in
                Naive.Row(
                    key: row.key,
                    event: time(row.event),
                    created: time(index == 1 ? 50 : 7),
                    position: LogPosition(entry: UInt64(index + 1), row: UInt32(index))
                )
            }
            for lookback in [nil, TimeSpan(microseconds: 10)] {
                try check(
                    Case(rows: rows, spine: spine, lookback: lookback, through: 9, asKnown: false),
                    groupings: groupings(rows.count)
                )
            }
        }
    }

    /// All ways to cut `count` sorted rows into groups, and each row as a segment of its own.
    private func groupings(_ count: Int) -> [[Range<Int>]] {
        guard count > 1 else { return [[0..<count]] }
        return (0..<1 << (count - 1)).map { cuts in
            var groups: [Range<Int>] = []
            var start = 0
            for end in 1...count where end == count || cuts & 1 << (end - 1) != 0 {
                groups.append(start..<end)
                start = end
            }
            return groups
        }
    }

    private func check(_ test: Case, groupings: [[Range<Int>]]) throws {
        let sorted = test.rows.indices.sorted {
            let (left, right) = (test.rows[$0], test.rows[$1])
            return (KeyCodec.encode(left.key).lexicographicallyPrecedes(KeyCodec.encode(right.key)))
                || (left.key == right.key && left.order < right.order)
        }
        let spine = try SortedSpine([.int64], test.spine)
        let expected = test.spine.map {
            Naive.answer(
                key: $0.key,
                time: $0.time.map(time),
                in: test.rows,
                lookback: test.lookback,
                through: test.through,
                asKnown: test.asKnown
            )
        }
        for grouping in groupings {
            var join = PointInTimeJoin(
                spine,
                lookback: test.lookback,
                hidden: HiddenRows(through: test.through, keyTypes: [.int64]),
                asKnown: test.asKnown
            )
            for (number, group) in grouping.enumerated() {
                let rows = sorted[group].map { test.rows[$0] }
                join.add(try JoinGroup(rows), number: Int32(number))
            }
            var found = test.spine.map { _ in Naive.Answer.nullKey }
            for (entry, winner) in join.winners.enumerated() {
                found[Int(spine.rows[entry])] =
                    switch winner.group {
                    case PointInTimeJoin.nothing: .notFound
                    case PointInTimeJoin.onlyOlder: .expired
                    default:
                        .matched(sorted[grouping[Int(winner.group)].lowerBound + Int(winner.row)])
                    }
            }
            guard found != expected else { continue }
            Issue.record("\(test) cut as \(grouping): \(found), expected \(expected)")
            return
        }
    }

    private func sequences<T>(of options: [T], upTo length: Int) -> [[T]] {
        guard length > 0 else { return [[]] }
        let shorter = sequences(of: options, upTo: length - 1)
        return shorter
            + shorter.filter { $0.count == length - 1 }.flatMap { start in
                options.map { start + [$0] }
            }
    }
}

extension Naive.Row {
    var order: RowOrder { RowOrder(event: event, created: created, position: position) }
}

extension JoinGroup {
    /// Rows in their order.
    init(_ rows: [Naive.Row]) throws {
        let created = try Column(
            .timestamp,
            rows.map { $0.created.map { .timestamp($0) } ?? .null }
        )
        let keys = try Column(.int64, rows.map { $0.key.parts[0].value })
        self.init(
            runs: KeyRuns([.int64], columns: [keys]),
            events: rows.map(\.event.microseconds),
            details: Details(
                created: created.int64s,
                createdValidity: created.validity,
                numbers: rows.map(\.position.row),
                entries: .each(rows.map { Int64($0.position.entry) })
            ),
            isPartlyHidden: true
        )
    }
}
