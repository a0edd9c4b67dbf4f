import Codec
import Domain
import Offline
import TestSupport
import Testing

@testable import Training

/// Two entities, three views of which one is taken in two roles, random history and random sets
/// over it; and beside it plain arrays from which every answer can be worked out by hand.
final class LossWorld {
    struct Row {
        var view: Int
        var key: EntityKey
        var event: Int64
        var position: LogPosition
        /// Unique, so that a lost row shows in the digest.
        var value: Int64

        var naive: NaivePointInTimeJoin.Row {
            .init(key: key, event: time(event), created: time(event), position: position)
        }
    }

    /// A row of a spine: for each key column its value.
    struct SpineRow {
        var keys: [FeatureValue]
        var when: Int64?
        var isBlanked = false
    }

    struct Made {
        var record: TrainingSetRecord
        var spine: [SpineRow]
        /// For each part and each row of the spine the row it was joined with.
        var before: [[NaivePointInTimeJoin.Answer]]
    }

    let scratch: Scratch
    let views: [FeatureView]
    let plan: FeaturePlan
    /// For each part of the plan its view and its key columns, by index.
    let parts: [(view: Int, keys: [Int])] = [(0, [0]), (0, [1]), (1, [0]), (2, [2, 3])]
    private(set) var rows: [Row] = []
    private(set) var sets: [Made] = []
    private(set) var removals: [SetRemoval] = []
    private(set) var entry: UInt64 = 0
    private var nextValue: Int64 = 0
    private var random: SeededRandom

    init(seed: UInt64) throws {
        random = SeededRandom(seed: seed)
        scratch = try Scratch()
        var other = try FeatureView.test(
            id: 2,
            features: [(2, "y", .int64)],
            lookback: TimeSpan(microseconds: 8)
        )
        let first = try FeatureView.test(id: 1, features: [(1, "x", .int64)])
        other.entity = first.entity
        let pair = try FeatureView.test(
            id: 3,
            keys: [("s", .string), ("n", .int64)],
            features: [(3, "z", .int64)]
        )
        views = [first, other, pair]
        plan = try FeaturePlan.test([
            first.part(role: "from", keys: ["a"]), first.part(role: "to", keys: ["b"]),
            other.part(keys: ["a"]), pair.part(),
        ])
    }

    private func key(ofView view: Int) -> EntityKey {
        let number = Int64.random(in: 0...4, using: &random)
        guard view == 2 else { return EntityKey([.int64(number)]) }
        return EntityKey([
            .string(["1", "11", "secret\0key"].randomElement(using: &random) ?? ""),
            .int64(number / 2),
        ])
    }

    /// Some rows of one view under one log entry.
    func push() throws {
        entry += 1
        let view = Int.random(in: 0...2, using: &random)
        let fresh = (0..<Int.random(in: 1...12, using: &random)).map { number in
            Row(
                view: view,
                key: key(ofView: view),
                event: Int64.random(in: 0...30, using: &random),
                position: LogPosition(entry: entry, row: UInt32(number)),
                value: nextValue + Int64(number)
            )
        }
        rows += fresh
        nextValue += Int64(fresh.count)
        let keys = try views[view].entity.keys.enumerated().map { part, key in
            try Column(key.type.valueType, fresh.map { Self.value($0.key.parts[part]) })
        }
        let events = try Column(.timestamp, fresh.map { .timestamp(time($0.event)) })
        let pushed = FeatureRows(
            view: views[view].id,
            schemaVersion: 1,
            keys: keys,
            event: events,
            created: events,
            features: [try Column(.int64, fresh.map { .int64($0.value) })]
        )
        try apply(.rows(pushed, layout: views[view].layouts[0]))
    }

    private func apply(_ change: OfflineStore.LogPiece.Change) throws {
        try scratch.offline.apply([
            .init(entry: entry, recorded: time(1_000 + Int64(entry)), change: change)
        ])
    }

    private static func value(_ part: KeyPart) -> FeatureValue {
        switch part {
        case .int64(let number): .int64(number)
        case .string(let text): .string(text)
        case .bytes(let bytes): .bytes(bytes)
        }
    }

    /// A set of a random spine, as of a random log entry.
    func make(rowCount: Int? = nil) throws {
        let count = rowCount ?? Int.random(in: 0...20, using: &random)
        let spine = (0..<count).map { _ in
            let (single, pair) = (key(ofView: 0), key(ofView: 2))
            let values =
                [single, key(ofView: 0)].map { Self.value($0.parts[0]) }
                + pair.parts.map(Self.value)
            return SpineRow(
                keys: values.map { Int.random(in: 0...7, using: &random) == 0 ? .null : $0 },
                when: Int.random(in: 0...9, using: &random) == 0
                    ? nil : Int64.random(in: 0...35, using: &random)
            )
        }
        let through = UInt64.random(in: 0...entry, using: &random)
        let made = try scratch.make(plan, try batch(spine), through: through)
        sets.append(
            Made(record: made.record, spine: spine, before: answers(spine, through: through))
        )
    }

    /// Key columns of several types, with null as NaN where that is one, and columns that are
    /// carried along.
    func batch(_ spine: [SpineRow]) throws -> RecordBatch {
        func column(_ index: Int, _ turn: (Int64) -> FeatureValue) -> [FeatureValue] {
            spine.map { row in
                guard case .int64(let number) = row.keys[index] else { return row.keys[index] }
                return turn(number)
            }
        }
        let floats = column(0) { .float64(Double($0)) }.map {
            $0 == .null ? .float64(.nan) : $0
        }
        let times = spine.map { $0.when.map { FeatureValue.timestamp(time($0)) } ?? .null }
        let numbers = spine.indices.map { FeatureValue.int64(Int64($0)) }
        return try .test([
            ("number", .int64, numbers), ("a", .float64, floats),
            ("b", .int32, column(1) { .int32(Int32($0)) }),
            ("s", .string, spine.map { $0.keys[2] }), ("n", .int64, spine.map { $0.keys[3] }),
            ("when", .timestamp, times),
            ("flag", .bool, spine.indices.map { .bool($0 % 2 == 0) }),
            ("items", .list(.string), spine.indices.map { .list([.string("i\($0)")]) }),
            (
                "pair", .fixedList(.int32, length: 2),
                spine.indices.map { _ in
                    .list([.int32(1), .int32(2)])
                }
            ),
        ])
    }
}

/// What comes out, worked out by hand.
extension LossWorld {
    func key(_ row: SpineRow, part: Int) -> EntityKey? {
        guard !row.isBlanked else { return nil }
        let parts = parts[part].keys.compactMap { index -> KeyPart? in
            switch row.keys[index] {
            case .int64(let number): .int64(number)
            case .string(let text): .string(text)
            default: nil
            }
        }
        return parts.count == self.parts[part].keys.count ? EntityKey(parts) : nil
    }

    /// Answers name rows by their value.
    func answers(_ spine: [SpineRow], through: UInt64) -> [[NaivePointInTimeJoin.Answer]] {
        parts.indices.map { part in
            let rows = rows.filter { $0.view == parts[part].view }
            return spine.map { row in
                let answer = NaivePointInTimeJoin.answer(
                    key: key(row, part: part),
                    time: row.isBlanked ? nil : row.when.map(time),
                    in: rows.map(\.naive),
                    lookback: plan.views[part].lookback,
                    through: through,
                    asKnown: false
                )
                guard case .matched(let index) = answer else { return answer }
                return .matched(Int(rows[index].value))
            }
        }
    }

    /// Forgets a key of the entity of a view: in history, and in the spine of every set.
    func forget() throws {
        let view = Int.random(in: 0...2, using: &random)
        let key = key(ofView: view)
        let entity = views[view].entity
        entry += 1
        let forgotten = views.filter { $0.entity.id == entity.id }.map(\.id)
        try apply(
            .forget(
                entity: entity.id,
                views: forgotten,
                key: KeyCodec.encode(key),
                keyHash: [UInt8](repeating: 7, count: 32)
            )
        )
        rows.removeAll { views[$0.view].entity.id == entity.id && $0.key == key }
        removals.append(SetRemoval(logEntry: entry, target: .entity(entity.id)))
        for index in sets.indices { try blank(key, of: entity.id, set: index) }
    }

    /// Takes the oldest rows of the keys of a view, by age or by count.
    func retire() throws {
        let view = Int.random(in: 0...2, using: &random)
        let cutoff = Int64.random(in: 0...20, using: &random)
        let most = Int.random(in: 1...3, using: &random)
        var rule = RetentionRule(age: TimeSpan(microseconds: 1_000), rowsPerKey: most)
        switch Int.random(in: 0...2, using: &random) {
        case 0: rule.age = nil
        case 1: rule.rowsPerKey = nil
        default: break
        }
        let staged = try scratch.offline.stageRetention(
            views[view],
            rule,
            now: time(1_000 + cutoff),
            isCancelled: { false },
            progress: { _, _ in }
        )
        let taken = oldest(rule.rowsPerKey ?? .max, since: rule.age.map { _ in cutoff }, of: view)
        #expect(staged?.rowsTaken ?? 0 == UInt64(taken.count))
        guard let staged else { return }
        entry += 1
        try apply(.retire(view: views[view].id, merge: staged.merge))
        rows.removeAll { taken.contains($0.value) }
        removals.append(SetRemoval(logEntry: entry, target: .view(views[view].id)))
    }

    /// The values of the rows of a view that are not among the newest of their key, or too old.
    private func oldest(_ most: Int, since cutoff: Int64?, of view: Int) -> Set<Int64> {
        let keys = Dictionary(grouping: rows.filter { $0.view == view }, by: \.key)
        let taken = keys.values.flatMap { rows in
            let newestFirst = rows.sorted { ($1.event, $1.position) < ($0.event, $0.position) }
            return newestFirst.enumerated().filter { index, row in
                index >= most || cutoff.map { row.event < $0 } ?? false
            }.map(\.element.value)
        }
        return Set(taken)
    }

    private func blank(_ forgotten: EntityKey, of entity: EntityID, set index: Int) throws {
        var expected: UInt64 = 0
        for row in sets[index].spine.indices {
            let isAbout = parts.indices.contains { part in
                views[parts[part].view].entity.id == entity
                    && key(sets[index].spine[row], part: part) == forgotten
            }
            guard isAbout else { continue }
            expected += 1
            sets[index].spine[row].isBlanked = true
        }
        let record = sets[index].record
        func blanked() throws -> (artifact: ContentDigest, rows: UInt64)? {
            try scratch.sets.blankSpine(
                of: sets[index].record,
                plan: plan,
                entity: entity,
                key: forgotten
            )
        }
        let found = try blanked()
        #expect(found?.rows ?? 0 == expected)
        guard let found else { return }
        #expect(try blanked() ?? (record.spineArtifact, 0) == found, "the same again")
        sets[index].record.spineArtifact = found.artifact
        sets[index].record.blankedRows += found.rows
        #expect(try blanked() == nil, "nothing is left to blank")
    }
}
