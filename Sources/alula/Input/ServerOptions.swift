import ArgumentParser
import Client
import Domain
import FoundationEssentials

/// What every verb that asks a server takes.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server (ALULA_SERVER; default alula://127.0.0.1:7461).",
            valueName: "alula://host:port"
        )
    )
    var server: String?

    @Option(
        help: ArgumentHelp("The project (ALULA_PROJECT; default the only one).", valueName: "name")
    )
    var project: String?

    @Flag(help: "Print JSON for machines.")
    var json = false

    func client() throws -> AlulaClient {
        let environment = ProcessInfo.processInfo.environment
        let address = try (server ?? environment["ALULA_SERVER"]).map(ServerAddress.init(text:))
        return AlulaClient(
            address: address ?? ServerAddress(),
            project: project ?? environment["ALULA_PROJECT"] ?? ""
        )
    }
}
