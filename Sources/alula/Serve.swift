import ArgumentParser
import Domain
import Glibc
import Server

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a data directory until told to stop.",
        discussion: "Listens on this machine only. SIGTERM and SIGINT stop it gracefully."
    )

    @Option(help: ArgumentHelp("The data directory; made if new.", valueName: "dir"))
    var data: String

    @Option(help: ArgumentHelp("Where the RPC port listens.", valueName: "host:port"))
    var listen = "127.0.0.1:7461"

    @Option(
        help: ArgumentHelp("Where the HTTP port listens; none for nowhere.", valueName: "host:port")
    )
    var http = "127.0.0.1:7462"

    @Option(help: "on or off: merge segments of history in the background.")
    var compaction = ServerConfiguration.Compaction.on

    func run() async throws {
        let configuration = ServerConfiguration(
            dataDirectory: data,
            listen: listen,
            http: http == "none" ? nil : http,
            compaction: compaction
        )
        do {
            try await AlulaServer.run(configuration) { Output.announcement($0) }
        } catch {
            Output.error(error)
            _exit(1)
        }
        // All is on disk. Leaving by `exit` would run the destructors of RocksDB's globals while
        // the last references to the stores are let go on other threads, which aborts now and then.
        _exit(0)
    }
}

extension ServerConfiguration.Compaction: ExpressibleByArgument {}
