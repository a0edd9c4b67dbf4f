import ArgumentParser
import Domain
import Glibc

/// What every verb takes that destroys or hides something.
struct ConfirmationOptions: ParsableArguments {
    @Flag(help: "Say what it would do, and change nothing.") var dryRun = false
    @Flag(help: "Do it without asking.") var yes = false

    func confirm(_ question: String) throws { try Confirmation.ask(question, yes: yes) }
}

enum Confirmation {
    /// Asks on a terminal, unless yes was said; throws where the answer is not yes, or where nobody
    /// can be asked.
    static func ask(_ question: String, yes: Bool) throws {
        guard !yes else { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw AlulaError.refused(
                "not done: nobody is there to be asked",
                help: "say --yes to do it, or --dry-run to see what it would do"
            )
        }
        Output.progress("\(question) [y/N] ")
        let answer = readLine(strippingNewline: true)?.lowercased() ?? ""
        guard answer == "y" || answer == "yes" else {
            Output.diagnostic("nothing was changed")
            throw Refused()
        }
    }
}
