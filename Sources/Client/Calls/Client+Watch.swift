import Domain
package import Wire

/// What a watch tells.
package enum WatchItem: Sendable {
    case event(WireRegistryEvent)
    /// So many events up to the revision were not told, because this client took too long.
    case missed(UInt64, through: UInt64)
    /// Everything asked for up to the revision was told, events or none.
    case through(UInt64)
}

extension AlulaClient {
    /// Tells the events of a model, or of all, in their order until `tell` returns false: those
    /// behind a revision, or those from now on.
    ///
    /// Where the connection is lost, it goes on behind the last event that was told, without a gap
    /// or a repeat, for as long as a server answers within a minute.
    package func watch(
        model: String = "",
        after revision: UInt64? = nil,
        _ tell: @escaping (WatchItem) async throws -> Bool
    ) async throws {
        var request = WireWatchRequest()
        request.model = model
        request.after = revision ?? 0
        request.fromNow = revision == nil
        let lost = Lost()
        while true {
            do {
                try await watchOnce(&request, lost, tell)
                return
            } catch is Stopped {
                return
            } catch let error as AlulaError where error.code == .unavailable {
                // Until the first item nobody knows where now was.
                guard lost.mayRetry else { throw error }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    private func watchOnce(
        _ request: inout WireWatchRequest,
        _ lost: Lost,
        _ tell: @escaping (WatchItem) async throws -> Bool
    ) async throws {
        var next = request
        defer { request = next }
        _ = try await stream(
            .watch,
            request,
            isRepeatable: false,
            answer: WireEmpty.self
        ) { (item: WireRegistryEvents, _) in
            lost.answered()
            for event in item.events where next.fromNow || event.revision > next.after {
                next.after = event.revision
                next.fromNow = false
                guard try await tell(.event(event)) else { throw Stopped() }
            }
            next.after = item.revision
            next.fromNow = false
            if item.missed > 0 {
                guard try await tell(.missed(item.missed, through: item.revision)) else {
                    throw Stopped()
                }
            }
            guard try await tell(.through(item.revision)) else { throw Stopped() }
        }
    }

    private struct Stopped: Error {}

    /// Since when no server has answered.
    private final class Lost {
        private var last = ContinuousClock.now
        private var hasAnswered = false

        var mayRetry: Bool { hasAnswered && ContinuousClock.now - last < .seconds(60) }

        func answered() {
            hasAnswered = true
            last = .now
        }
    }
}
