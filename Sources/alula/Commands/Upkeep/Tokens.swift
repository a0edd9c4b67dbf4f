import ArgumentParser
import Client
import Digest
import Domain
import FoundationEssentials
import Server
import Tabular
import Wire

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make, list and revoke tokens.",
        discussion: """
            The first token is an admin's; from then on callers without a token are refused. With \
            --data they work on a directory whose server is stopped.
            """,
        subcommands: [TokenCreate.self, TokenList.self, TokenRevoke.self]
    )
}

struct TokenCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a token and show it, once."
    )

    @OptionGroup var options: ServerOptions

    @Argument(help: "Whom it speaks for, as the audit log will have it.") var name: String

    @Option(
        help: ArgumentHelp(
            "What it may be: " + Role.allCases.map(\.rawValue).joined(separator: ", ") + ".",
            valueName: "role,…"
        )
    )
    var roles: String

    @Option(help: ArgumentHelp("Only these projects.", valueName: "name,…"))
    var projects: String?

    @Option(help: ArgumentHelp("Of them only these views.", valueName: "name,…"))
    var views: String?

    @Option(help: ArgumentHelp("Of them only these models.", valueName: "name,…"))
    var models: String?

    @Option(
        help: ArgumentHelp("When it ends: a span such as 90d, or a time.", valueName: "time")
    )
    var expires: String?

    @Option(
        help: ArgumentHelp(
            "The token is this client certificate, PEM, instead of a secret.",
            valueName: "file"
        )
    )
    var certificate: String?

    @OptionGroup var stopped: StoppedDirectory

    func run() async throws {
        var request = WireCreateTokenRequest()
        request.name = name
        request.roles = Self.words(roles)
        request.scope.projects = Self.words(projects)
        request.scope.views = Self.words(views)
        request.scope.models = Self.words(models)
        request.expiresUs = try expiry()
        var secret: TokenSecret?
        if let certificate {
            let key = try ClientSecurity.publicKey(ofCertificate: certificate)
            request.certificateKeyHash = Data(SHA256Hasher.digest(of: key).bytes)
        } else {
            secret = TokenSecret(bytes: try RandomBytes.make(TokenSecret.byteCount))
            request.secretHash = Data(SHA256Hasher.digest(of: secret?.bytes ?? []).bytes)
        }
        let token = try await make(request)
        if options.json {
            var fields = token.fields
            if let secret { fields.append(("token", .string(secret.text))) }
            return Output.json(.object(fields))
        }
        Output.diagnostic("made \(token.id) for \(token.name)")
        guard let secret else { return }
        Output.diagnostic("this is the only time it is shown:")
        Output.line(secret.text)
    }

    private func make(_ request: WireCreateTokenRequest) async throws -> WireToken {
        if let local = try stopped.tokens() { return try local.create(request) }
        return try await options.client().createToken(request)
    }

    private static func words(_ text: String?) -> [String] {
        (text ?? "").split(separator: ",").map(String.init)
    }

    private func expiry() throws(AlulaError) -> Int64 {
        guard let expires else { return 0 }
        if let span = TimeSpan(text: expires) { return (Timestamp.now + span).microseconds }
        return try Timestamp(option: "--expires", expires, also: "a span such as 90d").microseconds
    }
}

struct TokenList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Show every token that was made, without its secret."
    )

    @OptionGroup var options: ServerOptions

    @OptionGroup var stopped: StoppedDirectory

    func run() async throws {
        let tokens: [WireToken]
        if let local = try stopped.tokens() {
            tokens = try local.list()
        } else {
            tokens = try await options.client().tokens()
        }
        guard !options.json else {
            return Output.json(.array(tokens.map { .object($0.fields) }))
        }
        var table = TextTable([
            ("id", .left), ("name", .left), ("roles", .left), ("scope", .left), ("state", .left),
            ("created", .left), ("by", .left),
        ])
        for token in tokens {
            table.add([
                token.id, token.name, token.roles.joined(separator: ","), token.scope.text,
                token.state, Timestamp.text(token.createdUs), token.createdBy,
            ])
        }
        Output.table(table)
    }
}

struct TokenRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Revoke a token by its id, or all of a name; it acts at once."
    )

    @OptionGroup var options: ServerOptions

    @Argument(help: "An id, or a name.") var which: String

    @OptionGroup var stopped: StoppedDirectory

    func run() async throws {
        let tokens: [WireToken]
        if let local = try stopped.tokens() {
            tokens = try local.revoke(which)
        } else {
            tokens = try await options.client().revokeToken(which)
        }
        guard !options.json else {
            return Output.json(.array(tokens.map { .object($0.fields) }))
        }
        if tokens.isEmpty { Output.diagnostic("it was revoked before") }
        for token in tokens { Output.line("revoked \(token.id) of \(token.name)") }
    }
}

extension WireTokenScope {
    fileprivate var text: String {
        let parts = [("projects", projects), ("views", views), ("models", models)]
            .filter { !$0.1.isEmpty }
            .map { "\($0.0): \($0.1.joined(separator: ","))" }
        return parts.isEmpty ? "everything" : parts.joined(separator: "; ")
    }
}

extension WireToken {
    fileprivate var state: String {
        if revokedUs != 0 { return "revoked by \(revokedBy)" }
        guard expiresUs != 0 else { return "live" }
        let isOver = expiresUs <= Timestamp.now.microseconds
        return (isOver ? "expired " : "until ") + Timestamp.text(expiresUs)
    }

    fileprivate var fields: [(String, JSONValue)] {
        [
            ("id", .string(id)), ("kind", .string(kind)), ("name", .string(name)),
            ("roles", .strings(roles)), ("projects", .strings(scope.projects)),
            ("views", .strings(scope.views)), ("models", .strings(scope.models)),
            ("created", .time(createdUs)), ("created_by", .string(createdBy)),
            ("expires", .time(expiresUs)), ("revoked", .time(revokedUs)),
            ("revoked_by", .string(revokedBy)),
        ]
    }
}

/// A data directory that no server has open.
struct StoppedDirectory: ParsableArguments {
    @Option(help: ArgumentHelp("A data directory whose server is stopped.", valueName: "dir"))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "The file of its audit log's key, where that lies elsewhere.",
            valueName: "file"
        )
    )
    var auditKey: String?

    /// Its tokens; nil where a server is to be asked.
    func tokens() throws(AlulaError) -> LocalTokens? {
        guard let data else { return nil }
        return try LocalTokens(dataDirectory: data, auditKey: auditKey)
    }
}
