import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Gc: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove artifacts that nothing refers to.",
        discussion: """
            Versions, runs, directories and kept spines hold what they refer to. What is younger than \
            --older-than stays, so that uploads under way are safe; unfinished uploads of that age go, and \
            chunks that nothing is made of any more. With --artifact only that one goes, whatever its age, \
            unless something refers to it.
            """
    )

    @Option(help: ArgumentHelp("The least age, such as 7d; an hour or more.", valueName: "span"))
    var olderThan = "1d"
    @Option(help: ArgumentHelp("Only this artifact.", valueName: "digest")) var artifact = ""
    @OptionGroup var confirmation: ConfirmationOptions
    @OptionGroup var options: ServerOptions

    func run() async throws {
        guard let age = TimeSpan(text: olderThan) else {
            throw ValidationError("--older-than is a span such as 12h or 7d, not \(olderThan).")
        }
        let client = try options.client()
        var request = WireCollectGarbageRequest()
        request.olderSeconds = UInt64(age.microseconds / 1_000_000)
        request.digest = artifact
        request.dryRun = true
        let planned = try await client.collectGarbage(request)
        if confirmation.dryRun { return show(planned, "would be removed") }
        guard planned.artifacts + planned.uploads + planned.chunks > 0 else {
            return show(planned, "removed")
        }
        if !confirmation.yes { show(planned, "would be removed", quiet: options.json) }
        try confirmation.confirm("Remove \(byteText(planned.bytes))?")
        request.dryRun = false
        show(try await client.collectGarbage(request), "removed")
    }

    private func show(_ garbage: WireGarbage, _ what: String, quiet: Bool = false) {
        guard !quiet else { return }
        guard !options.json else {
            return Output.json(
                .object([
                    ("artifacts", .uint(garbage.artifacts)), ("uploads", .uint(garbage.uploads)),
                    ("chunks", .uint(garbage.chunks)), ("bytes", .uint(garbage.bytes)),
                    ("digests", .array(garbage.first.map { .string($0.digest) })),
                ])
            )
        }
        for artifact in garbage.first {
            Output.line("\(artifact.digest)  \(byteText(artifact.bytes))")
        }
        if garbage.artifacts > UInt64(garbage.first.count) {
            Output.line("and \(garbage.artifacts - UInt64(garbage.first.count)) more")
        }
        Output.line(
            "\(what): \(counted(garbage.artifacts, "artifact")), "
                + "\(counted(garbage.uploads, "unfinished upload")), "
                + "\(counted(garbage.chunks, "chunk")), \(byteText(garbage.bytes))"
        )
    }
}
