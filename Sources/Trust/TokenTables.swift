import Domain
import FoundationEssentials
import GRDB
import Registry

/// The table of tokens, in one transaction.
struct TokenTables {
    let database: Database

    func all() throws -> [Token] {
        try Row.fetchAll(database, sql: "SELECT * FROM token ORDER BY number").map(Self.token)
    }

    func count() throws -> Int {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM token") ?? 0
    }

    func insert(_ token: Token) throws {
        let scope = token.grant.scope
        try database.execute(
            sql: """
                INSERT INTO token (id, kind, hash, name, roles, projects, views, models, created,
                    created_by, expires)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                token.id, token.credential.kind.rawValue, Data(token.credential.hash.bytes),
                token.grant.name.text, try Self.json(token.grant.roles.map(\.rawValue)),
                try scope.projects.map { try Self.json($0.map(\.text)) },
                try scope.views.map { try Self.json($0.map(\.text)) },
                try scope.models.map { try Self.json($0.map(\.text)) },
                token.created.microseconds, token.createdBy, token.grant.expires?.microseconds,
            ]
        )
    }

    func revoke(_ id: String, by actor: String, at now: Timestamp) throws {
        try database.execute(
            sql: "UPDATE token SET revoked = ?, revoked_by = ? WHERE id = ? AND revoked IS NULL",
            arguments: [now.microseconds, actor, id]
        )
    }

    private static func token(_ row: Row) throws -> Token {
        guard let hash = ContentDigest(bytes: [UInt8](row["hash"] as Data)),
            let kind = Credential.Kind(rawValue: row["kind"])
        else { throw AlulaError.corrupt("a token in catalog.sqlite is not what was written") }
        var roles: Set<Role> = []
        for text in try list(row["roles"]) { roles.insert(try Role(text: text)) }
        let scope = TokenScope(
            projects: try names(row["projects"], as: "project"),
            views: try names(row["views"], as: "view"),
            models: try names(row["models"], as: "model")
        )
        return Token(
            id: row["id"],
            credential: Credential(kind: kind, hash: hash),
            grant: TokenGrant(
                name: try TokenName(row["name"], as: "token"),
                roles: roles,
                scope: scope,
                expires: (row["expires"] as Int64?).map(Timestamp.init(microseconds:))
            ),
            created: Timestamp(microseconds: row["created"]),
            createdBy: row["created_by"],
            revoked: (row["revoked"] as Int64?).map(Timestamp.init(microseconds:)),
            revokedBy: row["revoked_by"]
        )
    }

    private static func names<Kind>(_ text: String?, as what: String) throws -> Set<Name<Kind>>? {
        guard let text else { return nil }
        return Set(try list(text).map { try Name<Kind>($0, as: what) })
    }

    private static func list(_ text: String) throws -> [String] {
        try JSONDecoder().decode([String].self, from: Data(text.utf8))
    }

    private static func json(_ names: [String]) throws -> String {
        String(decoding: try JSONEncoder().encode(names.sorted()), as: UTF8.self)
    }
}
