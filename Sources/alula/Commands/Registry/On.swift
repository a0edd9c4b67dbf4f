import ArgumentParser
import Client
import Digest
import Domain
import Follow
import FoundationEssentials
import Glibc
import UnixSignals

struct On: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a command for each event, once or again until it succeeds.",
        usage: "alula on <event> [<options>] -- <command> ...",
        discussion: """
            The event is JSON on the command's standard input and in ALULA_EVENT_ID, _NAME, \
            _MODEL, _VERSION, _STAGE and others; what the command prints goes to standard error. \
            At least once: where this is killed while a command runs, the command is ended and run \
            again, with the same ALULA_EVENT_ID, when this is started again with the same state.

            Events: \(EventPattern.names.joined(separator: ", ")).
            """
    )

    @Argument(help: "Which events: stage.promoted, stage.*, *, several with commas between.")
    var event: String
    @Argument(parsing: .postTerminator, help: "The program and its arguments.")
    var command: [String] = []
    @Option(help: "Of this model only.") var model: String?
    @Option(help: "About this stage only.") var stage: String?
    @Option(
        help: ArgumentHelp(
            "Where it keeps how far it is (default: made of server, event and command, in "
                + "~/.local/state/alula).",
            valueName: "file"
        )
    )
    var state: String?
    @Option(help: "A new state begins behind this revision; else with what comes from now on.")
    var after: UInt64?
    @Option(help: "How often a command that failed is run again, before the event is skipped.")
    var retries = 5
    @Option(help: "The pause before the first of them; each is twice as long, up to 5m.")
    var pause = "1s"
    @Option(
        help: ArgumentHelp(
            "How long a command may run before its process group is ended and it has failed; none is "
                + "for ever.",
            valueName: "time|none"
        )
    )
    var timeout = "1d"
    @Flag(help: "Exit with 1 instead of skipping an event; the next start runs it again.")
    var stopOnFailure = false
    @Flag(help: "On SIGTERM end the command that runs, instead of waiting for it.")
    var now = false
    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard !command.isEmpty else {
            throw ValidationError("There is no command: alula on \(event) -- COMMAND")
        }
        guard retries >= 0 else { throw ValidationError("--retries is 0 or more, not \(retries)") }
    }

    func run() async throws {
        let pattern = try EventPattern(event)
        let wanted = Following.Wanted(
            pattern: pattern,
            model: try model.map { try RegisteredModelName($0, as: "--model").text } ?? "",
            stage: try stage.map { try Stage(text: $0).text }
        )
        try checkProgram()
        let following = Following(
            client: try options.client(),
            wanted: wanted,
            commands: EventCommand(
                words: command,
                variables: variables,
                retries: retries,
                pause: try Self.duration(pause, "--pause"),
                timeout: timeout == "none" ? nil : try Self.duration(timeout, "--timeout"),
                json: options.json
            ),
            stopOnFailure: stopOnFailure
        )
        // What is locked stays so until the end of this function.
        let file = try FollowFile(path: path)
        let stop = following.commands.stop
        let endsAtOnce = now
        // From here on, and not from when the task begins.
        let trapped = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let signals = Task {
            var isFirst = true
            for await _ in trapped {
                stop.request(endCommand: endsAtOnce || !isFirst)
                isFirst = false
            }
        }
        defer { signals.cancel() }
        try await following.run(file, after: after)
    }

    /// What the command gets beside the event: this server, where it was named here.
    private var variables: [String: String] {
        var variables = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("ALULA_EVENT_")
        }
        if let server = options.server { variables["ALULA_SERVER"] = server }
        if let project = options.project { variables["ALULA_PROJECT"] = project }
        variables["ALULA_EVENT_PROJECT"] = variables["ALULA_PROJECT"] ?? ""
        return variables
    }

    private var path: String {
        if let state { return state }
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"] ?? "."
        let directory =
            environment["XDG_STATE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
            ?? home + "/.local/state"
        let parts = [
            options.server ?? environment["ALULA_SERVER"] ?? "",
            options.project ?? environment["ALULA_PROJECT"] ?? "", event, model ?? "", stage ?? "",
        ]
        let name = (parts + command).joined(separator: "\0")
        let digest = SHA256Hasher.digest(of: Array(name.utf8)).description.prefix(16)
        return "\(directory)/alula/on-\(digest).json"
    }

    /// A name that is mistyped is told before an event waits for it.
    private func checkProgram() throws(AlulaError) {
        let program = command[0]
        let places =
            program.contains("/")
            ? [""]
            : (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")
                .split(separator: ":").map { $0 + "/" }
        guard places.contains(where: { unsafe access($0 + program, X_OK) == 0 }) else {
            throw .invalid("there is no program \(program) that can be run")
        }
    }

    private static func duration(_ text: String, _ option: String) throws -> Duration {
        guard let span = TimeSpan(text: text), span.microseconds > 0 else {
            throw ValidationError("\(option) is a time as 90s, 15m or 6h, not \(text)")
        }
        return .microseconds(span.microseconds)
    }
}
