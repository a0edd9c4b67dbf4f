import ArgumentParser
import Client
import Domain
import Wire

struct Materialize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the newest published rows to the online store."
    )

    @Argument(help: "Views; none for all of the project.") var views: [String] = []
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let progress = Progress(json: options.json)
        let written = try await Materializing.run(
            views,
            client: try options.client(),
            progress: progress
        )
        progress.finish()
        guard !options.json else {
            return Output.json(.object([("rows_written", .uint(written))]))
        }
        Output.line("\(counted(written, "row")) brought to the online store")
    }
}

enum Materializing {
    /// Gives the number of rows that were written.
    static func run(
        _ views: [String],
        client: AlulaClient,
        progress: Progress
    ) async throws -> UInt64 {
        try await client.materialize(views) { step in
            progress.show(
                "materializing \(step.view)",
                done: step.keysDone,
                total: step.keysTotal,
                note: counted(step.keysDone, "key")
            )
        }.rowsWritten
    }
}
