import Domain
import Online
import Synchronization

/// How the rows that reads asked for were found, by view.
///
/// Each desk counts in a place of its own, so that threads share no lock but with whoever sums.
final class ReadCounts: Sendable {
    struct Count: Sendable, Equatable {
        var present: UInt64 = 0
        var expired: UInt64 = 0
        var notFound: UInt64 = 0

        static func += (sum: inout Count, other: Count) {
            sum.present &+= other.present
            sum.expired &+= other.expired
            sum.notFound &+= other.notFound
        }
    }

    final class Lane: Sendable {
        fileprivate let counts = Mutex<[FeatureViewID: Count]>([:])

        /// Counts the rows that the lane of a desk has just found.
        func add(_ plan: ReadPlan, _ lane: ReadLane, rows: Int) {
            counts.withLock { counts in
                for (index, part) in plan.plan.views.enumerated() {
                    let (present, expired) = lane.counts(part: index)
                    counts[part.view.id, default: Count()] += Count(
                        present: UInt64(present),
                        expired: UInt64(expired),
                        notFound: UInt64(rows - present - expired)
                    )
                }
            }
        }
    }

    private let lanes = Mutex<[Lane]>([])

    func lane() -> Lane {
        let lane = Lane()
        lanes.withLock { $0.append(lane) }
        return lane
    }

    func sums() -> [FeatureViewID: Count] {
        lanes.withLock { $0 }.reduce(into: [:]) { sums, lane in
            for (view, count) in lane.counts.withLock({ $0 }) {
                sums[view, default: Count()] += count
            }
        }
    }
}
