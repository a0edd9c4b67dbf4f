import Domain
import Follow
import Glibc
import Synchronization
import Tabular
import Wire

/// The command that is run for events, and what is said of each run.
struct EventCommand {
    let words: [String]
    /// Of its environment, beside the event's.
    let variables: [String: String]
    let retries: Int
    let pause: Duration
    let timeout: Duration?
    let json: Bool
    let stop = StopRequest()

    private static let longestPause = Duration.seconds(300)

    /// Runs it until it succeeds or all tries are used up; nil where it was stopped before.
    ///
    /// Whoever keeps what came of it calls `stop.rest()` then.
    func handle(_ event: WireRegistryEvent, follower: String) async -> CommandOutcome? {
        var pause = pause
        for attempt in 1...(retries + 1) {
            let begun = ContinuousClock.now
            guard let outcome = await once(event, follower, attempt) else { return nil }
            tell(event, outcome, attempt, ContinuousClock.now - begun)
            if outcome == .succeeded { return outcome }
            if outcome == .stopped || stop.isRequested { return nil }
            guard attempt <= retries else {
                giveUp(event, attempt)
                return outcome
            }
            stop.rest()
            if stop.isRequested { return nil }
            try? await Task.sleep(for: pause)  // nobody cancels it
            // What left its process group and is still there would run beside the next try.
            let left = Remains.end(of: follower, after: event.revision - 1)
            if left > 0 { Output.diagnostic("alula: ended \(counted(left, "process")) left of it") }
            pause = min(pause * 2, Self.longestPause)
        }
        return nil
    }

    private func once(
        _ event: WireRegistryEvent,
        _ follower: String,
        _ attempt: Int
    ) async -> CommandOutcome? {
        var environment = variables.merging(Self.fields(event)) { $1 }
        environment[Remains.followerVariable] = follower
        environment["ALULA_EVENT_TRY"] = String(attempt)
        do throws(AlulaError) {
            let input = Array((Self.json(event).text + "\n").utf8)
            // Before it is there: a wish to stop waits for it from here on.
            guard stop.prepare() else { return nil }
            defer { stop.end() }
            let run = try CommandRun(words, environment: environment, input: input)
            stop.begin(run)
            return await run.wait(timeout: timeout)
        } catch {
            return .notStarted(error.message)
        }
    }

    private func tell(
        _ event: WireRegistryEvent,
        _ outcome: CommandOutcome,
        _ attempt: Int,
        _ time: Duration
    ) {
        let seconds = Double(Int64(time / .milliseconds(1))) / 1_000
        guard json else {
            return Output.announcement(
                "\(Self.title(event)): \(outcome.text) in \(seconds) s"
                    + (attempt > 1 ? " (try \(attempt))" : "")
            )
        }
        Output.announcement(
            Self.line(event, attempt, outcome.word, outcome, [("seconds", .number(seconds))]).text
        )
    }

    private func giveUp(_ event: WireRegistryEvent, _ attempt: Int) {
        guard json else {
            return Output.announcement("\(Self.title(event)): given up after try \(attempt)")
        }
        Output.announcement(Self.line(event, attempt, "given up", nil, []).text)
    }

    private static func line(
        _ event: WireRegistryEvent,
        _ attempt: Int,
        _ word: String,
        _ outcome: CommandOutcome?,
        _ more: [(String, JSONValue)]
    ) -> JSONValue {
        .object(
            [
                ("id", .uint(event.revision)), ("event", .string(event.name)),
                ("model", .text(event.model)), ("version", version(event)),
                ("try", .int(Int64(attempt))), ("outcome", .string(word)),
                ("code", outcome?.code.map { .int(Int64($0)) } ?? .null),
            ] + more
        )
    }

    private static func title(_ event: WireRegistryEvent) -> String {
        let about = event.model.isEmpty ? event.subject : "\(event.model) version \(event.version)"
        return "\(event.revision) \(event.name) \(about)"
    }

    private static func version(_ event: WireRegistryEvent) -> JSONValue {
        event.version == 0 ? .null : .uint(UInt64(event.version))
    }

    private static func json(_ event: WireRegistryEvent) -> JSONValue {
        .object([
            ("id", .uint(event.revision)), ("event", .string(event.name)),
            ("time", .time(event.timeUs)), ("model", .text(event.model)),
            ("version", version(event)), ("stage", .text(event.stage)),
            ("other", .text(event.other)), ("alias", .text(event.alias)),
            ("view", .text(event.view)), ("subject", .text(event.subject)),
            ("detail", .text(event.detail)), ("by", .string(event.actor)),
        ])
    }

    /// Those that an event does not have are there, and empty.
    private static func fields(_ event: WireRegistryEvent) -> [String: String] {
        [
            Remains.eventVariable: String(event.revision), "ALULA_EVENT_NAME": event.name,
            "ALULA_EVENT_TIME": Timestamp.text(event.timeUs), "ALULA_EVENT_MODEL": event.model,
            "ALULA_EVENT_VERSION": event.version == 0 ? "" : String(event.version),
            "ALULA_EVENT_STAGE": event.stage, "ALULA_EVENT_OTHER": event.other,
            "ALULA_EVENT_ALIAS": event.alias, "ALULA_EVENT_VIEW": event.view,
            "ALULA_EVENT_SUBJECT": event.subject, "ALULA_EVENT_DETAIL": event.detail,
            "ALULA_EVENT_BY": event.actor,
        ]
    }
}

/// A wish to stop, and the command that runs meanwhile.
final class StopRequest: Sendable {
    private struct State {
        var isRequested = false
        var endsCommand = false
        /// A command is about to run, runs, or has just run and that is not on disk yet.
        var isBusy = false
        var running: CommandRun?
    }

    private let state = Mutex(State())

    var isRequested: Bool { state.withLock { $0.isRequested } }

    /// Exits where no command runs: all that was handled is on disk.
    func request(endCommand: Bool) {
        let running = state.withLock { state in
            state.isRequested = true
            if endCommand { state.endsCommand = true }
            if !state.isBusy { exit(0) }
            return state.running
        }
        if endCommand { running?.stop() }
    }

    /// Called before a command is started; false where it is too late for one.
    func prepare() -> Bool {
        state.withLock { state in
            guard !state.isRequested else { return false }
            state.isBusy = true
            return true
        }
    }

    func begin(_ run: CommandRun) {
        let endsCommand = state.withLock { state in
            state.running = run
            return state.endsCommand
        }
        if endsCommand { run.stop() }
    }

    /// The command has ended; a wish waits for what comes of it.
    func end() { state.withLock { $0.running = nil } }

    /// Nothing runs, and all that was handled is on disk: a wish to stop is met at once from here on.
    func rest() { state.withLock { $0.isBusy = false } }
}

extension CommandOutcome {
    fileprivate var word: String {
        switch self {
        case .succeeded: "succeeded"
        case .failed, .ended: "failed"
        case .timedOut: "timed out"
        case .stopped: "stopped"
        case .notStarted: "not started"
        }
    }

    fileprivate var text: String {
        switch self {
        case .succeeded: "succeeded"
        case .failed(let code): "failed with \(code)"
        case .ended(let signal): "ended by signal \(signal)"
        case .timedOut: "timed out, ended"
        case .stopped: "stopped"
        case .notStarted(let reason): "not started, \(reason),"
        }
    }

    /// As a shell has it.
    fileprivate var code: Int32? {
        switch self {
        case .succeeded: 0
        case .failed(let code): code
        case .ended(let signal): 128 + signal
        case .timedOut, .stopped, .notStarted: nil
        }
    }
}
