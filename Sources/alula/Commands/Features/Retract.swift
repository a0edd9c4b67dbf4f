import ArgumentParser
import Client
import Domain
import Wire

struct Retract: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Undo a wrong import, or wrong pushes: hide their rows from now on.",
        discussion: """
            The rows that they had replaced online are served again. Nothing is deleted: what looks from \
            an earlier log entry still sees the rows, so that training sets stay the same.
            """
    )

    @Argument(help: "The import; alula imports lists them.") var importID: String?
    @Option(help: ArgumentHelp("Instead: rows of these log entries.", valueName: "first-last"))
    var entries: String?
    @Option(help: "With --entries: of this view only.") var view: String?
    @OptionGroup var confirmation: ConfirmationOptions
    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard (importID == nil) != (entries == nil) else {
            throw ValidationError("name an import, or log entries: --entries FIRST-LAST")
        }
        guard view == nil || entries != nil else {
            throw ValidationError("--view goes with --entries: an import is of one view")
        }
        if let entries, Self.range(entries) == nil {
            throw ValidationError("--entries \(entries): expected FIRST-LAST, such as 120-125")
        }
    }

    func run() async throws {
        let client = try options.client()
        var request = WireRetractRequest()
        request.importID = importID ?? ""
        if let entries, let range = Self.range(entries) {
            request.firstEntry = range.lowerBound
            request.lastEntry = range.upperBound
            request.view = view ?? ""
        }
        request.dryRun = true
        let planned = try await client.retract(request) { _ in }
        guard !confirmation.dryRun else { return show(planned) }
        guard planned.rows > 0 else {
            throw AlulaError.refused(
                "\(what): no row of it is seen any more, so there is nothing to hide"
            )
        }
        try confirmation.confirm("Hide \(counted(planned.rows, "row")) of \(what)?")
        request.dryRun = false
        let progress = Progress(json: options.json)
        let answer = try await client.retract(request) { step in
            progress.show(
                "restoring \(step.view)",
                done: step.keysDone,
                total: 0,
                note:
                    "\(counted(step.keysDone, "key")), \(counted(step.rowsRestored, "row")) restored"
            )
        }
        progress.finish()
        show(answer)
    }

    private var what: String { importID ?? "log entries \(entries ?? "")" }

    private static func range(_ text: String) -> ClosedRange<UInt64>? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
        guard (1...2).contains(ends.count), let first = ends.first ?? nil,
            let last = ends.last ?? nil, first >= 1, first <= last
        else { return nil }
        return first...last
    }

    private func show(_ answer: WireRetractResponse) {
        guard !options.json else {
            return Output.json(
                .object([
                    ("dry_run", .bool(confirmation.dryRun)), ("rows", .uint(answer.rows)),
                    ("log_entry", answer.logEntry == 0 ? .null : .uint(answer.logEntry)),
                    ("rows_restored", .uint(answer.rowsRestored)),
                    ("training_sets", .strings(answer.trainingSets)),
                ])
            )
        }
        if confirmation.dryRun {
            Output.line("\(what): \(counted(answer.rows, "row")) would be hidden")
        } else {
            Output.line(
                "\(what): \(counted(answer.rows, "row")) hidden from log entry \(answer.logEntry) on, "
                    + "\(counted(answer.rowsRestored, "online row")) changed"
            )
        }
        guard !answer.trainingSets.isEmpty else { return }
        Output.line("training sets made from positions that see the rows; they stay as they are:")
        for set in answer.trainingSets { Output.line("  \(set)") }
    }
}
