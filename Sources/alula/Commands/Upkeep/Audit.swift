import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show who did what, oldest first, or verify that nobody changed it.",
        subcommands: [AuditShow.self, AuditVerify.self],
        defaultSubcommand: AuditShow.self
    )
}

struct AuditVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Look at every entry: is it as it was written, and where it was?",
        discussion: """
            Finds every entry that was edited, removed, moved or put in by somebody who has not the \
            audit key. A tail that was cut off is found by the head that the online directory keeps, \
            unless that was set back too; and in any case by --head, kept elsewhere. Whoever has the \
            key and may write to the whole data directory can make a new log that looks whole: only \
            --head finds that. Exits with 1 where something is wrong.
            """
    )

    @Option(
        help: ArgumentHelp(
            "An earlier head of the log, kept elsewhere: it must still be in it.",
            valueName: "number:hash"
        )
    )
    var head = ""
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let answer = try await options.client().verifyAudit(head: head)
        if options.json {
            Output.json(Self.json(answer))
        } else {
            show(answer)
        }
        if answer.problemCount > 0 { throw Refused() }
    }

    private func show(_ answer: WireVerifyAuditResponse) {
        for problem in answer.problems { Output.line("- \(problem)") }
        let more = answer.problemCount - UInt64(answer.problems.count)
        if more > 0 { Output.line("- and \(more) more") }
        if answer.problemCount == 0 {
            Output.line("all \(answer.entries) entries are as they were written, in their order")
        }
        Output.line("head \(answer.headNow)")
        if answer.headKeptOnline.isEmpty { Output.line("the online directory keeps no head") }
        Output.line(
            answer.keyOutside
                ? "the key lies outside the data directory: who has only that cannot make entries"
                : "the key lies in the data directory: who can read it there can make the log anew "
                    + "(see serve --audit-key)"
        )
        if head.isEmpty {
            Output.line(
                "keep the head elsewhere and give it with --head next time: only that rules out a log "
                    + "cut off or made anew by somebody who has the directory and the key"
            )
        }
    }

    private static func json(_ answer: WireVerifyAuditResponse) -> JSONValue {
        .object([
            ("intact", .bool(answer.problemCount == 0)), ("entries", .uint(answer.entries)),
            ("head", .string(answer.headNow)), ("head_kept_online", .text(answer.headKeptOnline)),
            ("key_outside", .bool(answer.keyOutside)),
            ("problem_count", .uint(answer.problemCount)),
            ("problems", .array(answer.problems.map { .string($0) })),
        ])
    }
}

struct AuditShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show who did what, oldest first."
    )

    @Option(help: "Only entries behind this number.") var after: UInt64 = 0
    @Option(help: "At most so many.") var limit = 1_000
    @Option(help: "Only those about this model.") var model = ""
    @Option(help: "Only those about this, such as view:history.") var object = ""
    @Option(help: "Only what this actor did.") var actor = ""
    @Option(
        name: [.customLong("act"), .customLong("kind")],
        help: "Only acts of this kind, such as promote or \"promote refused\"."
    )
    var kind = ""
    @Option(help: ArgumentHelp("Only from this moment on.", valueName: "time")) var since = ""
    @Option(help: ArgumentHelp("Only before this moment.", valueName: "time")) var until = ""
    @Flag(help: "Go on with what comes, one line an entry, until stopped.") var follow = false
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        var request = try self.request()
        if follow { try await follow(&request, client) }
        var entries: [WireAuditEntry] = []
        repeat {
            request.limit = UInt32(clamping: min(limit - entries.count, 1_000))
            let page = try await client.audit(request)
            entries += page.entries
            request.after = page.next
        } while request.after != 0 && entries.count < limit
        guard !options.json else { return Output.json(.array(entries.map(AuditText.json))) }
        AuditText.show(entries)
    }

    /// The entries there are, then those that come.
    private func follow(
        _ request: inout WireListAuditRequest,
        _ client: AlulaClient
    ) async throws -> Never {
        while true {
            let page = try await client.audit(request)
            for entry in page.entries {
                Output.announcement(
                    options.json ? AuditText.json(entry).text : AuditText.line(entry)
                )
                request.after = entry.number
            }
            if page.next == 0 { try await Task.sleep(for: .milliseconds(500)) }
        }
    }

    private func request() throws -> WireListAuditRequest {
        guard model.isEmpty || object.isEmpty else {
            throw ValidationError("--model NAME is --object model:NAME: give one of them")
        }
        var request = WireListAuditRequest()
        request.after = after
        request.object = model.isEmpty ? object : "model:\(model)"
        request.actor = actor
        request.act = kind
        if !since.isEmpty { request.sinceUs = try Timestamp(option: "--since", since).microseconds }
        if !until.isEmpty { request.untilUs = try Timestamp(option: "--until", until).microseconds }
        return request
    }
}

/// Entries of the audit log, for people and for machines.
enum AuditText {
    static func show(_ entries: [WireAuditEntry]) {
        var table = TextTable([
            ("number", .right), ("time", .left), ("actor", .left), ("act", .left),
            ("object", .left), ("detail", .left),
        ])
        for entry in entries {
            table.add([
                String(entry.number), Timestamp.text(entry.timeUs),
                entry.actor + (entry.verified ? "" : " (unverified)"), entry.act, entry.object,
                entry.detail,
            ])
        }
        Output.table(table)
    }

    static func line(_ entry: WireAuditEntry) -> String {
        let actor = entry.actor + (entry.verified ? "" : " (unverified)")
        return "\(entry.number) \(Timestamp.text(entry.timeUs)) \(actor) \(entry.act) "
            + "\(entry.object) \(entry.detail)"
    }

    static func json(_ entry: WireAuditEntry) -> JSONValue {
        .object([
            ("number", .uint(entry.number)), ("time", .time(entry.timeUs)),
            ("actor", .string(entry.actor)), ("verified", .bool(entry.verified)),
            ("project", .text(entry.project)), ("act", .string(entry.act)),
            ("object", .string(entry.object)), ("detail", .text(entry.detail)),
            ("before", .text(entry.before)), ("after", .text(entry.after)),
            ("verdict", .text(entry.verdict)), ("request_id", .text(entry.requestID)),
            ("hash", .string(entry.hash)),
        ])
    }
}
