import Client
import Domain
import Follow
import Synchronization
import Wire

/// Follows the events of a server, and moves its cursor behind what was handled.
struct Following {
    struct Wanted {
        var pattern: EventPattern
        /// Empty: all.
        var model: String
        var stage: String?

        func includes(_ event: WireRegistryEvent) -> Bool {
            pattern.matches(event.name) && stage.map { $0 == event.stage } ?? true
        }
    }

    let client: AlulaClient
    let wanted: Wanted
    let commands: EventCommand
    let stopOnFailure: Bool

    /// A server says every five seconds that it lives.
    private static let silence = Duration.seconds(30)
    private static let longestPause = Duration.seconds(10)

    /// Goes on until it is stopped, over lost connections and restarts of the server.
    func run(_ file: FollowFile, after: UInt64?) async throws {
        var state = try file.read()
        if let state {
            let left = Remains.end(of: state.follower, after: state.revision)
            if left > 0 {
                Output.diagnostic("alula: ended \(counted(left, "process")) left of a command")
            }
        } else if let after {
            state = try Self.begin(after, file)
        }
        if let state { Self.say(state, file) }
        while !commands.stop.isRequested {
            let found = try await next(state?.revision) { revision in
                if state == nil {
                    state = try Self.begin(revision, file)
                    Self.say(state, file)
                } else if let from = state?.revision, revision > from {
                    state?.revision = revision
                    if let state { try file.write(state) }
                }
            }
            for event in found {
                guard var moved = state else { break }
                guard let outcome = await commands.handle(event, follower: moved.follower) else {
                    return
                }
                if outcome != .succeeded {
                    guard !stopOnFailure else { throw Refused() }
                    moved.givenUp += 1
                }
                moved.revision = event.revision
                try file.write(moved)
                commands.stop.rest()
                state = moved
            }
        }
    }

    private static func begin(
        _ revision: UInt64,
        _ file: FollowFile
    ) throws(AlulaError) -> FollowState {
        let state = try FollowState(revision: revision)
        try file.write(state)
        return state
    }

    private static func say(_ state: FollowState?, _ file: FollowFile) {
        guard let state else { return }
        Output.diagnostic(
            "alula: following behind revision \(state.revision), kept in \(file.path)"
        )
    }

    /// Waits for events that are wanted; none is lost where the connection is.
    ///
    /// No call is open while a command runs, however long: events wait in the server, as rows.
    /// `passed` gets a revision up to which there was nothing to do.
    private func next(
        _ after: UInt64?,
        _ passed: @escaping (UInt64) throws -> Void
    ) async throws -> [WireRegistryEvent] {
        var from = after
        var pause = Duration.milliseconds(200)
        while true {
            let heard = Heard()
            let watchdog = Task { [client] in
                while heard.silence < Self.silence { try await Task.sleep(for: .seconds(5)) }
                // Every call on it ends, and the next one connects anew.
                heard.giveUp()
                await client.close()
            }
            defer { watchdog.cancel() }
            do {
                var found: [WireRegistryEvent] = []
                try await client.watch(model: wanted.model, after: from) { told in
                    heard.note()
                    switch told {
                    case .event(let event):
                        if wanted.includes(event) { found.append(event) }
                        return true
                    case .missed: return false  // another watch has them
                    case .through(let revision):
                        guard found.isEmpty else { return false }
                        try passed(revision)
                        from = revision
                        pause = .milliseconds(200)
                        return true
                    }
                }
                if !found.isEmpty { return found }
            } catch let error as AlulaError where error.retry == .sameRequest || heard.hasGivenUp {
                if pause >= .milliseconds(800), pause < .milliseconds(1_600) {
                    Output.diagnostic("alula: \(error.message); trying again")
                }
                try await Task.sleep(for: pause)
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }

    /// When the server last said something.
    private final class Heard: Sendable {
        private let last = Mutex(ContinuousClock.now)
        private let isOver = Mutex(false)

        var silence: Duration { last.withLock { ContinuousClock.now - $0 } }
        var hasGivenUp: Bool { isOver.withLock { $0 } }

        func note() { last.withLock { $0 = .now } }
        func giveUp() { isOver.withLock { $0 = true } }
    }
}
