import ArgumentParser
import Domain
import Glibc

/// The command line: arguments to a configuration and run, or to calls of the client and print.
@main
struct Alula: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alula",
        abstract: "A feature store and a model registry in one server.",
        version: "0.1.0",
        subcommands: [],
        groupedSubcommands: [
            CommandGroup(
                name: "Server",
                subcommands: [
                    Serve.self, Status.self, Verify.self, Compact.self, Gc.self, Backup.self,
                    Backups.self,
                    Restore.self, Bench.self,
                ]
            ),
            CommandGroup(name: "Trust", subcommands: [TokenCommand.self]),
            CommandGroup(
                name: "Definitions",
                subcommands: [Plan.self, Apply.self, Views.self, Services.self]
            ),
            CommandGroup(
                name: "Features",
                subcommands: [
                    Import.self, Imports.self, Push.self, Materialize.self, Read.self, History.self,
                    Export.self, Retract.self, Forget.self,
                ]
            ),
            CommandGroup(
                name: "Training",
                subcommands: [TrainingSet.self, RunCommand.self, Runs.self]
            ),
            CommandGroup(
                name: "Models",
                subcommands: [
                    Models.self, Versions.self, Stages.self, Register.self, Promote.self,
                    Rollback.self,
                    Approve.self, Gates.self, Alias.self, Watch.self, On.self, Reproduce.self,
                    LineageCommand.self, Diff.self, Report.self, Drift.self,
                    ProfileSpanCommand.self, Performance.self,
                    Monitors.self, RolloutCommand.self, Rollouts.self,
                    Audit.self, Artifact.self, Delete.self, Predictions.self, PredictionLog.self,
                    Skew.self,
                ]
            ),
        ]
    )

    /// Exits with 0 where all was done, 1 where it was refused or failed, 2 where the words were
    /// wrong.
    static func main() async {
        var isParsed = false
        do {
            var command = try parseAsRoot()
            isParsed = true
            if var waiting = command as? any AsyncParsableCommand {
                try await waiting.run()
            } else {
                try command.run()
            }
        } catch let error as AlulaError {
            Output.error(error)
            Glibc.exit(1)
        } catch is Refused {
            Glibc.exit(1)
        } catch let code as ExitCode {
            Glibc.exit(code.rawValue)
        } catch let error as ValidationError where isParsed {
            Output.diagnostic(
                "Error: \(error.message)\n  See '\(asked) --help' for more information."
            )
            Glibc.exit(2)
        } catch {
            let code = exitCode(for: error)
            let message = fullMessage(for: error)
            if code == .success {
                print(message)
                Glibc.exit(0)
            }
            Output.diagnostic(message)
            Glibc.exit(code == .validationFailure ? 2 : 1)
        }
    }

    /// The command that the words name, without its arguments.
    private static var asked: String {
        var path = _commandName
        var known: [any ParsableCommand.Type] = configuration.groupedSubcommands.flatMap(
            \.subcommands
        )
        for word in CommandLine.arguments.dropFirst() {
            guard let command = known.first(where: { $0._commandName == word }) else { break }
            path += " \(word)"
            known = command.configuration.subcommands
        }
        return path
    }
}

/// Thrown where the answer, which has been printed, says no.
struct Refused: Error {}
