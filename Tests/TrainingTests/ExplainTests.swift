import Domain
import Offline
import TestSupport
import Testing

@testable import Training

struct ExplainTests {
    @Test func `one row is explained view by view, with what won and what lost`() throws {
        let scratch = try Scratch()
        let first = try FeatureView.test(id: 1, lookback: TimeSpan(microseconds: 10))
        var second = try FeatureView.test(id: 2, features: [(2, "other", .int64)])
        second.entity = first.entity
        let plan = try FeaturePlan.test([
            first.part(), first.part(role: "to", keys: ["target"]),
            second.part(role: "none", keys: ["target"]), first.part(role: "old", keys: ["late"]),
        ])
        try scratch.push(
            1,
            first,
            [
                (1, 5, 1, [.int64(0)]), (1, 10, 1, [.int64(1)]), (1, 20, 9, [.int64(2)]),
                (1, 20, 8, [.int64(3)]), (1, 21, 1, [.int64(4)]), (3, 1, 1, [.int64(5)]),
            ]
        )
        try scratch.push(2, first, [(1, 20, 9, [.int64(6)]), (1, 15, 50, [.int64(7)])])
        let row = try RecordBatch.test([
            ("id", .int32, [.int32(1)]), ("target", .float64, [.float64(.nan)]),
            ("late", .int64, [.int64(3)]), ("when", .timestamp, [.timestamp(time(20))]),
        ])
        let parts = try scratch.sets.explain(
            row,
            eventTime: "when",
            plan: plan,
            scope: JoinScope(through: 2)
        )
        #expect(parts.map(\.label) == ["view1", "to", "none", "old"])
        #expect(parts.map(\.status) == [.matched, .nullKey, .nullKey, .expired])
        #expect(parts.map(\.view.id.number) == [1, 1, 2, 1])
        #expect(parts[1].history == nil && parts[2].history == nil)
        #expect(parts.map { $0.lookback?.microseconds } == [10, 10, nil, 10])
        let history = try #require(parts[0].history)
        let values = (0..<history.rows.count).map { history.rows.features[0][$0] }
        #expect(
            zip(values, history.verdicts).filter { $1 == "taken" }.map(\.0) == [.int64(6)]
        )
        #expect(values == [0, 1, 7, 3, 2, 6, 4].map { .int64($0) })
        #expect(parts[3].history?.verdicts.count == 1)
        let earlier = try scratch.sets.explain(
            row,
            eventTime: "when",
            plan: plan,
            scope: JoinScope(through: 1)
        )
        #expect(earlier[0].history?.rows.count == 5)
        #expect(earlier[0].history?.verdicts.filter { $0 == "taken" }.count == 1)
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `what is explained is what a set takes, in random worlds`(seed: UInt64) throws {
        let world = try LossWorld(seed: seed)
        for step in 0..<20 {
            if step % 7 == 6 { try world.forget() } else { try world.push() }
        }
        for _ in 0..<3 { try world.make() }
        for set in world.sets {
            let spine = try world.batch(set.spine)
            for row in 0..<spine.rowCount {
                let parts = try world.scratch.sets.explain(
                    spine.slice(row..<row + 1),
                    eventTime: "when",
                    plan: world.plan,
                    scope: JoinScope(through: set.record.logEntry)
                )
                for (part, answers) in zip(parts, set.before) { check(part, answers[row]) }
            }
        }
    }

    private func check(_ part: ExplainedPart, _ expected: NaivePointInTimeJoin.Answer) {
        let taken = part.history.map { history in
            (0..<history.rows.count).filter { history.verdicts[$0] == "taken" }
                .map { history.rows.features[0][$0] }
        }
        switch expected {
        case .matched(let value):
            #expect(part.status == .matched && taken == [.int64(Int64(value))])
        case .nullKey: #expect(part.status == .nullKey && taken == nil)
        case .notFound: #expect(part.status == .notFound && taken == [])
        case .expired: #expect(part.status == .expired && taken == [])
        }
    }

    @Test func `two rows, or a row without its columns, are refused`() throws {
        let scratch = try Scratch()
        let plan = try FeaturePlan.test([FeatureView.test().part()])
        func code(_ row: RecordBatch) -> AlulaError.Code? {
            #expect(throws: AlulaError.self) {
                try scratch.sets.explain(
                    row,
                    eventTime: "when",
                    plan: plan,
                    scope: JoinScope(through: 0)
                )
            }?.code
        }
        let two = try RecordBatch.test([
            ("id", .int64, [.int64(1), .int64(2)]), ("when", .timestamp, [.null, .null]),
        ])
        #expect(code(two) == .invalidArgument)
        #expect(code(try .test([("when", .timestamp, [.null])])) == .invalidArgument)
    }
}
