import Domain
import TestSupport
import Testing

@testable import Offline

/// The store as a whole against the nested loops: random tables, pushed and imported, cut in many
/// ways.
struct JoinAgainstOracleTests {
    enum KeyKind: CaseIterable {
        case number, text, raw, composite

        var types: [KeyType] {
            switch self {
            case .number: [.int64]
            case .text: [.string]
            case .raw: [.bytes]
            case .composite: [.string, .int64]
            }
        }

        func randomKey(_ random: inout SeededRandom) -> EntityKey {
            keys[Int.random(in: keys.indices, using: &random)]
        }

        /// Keys that are near each other, and those that would be equal if parts were glued
        /// together.
        var keys: [EntityKey] {
            switch self {
            case .number: [0, -1, 1, .min, .max].map { key(.int64($0)) }
            case .text: ["", "a", "a\0", "ab", "abcdefghi", "abcdefghij"].map { key(.string($0)) }
            case .raw: [[], [0], [0, 0], [0xFF], [0, 1]].map { key(.bytes($0)) }
            case .composite:
                [("1", 12), ("11", 2), ("1", 2), ("", -1), ("", 1)].map {
                    key(.string($0), .int64($1))
                }
            }
        }
    }

    @Test(arguments: [1, 2, 3, 65_536], KeyKind.allCases)
    func `a random history is joined as by nested loops`(groupRows: Int, kind: KeyKind) throws {
        for seed in 1...6 as ClosedRange<UInt64> {
            var random = SeededRandom(seed: seed)
            let scratch = try Scratch()
            let store = try scratch.store(groupRows: groupRows)
            let view = try FeatureView.test(
                keys: kind.types,
                features: [(4, "value", .int64), (9, "text", .string)]
            )
            let history = try fill(store, view, kind, &random)
            for _ in 0..<4 { try check(store, view, kind, history, seed, &random) }
        }
    }

    struct History {
        var rows: [Naive.Row] = []
        /// Of each row, the value of its first feature; nil is null.
        var values: [Int64?] = []
        var lastEntry: UInt64 = 0
    }

    private func fill(
        _ store: OfflineStore,
        _ view: FeatureView,
        _ kind: KeyKind,
        _ random: inout SeededRandom
    ) throws -> History {
        var history = History()
        var waiting: [OfflineStore.LogPiece] = []
        for entry in 1...8 as ClosedRange<UInt64> {
            let rows = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                (
                    key: kind.randomKey(&random),
                    event: Int64.random(in: 0...6, using: &random),
                    created: Bool.random(using: &random)
                        ? nil : Int64.random(in: 0...9, using: &random),
                    value: Int.random(in: 0...3, using: &random) == 0
                        ? nil : Int64.random(in: .min ... .max, using: &random)
                )
            }
            let recorded = Int64(entry) + 2
            let batch = try view.rows(
                rows.map {
                    (
                        $0.key, $0.event, $0.created,
                        [
                            $0.value.map { .int64($0) } ?? .null,
                            $0.value.map { .string("\($0)") } ?? .null,
                        ]
                    )
                }
            )
            let isImport = Int.random(in: 0...2, using: &random) == 0
            if isImport {
                waiting.append(
                    .init(
                        entry: entry,
                        recorded: time(recorded),
                        change: .publish(importID: try stage(batch, store, view, entry))
                    )
                )
            } else {
                waiting.append(
                    .init(
                        entry: entry,
                        recorded: time(recorded),
                        change: .rows(batch, layout: view.layout)
                    )
                )
            }
            if Bool.random(using: &random) || entry == 8 {
                try store.apply(waiting)
                waiting = []
            }
            for (number, row) in rows.enumerated() {
                history.rows.append(
                    Naive.Row(
                        key: row.key,
                        event: time(row.event),
                        created: row.created.map(time) ?? (isImport ? nil : time(recorded)),
                        position: LogPosition(entry: entry, row: UInt32(number))
                    )
                )
                history.values.append(row.value)
            }
            history.lastEntry = entry
        }
        return history
    }

    /// In two chunks where there are rows enough.
    private func stage(
        _ rows: FeatureRows,
        _ store: OfflineStore,
        _ view: FeatureView,
        _ entry: UInt64
    ) throws -> String {
        let record = try store.beginImport(.test(view: view, options: "\(entry)"), again: false)
        let cut = rows.count / 2
        _ = try store.stage(
            importID: record.id,
            chunk: 0,
            rows: rows.taking(Array(0..<cut)),
            layout: view.layout
        )
        _ = try store.stage(
            importID: record.id,
            chunk: 1,
            rows: rows.taking(Array(cut..<rows.count)),
            layout: view.layout
        )
        return record.id
    }

    private func check(
        _ store: OfflineStore,
        _ view: FeatureView,
        _ kind: KeyKind,
        _ history: History,
        _ seed: UInt64,
        _ random: inout SeededRandom
    ) throws {
        let lookback = ([nil, 0, 1, 3] as [Int64?])[Int.random(in: 0...3, using: &random)].map {
            TimeSpan(microseconds: $0)
        }
        let scope = JoinScope(
            through: UInt64.random(in: 0...history.lastEntry, using: &random),
            asKnown: Bool.random(using: &random)
        )
        let spine = (0..<40).map { _ in
            (
                key: Int.random(in: 0...9, using: &random) == 0
                    ? nil : kind.randomKey(&random),
                time: Int.random(in: 0...9, using: &random) == 0
                    ? nil : Int64.random(in: -1...8, using: &random)
            )
        }
        let joined = try store.join(
            try SortedSpine(kind.types, spine),
            with: view.part(lookback: lookback),
            scope: scope
        )
        let (columns, found) = try store.features(of: joined)
        var report = ViewReport(label: "view1", view: view.name)
        for (row, entry) in spine.enumerated() {
            let answer = Naive.answer(
                key: entry.key,
                time: entry.time.map(time),
                in: history.rows,
                lookback: lookback,
                through: scope.through,
                asKnown: scope.asKnown
            )
            let context: Comment =
                "seed \(seed) row \(row) \(spine[row]) \(scope) \(String(describing: lookback))"
            #expect(joined.statuses[row] == answer.status, context)
            var value: Int64?
            if case .matched(let index) = answer { value = history.values[index] }
            #expect(columns[0][row] == (value.map { .int64($0) } ?? .null), context)
            #expect(columns[1][row] == (value.map { .string("\($0)") } ?? .null), context)
            report.count(answer, time: entry.time, in: history.rows)
        }
        #expect(found == report, "seed \(seed)")
    }
}

extension Naive.Answer {
    var status: JoinStatus {
        switch self {
        case .matched: .matched
        case .nullKey: .nullKey
        case .notFound: .notFound
        case .expired: .expired
        }
    }
}

extension ViewReport {
    mutating func count(_ answer: Naive.Answer, time: Int64?, in rows: [Naive.Row]) {
        switch answer {
        case .nullKey: nullKeys += 1
        case .notFound: notFound += 1
        case .expired: expired += 1
        case .matched(let index):
            matched += 1
            let row = rows[index]
            if row.created == nil { unknown += 1 }
            if let created = row.created, let time, created.microseconds > time { late += 1 }
            oldestEvent = min(oldestEvent ?? row.event, row.event)
            newestEvent = max(newestEvent ?? row.event, row.event)
        }
    }
}

extension OfflineStore.ImportDescriptor {
    static func test(view: FeatureView, options: String = "", source: UInt8 = 1) throws -> Self {
        try Self(
            view: view.id,
            project: ProjectName("p", as: "project"),
            sourceName: "rows.csv",
            sourceDigest: ContentDigest(hex: String(repeating: "0\(source)", count: 32)),
            options: options,
            begun: time(5)
        )
    }
}
