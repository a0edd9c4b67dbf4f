import Artifacts
import Codec
import Domain
import TestSupport
import Testing

@testable import Training

struct LossTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `a set says exactly what it has lost, view by view, in random worlds`(seed: UInt64) throws
    {
        let world = try LossWorld(seed: seed)
        for step in 0..<40 {
            switch step {
            case 5, 12, 13, 20, 30: for _ in 0..<2 { try world.make() }
            case 15, 22, 31, 38: try world.forget()
            case 18, 28, 35: try world.retire()
            default: try world.push()
            }
        }
        for set in world.sets { try check(set, in: world) }
    }

    private func check(_ set: LossWorld.Made, in world: LossWorld) throws {
        var batches: [RecordBatch] = []
        let remade = try world.scratch.sets.remake(
            set.record,
            plan: world.plan,
            emit: { batches.append(try BatchCodec.decode($1.bytes(), schema: $0)) },
            isCancelled: { false }
        )
        let after = world.answers(set.spine, through: set.record.logEntry)
        let since = world.removals.filter { $0.logEntry > set.record.logEntry }
        var expected = SetLosses(
            views: [],
            blankedRows: UInt64(set.spine.count { $0.isBlanked })
        )
        for (part, pair) in zip(set.before, after).enumerated() {
            let changed = zip(pair.0, pair.1).filter { $0 != $1 }
            #expect(changed.allSatisfy { $1.value == nil }, "no row takes the place of another")
            let lost = changed.count { $0.0.value != nil }
            guard lost > 0 else { continue }
            let view = world.plan.views[part].view
            let targets: [SetRemoval.Target] = [.entity(view.entity.id), .view(view.id)]
            expected.views.append(
                .init(
                    label: world.plan.views[part].label,
                    values: UInt64(lost),
                    logEntries: since.filter { targets.contains($0.target) }.map(\.logEntry)
                )
            )
        }
        let state = try world.scratch.sets.state(of: set.record, remade: remade, plan: world.plan)
        let isComplete = expected.views.isEmpty && expected.blankedRows == 0
        #expect(state == (isComplete ? .complete : .incomplete(expected)))
        #expect((remade.digest == set.record.digest) == isComplete)
        checkAnswer(batches, set, after, of: world)
    }

    /// Every row is where it was, blanked ones with nothing in them, the others with all they had
    /// but what was lost.
    private func checkAnswer(
        _ batches: [RecordBatch],
        _ set: LossWorld.Made,
        _ after: [[NaivePointInTimeJoin.Answer]],
        of world: LossWorld
    ) {
        func values(_ name: String) -> [FeatureValue] { batches.flatMap { $0.values(name) } }
        let blanked = set.spine.map(\.isBlanked)
        #expect(
            values("number") == blanked.enumerated().map { $1 ? .null : .int64(Int64($0)) }
        )
        for name in ["flag", "items", "pair"] {
            #expect(values(name).map { $0 == .null } == blanked)
        }
        for (name, rows) in zip(["from__x", "to__x", "y", "z"], after) {
            #expect(
                values(name) == rows.map { answer in answer.value.map { .int64($0) } ?? .null }
            )
        }
    }

    @Test func `keys are found in every page of a long spine, and in no other column`() throws {
        let scratch = try Scratch()
        let view = try FeatureView.test(keys: [("id", .bytes)])
        let plan = try FeaturePlan.test([view.part(role: "r", keys: ["who"])])
        let count = 3 * 1_024 + 17
        let secret = Array("the secret key".utf8)
        let spine = try RecordBatch.test([
            ("note", .bytes, (0..<count).map { $0 % 5 == 0 ? .bytes(secret) : .null }),
            (
                "who", .bytes,
                (0..<count).map { $0 % 1_000 == 3 ? .bytes(secret) : .bytes([UInt8($0 % 250)]) }
            ), ("when", .timestamp, (0..<count).map { .timestamp(time(Int64($0))) }),
        ])
        let made = try scratch.make(plan, spine)
        let blanked = try #require(
            try scratch.sets.blankSpine(
                of: made.record,
                plan: plan,
                entity: view.entity.id,
                key: EntityKey([.bytes(secret)])
            )
        )
        #expect(blanked.rows == 4)
        var pages: [RecordBatch] = []
        try SpineFileReader.read(blanked.artifact, in: scratch.artifacts) { pages.append($0) }
        #expect(pages.map(\.rowCount) == [1_024, 1_024, 1_024, 17])
        let gone = (0..<count).map { $0 % 1_000 == 3 }
        for name in ["note", "who", "when"] {
            let kept = zip(spine.values(name), gone).map { $1 ? .null : $0 }
            #expect(pages.flatMap { $0.values(name) } == kept)
        }
        let none = try scratch.sets.blankSpine(
            of: made.record,
            plan: plan,
            entity: EntityID(99),
            key: EntityKey([.bytes(secret)])
        )
        #expect(none == nil, "the service reads no view of that entity")
    }

    @Test func `the bytes of a blanked key are not in the new spine`() throws {
        let scratch = try Scratch()
        let view = try FeatureView.test(keys: [("s", .string), ("n", .int64)])
        let plan = try FeaturePlan.test([view.part()])
        let spine = try RecordBatch.test([
            ("s", .string, [.string("unique text"), .string("unique"), .string("text")]),
            ("n", .float64, [.float64(7), .float64(7), .float64(.nan)]),
            ("when", .timestamp, [.timestamp(time(1)), .null, .null]),
        ])
        let made = try scratch.make(plan, spine)
        let blanked = try #require(
            try scratch.sets.blankSpine(
                of: made.record,
                plan: plan,
                entity: view.entity.id,
                key: EntityKey([.string("unique text"), .int64(7)])
            )
        )
        func text(_ digest: ContentDigest) throws -> String {
            var bytes: [UInt8] = []
            try scratch.artifacts.read(digest, chunkBytes: 100) { bytes += $0 }
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(try text(made.record.spineArtifact).contains("unique text"))
        #expect(try !text(blanked.artifact).contains("unique text"))
        #expect(try text(blanked.artifact).contains("unique"))
        #expect(blanked.rows == 1)
    }
}

extension NaivePointInTimeJoin.Answer {
    /// What was matched.
    fileprivate var value: Int64? {
        guard case .matched(let value) = self else { return nil }
        return Int64(value)
    }
}
