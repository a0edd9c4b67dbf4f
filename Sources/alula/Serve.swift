import ArgumentParser
import Domain
import Glibc
import Server

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a data directory until told to stop.",
        discussion: """
            Listens on this machine only, unless there are TLS and tokens. SIGTERM and SIGINT stop it \
            gracefully; SIGHUP has it read its certificate again.
            """
    )

    @Option(help: ArgumentHelp("The data directory; made if new.", valueName: "dir"))
    var data: String

    @Option(help: ArgumentHelp("Where the RPC port listens.", valueName: "host:port"))
    var listen = "127.0.0.1:7461"

    @Option(
        help: ArgumentHelp("Where the HTTP port listens; none for nowhere.", valueName: "host:port")
    )
    var http = "127.0.0.1:7462"

    @Option(
        help: ArgumentHelp(
            "Memory for the newest rows that are read, 0 for none; a quarter of the machine's, or of "
                + "what its control group may have, where it is not said.",
            valueName: "bytes"
        )
    )
    var cacheSize: CacheSize?

    @Option(help: "on or off: merge segments of history in the background.")
    var compaction = ServerConfiguration.Compaction.on

    @Option(
        help: ArgumentHelp(
            "The file of the audit log's key, better outside the data directory; made if new.",
            valueName: "file"
        )
    )
    var auditKey: String?

    @Option(
        help: ArgumentHelp(
            "Where alula backup puts backups, best on another disk; made if new.",
            valueName: "dir"
        )
    )
    var backups: String?

    @Flag(
        help: "Callers on this machine need no token, though there are tokens: they are \"local\"."
    )
    var allowLocal = false

    @Option(help: ArgumentHelp("The server's certificate, PEM.", valueName: "file"))
    var tlsCert: String?

    @Option(help: ArgumentHelp("The key of the certificate, PEM.", valueName: "file"))
    var tlsKey: String?

    @Option(
        help: ArgumentHelp(
            "Authorities of client certificates, PEM: a token may stand for a certificate.",
            valueName: "file"
        )
    )
    var tlsClientCa: String?

    @Option(
        help: ArgumentHelp(
            "Set a limit, such as connections=1000; may be repeated.",
            valueName: "name=number"
        )
    )
    var limit: [String] = []

    @Option(help: ArgumentHelp("Log calls that take longer.", valueName: "time"))
    var slowCall = "1s"

    @Option(help: ArgumentHelp("Keep profiles of what came for so long.", valueName: "time"))
    var keepProfiles = "30d"

    @Option(help: ArgumentHelp("What one profile is of; an hour.", visibility: .hidden))
    var profileSpan = "1h"

    @Option(help: "text or json: how the log is written.")
    var log = ServerConfiguration.LogFormat.text

    private func configuration() throws(AlulaError) -> ServerConfiguration {
        var limits = ServerLimits()
        for text in limit { try limits.set(text) }
        guard (tlsCert == nil) == (tlsKey == nil), tlsClientCa == nil || tlsCert != nil else {
            throw .invalid("TLS wants both --tls-cert and --tls-key")
        }
        guard let slow = TimeSpan(text: slowCall) else {
            throw .invalid("--slow-call \(slowCall): expected a time such as 500ms or 2s")
        }
        guard let keep = TimeSpan(text: keepProfiles), keep.microseconds > 0 else {
            throw .invalid("--keep-profiles \(keepProfiles): expected a time such as 30d")
        }
        guard let span = TimeSpan(text: profileSpan), span.microseconds >= 1_000 else {
            throw .invalid("--profile-span \(profileSpan): expected a time such as 1h")
        }
        let certificates = tlsCert.map { chain in
            CertificateFiles(chain: chain, key: tlsKey ?? "", clientAuthorities: tlsClientCa)
        }
        return ServerConfiguration(
            dataDirectory: data,
            listen: listen,
            http: http == "none" ? nil : http,
            cacheBytes: cacheSize?.bytes,
            compaction: compaction,
            anonymous: allowLocal ? .local : .untilTokens,
            certificates: certificates,
            limits: limits,
            slowCall: slow,
            logFormat: log,
            auditKey: auditKey,
            backups: backups,
            profiles: ProfileRule(span: span, keep: keep)
        )
    }

    func run() async throws {
        do {
            try await AlulaServer.run(try configuration()) { Output.announcement($0) }
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

extension ServerConfiguration.LogFormat: ExpressibleByArgument {}

/// `512MiB`, `2GiB`, or 0.
struct CacheSize: ExpressibleByArgument {
    var bytes: Int

    init?(argument: String) {
        guard let bytes = byteCount(argument), bytes == 0 || bytes >= 1 << 20 else { return nil }
        self.bytes = bytes
    }

    static var allValueStrings: [String] { ["0", "at least 1MiB, as 512MiB or 2GiB"] }
}
