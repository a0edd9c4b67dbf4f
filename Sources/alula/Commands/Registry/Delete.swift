import ArgumentParser
import Client
import Domain
import Tabular
import Wire

struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete runs, training sets and versions for good.",
        discussion: """
            Only what nothing refers to is deleted; else everything is named that does. The audit log \
            keeps what it was. Artifacts that nothing names any more are removed by alula gc.
            """,
        subcommands: [RunRecord.self, TrainingSetRecord.self, Version.self]
    )
}

extension Delete {
    struct RunRecord: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run",
            abstract: "Delete a run with its params, metrics and tags."
        )
        @Argument(help: "The run's id.") var run: String
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var options: ServerOptions

        func run() async throws {
            let client = try options.client()
            try await Deleting(confirmation: confirmation, json: options.json).run {
                try await client.deleteRun(run, dryRun: $0)
            }
        }
    }

    struct TrainingSetRecord: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "training-set",
            abstract: "Delete a training set's record and its spine."
        )
        @Argument(help: "Its id.") var id: String
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var options: ServerOptions

        func run() async throws {
            let client = try options.client()
            try await Deleting(confirmation: confirmation, json: options.json).run {
                try await client.deleteTrainingSet(id, dryRun: $0)
            }
        }
    }

    struct Version: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a version of a model; its number is not given out again."
        )
        @Argument(help: "The model.") var model: String
        @Argument(help: "The version.") var version: UInt32
        @OptionGroup var confirmation: ConfirmationOptions
        @OptionGroup var options: ServerOptions

        func run() async throws {
            let client = try options.client()
            try await Deleting(confirmation: confirmation, json: options.json).run {
                try await client.deleteVersion(version, of: model, dryRun: $0)
            }
        }
    }
}

/// Looks first, asks, then deletes.
private struct Deleting {
    var confirmation: ConfirmationOptions
    var json: Bool

    func run(_ delete: (_ dryRun: Bool) async throws -> WireDeletion) async throws {
        if confirmation.dryRun || !confirmation.yes {
            let found = try await delete(true)
            guard found.holders.isEmpty, !confirmation.dryRun else {
                show(found)
                if !found.holders.isEmpty { throw Refused() }
                return
            }
            try confirmation.confirm("Delete \(found.title) for good?")
        }
        show(try await delete(false))
    }

    private func show(_ deletion: WireDeletion) {
        guard !json else {
            return Output.json(
                .object([
                    ("title", .string(deletion.title)), ("done", .bool(deletion.done)),
                    ("holders", .strings(deletion.holders)),
                    ("artifacts", .uint(deletion.artifacts)),
                    ("artifact_bytes", .uint(deletion.artifactBytes)),
                ])
            )
        }
        for holder in deletion.holders { Output.line("  - \(holder)") }
        if !deletion.holders.isEmpty {
            Output.line("\(deletion.title) would not be deleted: it is referred to")
        } else if !deletion.done {
            Output.line("\(deletion.title) would be deleted")
        } else {
            Output.line("\(deletion.title) is deleted")
            guard deletion.artifacts > 0 else { return }
            Output.line(
                "\(counted(Int(deletion.artifacts), "artifact")) of \(deletion.artifactBytes) bytes "
                    + "named by nothing any more: alula gc"
            )
        }
    }
}
