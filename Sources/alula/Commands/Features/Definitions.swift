import ArgumentParser
import Client
import Domain
import Tabular
import Wire

/// What `plan` and `apply` have in common.
struct DefinitionsArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("Definitions files, YAML.", valueName: "file"))
    var files: [String] = []

    @Option(
        help: ArgumentHelp(
            "Retire a view or a service (no more writes and publications), monitor:NAME or rollout:NAME.",
            valueName: "name"
        )
    )
    var retire: [String] = []

    @Option(
        help: ArgumentHelp(
            "Drop a view, a service, gate:MODEL:STAGE or stage:MODEL:STAGE for good.",
            valueName: "name"
        )
    )
    var drop: [String] = []

    func validate() throws {
        guard !files.isEmpty || !retire.isEmpty || !drop.isEmpty else {
            throw ValidationError(
                "Name a definitions file, or something to --retire or to --drop."
            )
        }
    }

    func read() throws(AlulaError) -> [AlulaClient.DefinitionsFile] {
        try files.map { (path) throws(AlulaError) in
            AlulaClient.DefinitionsFile(
                name: path,
                yaml: try SourceFile.text(path, limit: Limits.definitionsBytes)
            )
        }
    }
}

struct Plan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what apply would change, and what would break.",
        discussion: "Exits with 1 where apply would refuse."
    )

    @OptionGroup var definitions: DefinitionsArguments
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let answer = try await options.client().plan(
            try definitions.read(),
            retire: definitions.retire,
            drop: definitions.drop
        )
        Changes.show(answer, isPlan: true, json: options.json)
        if !answer.breaks.isEmpty { throw Refused() }
    }
}

struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the definitions so, all of them or none.",
        discussion: """
            What is dropped is gone for good: it says what cannot be served or made again then, and \
            asks, or takes --yes.
            """
    )

    @OptionGroup var definitions: DefinitionsArguments
    @Flag(help: "Drop without asking.") var yes = false
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        let files = try definitions.read()
        if !definitions.drop.isEmpty, !yes { try await confirm(client, files) }
        let answer = try await client.apply(
            files,
            retire: definitions.retire,
            drop: definitions.drop
        )
        Changes.show(answer, isPlan: false, json: options.json)
        if !answer.breaks.isEmpty { throw Refused() }
    }

    /// Shows what would be dropped and lost, and asks.
    private func confirm(
        _ client: AlulaClient,
        _ files: [AlulaClient.DefinitionsFile]
    ) async throws {
        let plan = try await client.plan(
            files,
            retire: definitions.retire,
            drop: definitions.drop
        )
        guard plan.breaks.isEmpty else {
            Changes.show(plan, isPlan: true, json: options.json)
            throw Refused()
        }
        if !options.json { Changes.show(plan, isPlan: true, json: false) }
        try Confirmation.ask("Drop for good?", yes: false)
    }
}

/// The changes of an apply, or of one that would be.
enum Changes {
    static func show(_ answer: WireApplyResponse, isPlan: Bool, json: Bool) {
        guard !json else { return Output.json(self.json(answer)) }
        for change in answer.changes {
            Output.line("\(change.action) \(change.kind) \(change.name)")
            for line in change.lines { Output.line("    \(line)") }
        }
        for reason in answer.breaks { Output.line("breaks: \(reason)") }
        for line in answer.loses { Output.line("loses: \(line)") }
        let count = answer.changes.count
        if count == 0, answer.breaks.isEmpty {
            Output.line("nothing to change: the catalog is at revision \(answer.catalogRevision)")
        } else if !answer.breaks.isEmpty {
            Output.line("\(counted(answer.breaks.count, "reason")) to refuse: nothing is changed")
        } else if isPlan {
            Output.line("\(counted(count, "change")) to apply")
        } else {
            Output.line(
                "\(counted(count, "change")) applied: the catalog is at revision "
                    + "\(answer.catalogRevision)"
            )
        }
    }

    private static func json(_ answer: WireApplyResponse) -> JSONValue {
        .object([
            (
                "changes",
                .array(
                    answer.changes.map { change in
                        .object([
                            ("action", .string(change.action)), ("kind", .string(change.kind)),
                            ("name", .string(change.name)), ("lines", .strings(change.lines)),
                        ])
                    }
                )
            ), ("breaks", .strings(answer.breaks)), ("loses", .strings(answer.loses)),
            ("catalog_revision", .uint(answer.catalogRevision)),
        ])
    }
}
