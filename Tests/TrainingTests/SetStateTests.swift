import Domain
import Testing

@testable import Training

/// The counts of a view: matched, expired, not found, null keys, late.
private typealias Counts = [UInt64]

struct SetStateTests {
    private let first: FeatureView
    private let second: FeatureView
    private let plan: FeaturePlan
    private let digests: [ContentDigest]

    init() throws {
        first = try FeatureView.test(id: 1)
        second = try FeatureView.test(id: 2, features: [(2, "other", .int64)])
        plan = try FeaturePlan.test([first.part(), second.part()])
        digests = try ["00", "11"].map {
            try ContentDigest(hex: String(repeating: $0, count: 32))
        }
    }

    private func reports(_ counts: [Counts]) -> [ViewReport] {
        zip(plan.views, counts).map { part, counts in
            var report = ViewReport(label: part.label, view: part.view.name)
            report.matched = counts[0]
            report.expired = counts[1]
            report.notFound = counts[2]
            report.nullKeys = counts[3]
            report.late = counts[4]
            if report.matched > 0 { (report.oldestEvent, report.newestEvent) = (time(1), time(9)) }
            return report
        }
    }

    private func state(
        from before: [Counts],
        to after: [Counts],
        removals: [SetRemoval],
        blanked: UInt64 = 0,
        sameDigest: Bool = false
    ) throws -> SetState {
        var record = try Scratch().make(
            plan,
            .test([("id", .int64, []), ("when", .timestamp, [])])
        ).record
        record.digest = digests[0]
        record.reports = reports(before)
        record.blankedRows = blanked
        return SetState.of(
            record,
            remadeWith: digests[sameDigest ? 0 : 1],
            reports(after),
            plan: plan,
            removals: removals
        )
    }

    private func lost(_ losses: [(String, UInt64, [UInt64])], blanked: UInt64 = 0) -> SetState {
        .incomplete(
            SetLosses(
                views: losses.map { .init(label: $0.0, values: $0.1, logEntries: $0.2) },
                blankedRows: blanked
            )
        )
    }

    /// Each row: counts of the two views before and after, removals, blanked rows, what it is.
    @Test func `what became of a set is decided from its counts`() throws {
        let same: Counts = [5, 2, 3, 0, 1]
        let entity1 = SetRemoval(logEntry: 40, target: .entity(EntityID(1)))
        let view1 = SetRemoval(logEntry: 41, target: .view(FeatureViewID(1)))
        let view2 = SetRemoval(logEntry: 42, target: .view(FeatureViewID(2)))
        let other = SetRemoval(logEntry: 43, target: .view(FeatureViewID(3)))
        let damaged = SetState.damaged
        let cases: [(after: [Counts], [SetRemoval], blanked: UInt64, SetState)] = [
            ([same, same], [], 0, damaged), ([same, same], [entity1], 0, damaged),
            ([[4, 2, 4, 0, 1], same], [entity1], 0, lost([("view1", 1, [40])])),
            ([[0, 0, 10, 0, 0], same], [entity1, view1], 0, lost([("view1", 5, [40, 41])])),
            ([[4, 2, 4, 0, 1], same], [], 0, damaged),
            ([[4, 2, 4, 0, 1], same], [other], 0, damaged),
            ([[4, 2, 4, 0, 1], same], [view2], 0, damaged),
            (
                [[4, 2, 4, 0, 0], [3, 0, 7, 0, 1]], [view1, view2], 0,
                lost([("view1", 1, [41]), ("view2", 2, [42])])
            ),
            // More than before, or moved where nothing could have moved it.
            ([[6, 2, 2, 0, 1], same], [entity1], 0, damaged),
            ([[4, 3, 3, 0, 1], same], [entity1], 0, damaged),
            ([[4, 2, 4, 0, 2], same], [entity1], 0, damaged),
            ([[4, 2, 3, 1, 1], same], [entity1], 0, damaged),
            ([[4, 2, 3, 0, 1], same], [entity1], 0, damaged),
            ([[4, 2, 4, 0, 1], [5, 2, 3, 0, 0]], [entity1], 0, damaged),
            // Blanked rows take from views of other entities too.
            (
                [[4, 2, 3, 1, 1], [4, 2, 3, 1, 1]], [entity1], 1,
                lost([("view1", 1, [40]), ("view2", 1, [])], blanked: 1)
            ),
            ([[5, 2, 2, 1, 1], [5, 1, 3, 1, 1]], [entity1], 1, lost([], blanked: 1)),
            ([[4, 2, 3, 1, 1], [4, 2, 4, 0, 1]], [entity1], 1, damaged),
            ([[3, 2, 3, 2, 1], same], [entity1], 1, damaged),
        ]
        for (after, removals, blanked, expected) in cases {
            let found = try state(
                from: [same, same],
                to: after,
                removals: removals,
                blanked: blanked
            )
            #expect(found == expected, "\(after) \(removals) \(blanked)")
            #expect(
                try state(
                    from: [same, same],
                    to: after,
                    removals: removals,
                    blanked: blanked,
                    sameDigest: true
                ) == .complete
            )
        }
        #expect(try state(from: [same, same], to: [same], removals: [entity1]) == damaged)
    }
}
