import ArgumentParser
import Client
import Domain
import FoundationEssentials

/// What every verb that asks a server takes.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server (ALULA_SERVER; default alula://127.0.0.1:7461).",
            valueName: "alula[s]://host:port"
        )
    )
    var server: String?

    @Option(
        help: ArgumentHelp("The project (ALULA_PROJECT; default the only one).", valueName: "name")
    )
    var project: String?

    @Option(
        help: ArgumentHelp("The token (ALULA_TOKEN is not seen by others).", valueName: "token")
    )
    var token: String?

    @Option(help: ArgumentHelp("A file with the token (ALULA_TOKEN_FILE).", valueName: "file"))
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "Authorities of the server's certificate, PEM (ALULA_TLS_CA); implies TLS.",
            valueName: "file"
        )
    )
    var tlsCa: String?

    @Option(
        help: ArgumentHelp("The client's own certificate, PEM (ALULA_TLS_CERT).", valueName: "file")
    )
    var tlsCert: String?

    @Option(help: ArgumentHelp("The key of that certificate (ALULA_TLS_KEY).", valueName: "file"))
    var tlsKey: String?

    @Flag(help: "Print JSON for machines.")
    var json = false

    func client() throws -> AlulaClient {
        let environment = Self.environment
        let (address, security) = try connection(environment)
        return AlulaClient(
            address: address,
            project: project ?? environment["ALULA_PROJECT"] ?? "",
            security: security
        )
    }

    /// Refuses TLS and tokens for a verb whose own sockets have neither.
    func checkPlain(_ verb: String) throws {
        let (address, security) = try connection(Self.environment)
        guard address.isSecure || security.token != nil else { return }
        throw AlulaError.refused(
            "\(verb) loads a server over plain sockets: it speaks neither TLS nor shows a token",
            help: "load one on this machine that takes callers without a token: alula serve "
                + "--allow-local"
        )
    }

    /// An empty variable says as much as none.
    private static var environment: [String: String] {
        ProcessInfo.processInfo.environment.filter { !$0.value.isEmpty }
    }

    private func connection(
        _ environment: [String: String]
    ) throws -> (ServerAddress, ClientSecurity) {
        var address =
            try (server ?? environment["ALULA_SERVER"]).map(ServerAddress.init(text:))
            ?? ServerAddress()
        let security = ClientSecurity(
            token: try tokenText(environment),
            authorities: tlsCa ?? environment["ALULA_TLS_CA"],
            certificate: tlsCert ?? environment["ALULA_TLS_CERT"],
            key: tlsKey ?? environment["ALULA_TLS_KEY"]
        )
        if security.authorities != nil || security.certificate != nil { address.isSecure = true }
        return (address, security)
    }

    private func tokenText(_ environment: [String: String]) throws(AlulaError) -> String? {
        if let token { return token }
        if let path = tokenFile { return try Self.read(path) }
        if let token = environment["ALULA_TOKEN"] { return token }
        return try environment["ALULA_TOKEN_FILE"].map(Self.read)
    }

    private static func read(_ path: String) throws(AlulaError) -> String {
        guard let bytes = try? Data(contentsOf: URL(filePath: path)) else {
            throw .invalid("the token's file \(path) cannot be read")
        }
        let words = String(decoding: bytes, as: UTF8.self).split { $0.isWhitespace || $0.isNewline }
        guard words.count == 1 else { throw .invalid("\(path) does not hold one token") }
        return String(words[0])
    }
}
