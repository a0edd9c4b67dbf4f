import Codec
import Domain
import TestSupport

@testable import Offline

/// A store and the plain lists that say what it holds: pushes, imports, retractions and deletions in
/// a random order.
struct RandomWorld {
    struct Waiting {
        var id: String
        /// Keys, times and values in the order of their numbers, each with the step that staged it.
        var rows: [(row: Naive.Row, value: Int64?, step: Int)] = []
    }

    let store: OfflineStore
    let view: FeatureView
    let kind: JoinAgainstOracleTests.KeyKind
    var rows: [Naive.Row] = []
    /// Of each row its first feature; nil is null.
    var values: [Int64?] = []
    var hiding = NaiveHiding()
    var lastEntry: UInt64 = 0
    private var staged: [Waiting] = []
    /// Of each deletion the step in which it was applied.
    private var deletionSteps: [Int] = []
    private var step = 0

    init(
        _ store: OfflineStore,
        kind: JoinAgainstOracleTests.KeyKind,
        steps: Int,
        _ random: inout SeededRandom
    ) throws {
        self.store = store
        self.kind = kind
        view = try FeatureView.test(
            keys: kind.types,
            features: [(4, "value", .int64), (9, "text", .string)]
        )
        for _ in 0..<steps { try act(&random) }
    }

    mutating func act(_ random: inout SeededRandom) throws {
        step += 1
        switch Int.random(in: 0...9, using: &random) {
        case 0...3: try push(&random)
        case 4, 5: try stage(&random)
        case 6: try publish(&random)
        case 7 where lastEntry > 0: try retract(&random)
        case 8 where lastEntry > 0: try forget(kind.randomKey(&random))
        default: try push(&random)
        }
    }

    var stagedRows: [(row: Naive.Row, isDeleted: Bool)] {
        staged.flatMap(\.rows).map { row in
            (
                row.row,
                zip(hiding.deletions, deletionSteps).contains {
                    $0.key == row.row.key && row.step < $1
                }
            )
        }
    }

    /// The newest entry is what the key was forgotten with.
    mutating func forget(_ key: EntityKey) throws {
        lastEntry += 1
        try store.forget(lastEntry, key, view)
        hiding.deletions.append(.init(entry: lastEntry, key: key))
        deletionSteps.append(step)
    }

    private mutating func push(_ random: inout SeededRandom) throws {
        lastEntry += 1
        let new = random.rows(kind)
        try store.push(lastEntry, at: recorded, batch(new), view)
        for (number, row) in new.enumerated() {
            rows.append(
                Naive.Row(
                    key: row.key,
                    event: time(row.event),
                    created: time(row.created ?? recorded),
                    position: LogPosition(entry: lastEntry, row: UInt32(number))
                )
            )
            values.append(row.value)
        }
    }

    private mutating func stage(_ random: inout SeededRandom) throws {
        if staged.isEmpty || Bool.random(using: &random) {
            let record = try store.beginImport(.test(view: view, options: "\(step)"), again: false)
            staged.append(Waiting(id: record.id))
        }
        let place = Int.random(in: staged.indices, using: &random)
        let new = random.rows(kind)
        let record = try store.importRecord(id: staged[place].id)
        _ = try store.stage(
            importID: record.id,
            chunk: record.nextChunk,
            rows: batch(new),
            layout: view.layout
        )
        for row in new {
            let number = UInt32(staged[place].rows.count)
            let staging = Naive.Row(
                key: row.key,
                event: time(row.event),
                created: row.created.map(time),
                position: LogPosition(entry: 0, row: number)
            )
            staged[place].rows.append((staging, row.value, step))
        }
    }

    private mutating func publish(_ random: inout SeededRandom) throws {
        guard !staged.isEmpty else { return }
        let done = staged.remove(at: .random(in: staged.indices, using: &random))
        lastEntry += 1
        try store.apply([
            .init(
                entry: lastEntry,
                recorded: time(recorded),
                change: .publish(importID: done.id)
            )
        ])
        for (row, value, stagingStep) in done.rows {
            var row = row
            row.position.entry = lastEntry
            rows.append(row)
            values.append(value)
            for deletion in hiding.deletions.indices
            where stagingStep < deletionSteps[deletion] && hiding.deletions[deletion].key == row.key
            {
                hiding.deletions[deletion].staged.insert(row.position)
            }
        }
    }

    private mutating func retract(_ random: inout SeededRandom) throws {
        let first = UInt64.random(in: 1...lastEntry, using: &random)
        let last = UInt64.random(in: first...min(first + 2, lastEntry), using: &random)
        lastEntry += 1
        let piece = OfflineStore.LogPiece(
            entry: lastEntry,
            recorded: time(recorded),
            change: .retract(
                view: Bool.random(using: &random) ? view.id : nil,
                entries: first...last
            )
        )
        try store.apply([piece])
        hiding.retractions.append(.init(entry: lastEntry, hides: first...last))
    }

    private var recorded: Int64 { Int64(lastEntry) + 2 }

    private func batch(_ rows: [RandomRow]) throws -> FeatureRows {
        try view.rows(
            rows.map {
                (
                    $0.key, $0.event, $0.created,
                    [
                        $0.value.map { .int64($0) } ?? .null,
                        $0.value.map { .string("text \($0)") } ?? .null,
                    ]
                )
            }
        )
    }
}

struct RandomRow {
    var key: EntityKey
    var event: Int64
    var created: Int64?
    var value: Int64?
}

extension SeededRandom {
    mutating func rows(_ kind: JoinAgainstOracleTests.KeyKind) -> [RandomRow] {
        (0..<Int.random(in: 1...6, using: &self)).map { _ in
            RandomRow(
                key: kind.randomKey(&self),
                event: .random(in: 0...6, using: &self),
                created: Bool.random(using: &self) ? nil : .random(in: 0...9, using: &self),
                value: Int.random(in: 0...3, using: &self) == 0
                    ? nil : .random(in: 1 << 40...1 << 50, using: &self)
            )
        }
    }
}

extension OfflineStore {
    func forget(_ entry: UInt64, _ key: EntityKey, _ view: FeatureView) throws {
        try apply([
            LogPiece(
                entry: entry,
                recorded: time(Int64(entry)),
                change: .forget(
                    entity: view.entity.id,
                    views: [view.id],
                    key: KeyCodec.encode(key),
                    keyHash: [UInt8(truncatingIfNeeded: entry)]
                )
            )
        ])
    }
}
