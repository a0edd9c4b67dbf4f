import Domain
import SwiftProtobuf
import Trust
import Wire

/// Tokens: made, listed, revoked.
extension Dispatcher {
    func createToken(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireCreateTokenRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let stored = try services.tokens.create(
            try request.credential,
            try request.grant,
            call: try writeCall(call, head, projectOptional: true)
        ) { try WireToken($0).serializedBytes() }
        services.connections.recheck()
        return Answer(stored: stored)
    }

    func listTokens(_ call: Call) throws -> Answer {
        var answer = WireTokens()
        answer.tokens = try services.tokens.list().map(WireToken.init)
        return try Answer(answer)
    }

    func revokeToken(_ call: Call) throws -> Answer {
        let request = try Messages.decode(WireRevokeTokenRequest.self, from: call.control)
        let head = try CallHead(request.head)
        let stored = try services.tokens.revoke(
            request.token,
            call: try writeCall(call, head, projectOptional: true)
        ) { revoked in
            var answer = WireTokens()
            answer.tokens = revoked.map(WireToken.init)
            return try answer.serializedBytes()
        }
        services.connections.recheck()
        return Answer(stored: stored)
    }
}

extension WireCreateTokenRequest {
    var grant: TokenGrant {
        get throws(AlulaError) {
            var roles: Set<Role> = []
            for text in self.roles { roles.insert(try Role(text: text)) }
            return TokenGrant(
                name: try TokenName(name, as: "token"),
                roles: roles,
                scope: try TokenScope(wire: scope),
                expires: expiresUs == 0 ? nil : Timestamp(microseconds: expiresUs)
            )
        }
    }

    var credential: Credential {
        get throws(AlulaError) {
            guard secretHash.isEmpty != certificateKeyHash.isEmpty else {
                throw .invalid(
                    "a token has a secret's hash or a certificate's: expected one of them"
                )
            }
            let isSecret = !secretHash.isEmpty
            guard let hash = ContentDigest(bytes: Array(isSecret ? secretHash : certificateKeyHash))
            else { throw .invalid("a token's hash has 32 bytes of SHA-256") }
            return Credential(kind: isSecret ? .secret : .certificate, hash: hash)
        }
    }
}

extension TokenScope {
    fileprivate init(wire: WireTokenScope) throws(AlulaError) {
        self.init(
            projects: try Self.names(wire.projects, as: "project"),
            views: try Self.names(wire.views, as: "view"),
            models: try Self.names(wire.models, as: "model")
        )
    }

    private static func names<Kind>(
        _ texts: [String],
        as what: String
    ) throws(AlulaError) -> Set<Name<Kind>>? {
        guard !texts.isEmpty else { return nil }
        var names: Set<Name<Kind>> = []
        for text in texts { names.insert(try Name<Kind>(text, as: what)) }
        return names
    }
}

extension WireTokenScope {
    init(_ scope: TokenScope) {
        self.init()
        projects = scope.projects?.map(\.text).sorted() ?? []
        views = scope.views?.map(\.text).sorted() ?? []
        models = scope.models?.map(\.text).sorted() ?? []
    }
}

extension WireToken {
    init(_ token: Token) {
        self.init()
        id = token.id
        kind = token.credential.kind.rawValue
        name = token.grant.name.text
        roles = token.grant.roles.sorted().map(\.rawValue)
        scope = WireTokenScope(token.grant.scope)
        createdUs = token.created.microseconds
        createdBy = token.createdBy
        expiresUs = token.grant.expires?.microseconds ?? 0
        revokedUs = token.revoked?.microseconds ?? 0
        revokedBy = token.revokedBy ?? ""
    }
}
