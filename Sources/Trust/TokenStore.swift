package import Domain
import GRDB
package import Registry
import Synchronization

/// Tokens as they are kept: made, listed and revoked, each with its audit entry in the same
/// transaction.
package final class TokenStore: Sendable {
    private let registry: RegistryStore
    private let adopting = Mutex(())
    /// What is in force.
    package let book = TokenBook()

    package init(registry: RegistryStore) throws(AlulaError) {
        self.registry = registry
        try adopt()
    }

    /// Every token that was ever made, in their order.
    package func list() throws(AlulaError) -> [Token] {
        try registry.read { try TokenTables(database: $0.database).all() }
    }

    /// Makes a token; it is in force when this returns.
    ///
    /// The first of a directory must have the role admin: after it, nobody else could make another.
    package func create(
        _ credential: Credential,
        _ grant: TokenGrant,
        call: WriteCall,
        answer: (Token) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        try Self.check(grant, now: call.now)
        let token = Token(
            id: "tok-" + String("\(credential.hash)".prefix(12)),
            credential: credential,
            grant: grant,
            created: call.now,
            createdBy: call.actor
        )
        let stored = try registry.write("create token", call: call) { tables in
            let rows = TokenTables(database: tables.database)
            let known = try rows.all()
            try Self.check(token, among: known)
            try rows.insert(token)
            try tables.audit("create token", "token:\(token.id)", TokenDetail(token), call)
            return try answer(token)
        }
        try adopt()
        return stored
    }

    /// Revokes the token of this id, or all of this name; they are out of force when this returns.
    package func revoke(
        _ which: String,
        call: WriteCall,
        answer: ([Token]) throws -> [UInt8]
    ) throws(AlulaError) -> [UInt8] {
        let stored = try registry.write("revoke token", call: call) { tables in
            let rows = TokenTables(database: tables.database)
            let named = try rows.all().filter { $0.id == which || $0.grant.name.text == which }
            guard !named.isEmpty else {
                throw AlulaError.notFound(
                    "there is no token \"\(which.prefix(128))\"",
                    help: "alula token list shows their ids and names"
                )
            }
            var revoked = named.filter { $0.revoked == nil }
            for index in revoked.indices {
                try rows.revoke(revoked[index].id, by: call.actor, at: call.now)
                revoked[index].revoked = call.now
                revoked[index].revokedBy = call.actor
                let token = revoked[index]
                try tables.audit("revoke token", "token:\(token.id)", TokenDetail(token), call)
            }
            return try answer(revoked)
        }
        try adopt()
        return stored
    }

    /// One after another, so that an older list never replaces a newer.
    private func adopt() throws(AlulaError) {
        try adopting.withLock { _ throws(AlulaError) in book.adopt(try list()) }
    }

    private static func check(_ grant: TokenGrant, now: Timestamp) throws(AlulaError) {
        guard !Identity.reservedNames.contains(grant.name.text) else {
            throw .invalid(
                "a token cannot speak for \"\(grant.name)\"",
                help: "that name stands for callers that the server itself knows"
            )
        }
        guard !grant.roles.isEmpty else {
            throw .invalid("a token has at least one role", help: "such as --roles reader")
        }
        if let expires = grant.expires, expires <= now {
            throw .invalid("the token would have expired at \(expires), before now")
        }
        let scope = grant.scope
        let counts = [scope.projects?.count, scope.views?.count, scope.models?.count]
        for count in counts.compactMap(\.self) where count == 0 || count > Limits.scopeNames {
            throw .invalid(
                "a scope names \(count) things of a kind: expected 1 to \(Limits.scopeNames), or "
                    + "none for all of them"
            )
        }
        guard scope.isEverything || !grant.roles.contains(.admin) else {
            throw .invalid(
                "a token with the role admin has no scope: it keeps the whole server",
                help: "leave out its projects, views and models, or the role"
            )
        }
    }

    private static func check(_ token: Token, among known: [Token]) throws {
        guard known.count < Limits.tokens else {
            throw AlulaError(
                .resourceExhausted,
                "there are \(known.count) tokens, the most there may be",
                retry: .never
            )
        }
        guard !known.isEmpty || token.grant.roles.contains(.admin) else {
            throw AlulaError.refused(
                "the first token needs the role admin: once there is one, callers without a token "
                    + "are refused, and only an admin makes more",
                help: "alula token create NAME --roles admin"
            )
        }
        guard !known.contains(where: { $0.credential == token.credential }) else {
            throw AlulaError(.alreadyExists, "there is a token with this secret or certificate")
        }
        guard !known.contains(where: { $0.id == token.id || $0.id == token.grant.name.text }) else {
            throw AlulaError(.alreadyExists, "there is a token with this id: draw another secret")
        }
    }
}

/// What the audit table keeps of a token: never its hash.
private struct TokenDetail: Encodable {
    var name: String
    var kind: String
    var roles: [String]
    var projects: [String]?
    var views: [String]?
    var models: [String]?
    var expires: String?

    init(_ token: Token) {
        name = token.grant.name.text
        kind = token.credential.kind.rawValue
        roles = token.grant.roles.sorted().map(\.rawValue)
        projects = token.grant.scope.projects.map { $0.map(\.text).sorted() }
        views = token.grant.scope.views.map { $0.map(\.text).sorted() }
        models = token.grant.scope.models.map { $0.map(\.text).sorted() }
        expires = token.grant.expires.map(\.description)
    }
}
