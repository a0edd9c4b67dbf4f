import Client
import Domain
import Wire

/// Performance in windows that make lines of some dozen points.
struct OverTime {
    let client: AlulaClient
    /// What is asked, but for its window.
    let request: WirePerformanceRequest
    /// The server's clock is near this one's; where nothing is said, the span ends with what there is.
    private static let lengths: [Int64] = [
        1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 172_800,
        604_800, 1_209_600, 2_419_200, 7_257_600, 29_030_400,
    ].map { $0 * 1_000_000 }
    private static let points: Int64 = 40
    private static let fewest: Int64 = 12

    /// Of windows of one length; 0 finds one that fits what is there.
    func found(window: Int64) async throws -> WirePerformance {
        guard window == 0 else { return try await ask(window) }
        var window =
            request.hasSinceUs && request.hasUntilUs
            ? Self.length(for: request.untilUs - request.sinceUs) : 2_419_200 * 1_000_000
        while true {
            let found = try await ask(window)
            let starts = found.slices.filter(\.hasSinceUs).map(\.sinceUs)
            guard let first = starts.min(), let last = starts.max() else { return found }
            let count = (last - first) / window + 1
            let better = Self.length(for: count * window)
            guard count < Self.fewest, better < window else { return found }
            window = better
        }
    }

    /// So that a span has no more points than fit.
    private static func length(for span: Int64) -> Int64 {
        lengths.first { $0 * points >= span } ?? lengths[lengths.count - 1]
    }

    private func ask(_ window: Int64) async throws -> WirePerformance {
        var request = request
        request.windowUs = window
        return try await client.performance(request)
    }
}
