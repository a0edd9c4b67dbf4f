import Digest
import Domain
import Foundation
import GRDB
import Migrations
import Registry
import Testing

@testable import Trust

/// Tokens made, looked up and revoked, over a registry in a temporary directory.
struct TokenStoreTests {
    private final class Fixture {
        let directory = NSTemporaryDirectory() + "alula-trust-\(UUID())"
        let pool: DatabasePool
        let registry: RegistryStore
        let tokens: TokenStore

        init() throws {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true
            )
            pool = try DatabasePool(path: directory + "/catalog.sqlite")
            try pool.write { database in
                for migration in CatalogMigrations.all { try database.execute(sql: migration.sql) }
            }
            registry = try RegistryStore(
                pool: pool,
                artifacts: .init(size: { _ in nil }, firstBytes: { _ in [] }),
                auditKey: try AuditKey(secret: [UInt8](repeating: 7, count: 32))
            )
            tokens = try TokenStore(registry: registry)
        }

        deinit { try? FileManager.default.removeItem(atPath: directory) }

        func call(_ requestID: UInt8 = 0, at seconds: Int64 = 1_000) -> WriteCall {
            WriteCall(
                requestID: requestID == 0 ? [] : Array(repeating: requestID, count: 16),
                identity: .local,
                project: .unnamed,
                now: Timestamp(microseconds: seconds * 1_000_000)
            )
        }

        @discardableResult
        func make(
            _ name: String,
            _ roles: Set<Role> = [.admin],
            scope: TokenScope = .everything,
            expires: Int64? = nil,
            secret: UInt8,
            _ call: WriteCall? = nil
        ) throws -> Credential {
            let credential = Credential(
                kind: .secret,
                hash: SHA256Hasher.digest(of: Array(repeating: secret, count: 32))
            )
            _ = try tokens.create(
                credential,
                TokenGrant(
                    name: try #require(TokenName(name)),
                    roles: roles,
                    scope: scope,
                    expires: expires.map { Timestamp(microseconds: $0 * 1_000_000) }
                ),
                call: call ?? self.call()
            ) { Array($0.id.utf8) }
            return credential
        }

        func name(behind credential: Credential, at seconds: Int64 = 1_000) -> String? {
            tokens.book.token(
                of: credential,
                at: Timestamp(microseconds: seconds * 1_000_000)
            )?.grant.name.text
        }
    }

    @Test func `a token is in force when create returns, and out of it when revoke does`() throws {
        let fixture = try Fixture()
        #expect(!fixture.tokens.book.isDemanding)
        let credential = try fixture.make("anna", secret: 1)
        #expect(fixture.name(behind: credential) == "anna")
        let before = fixture.tokens.book.generation
        _ = try fixture.tokens.revoke("anna", call: fixture.call()) { _ in [] }
        #expect(fixture.name(behind: credential) == nil)
        #expect(fixture.tokens.book.generation > before)
        #expect(fixture.tokens.book.isDemanding, "revoking the last token opens no door")
    }

    @Test func `another secret, or the same bytes as a certificate, is nobody`() throws {
        let fixture = try Fixture()
        let credential = try fixture.make("anna", secret: 1)
        let other = Credential(kind: .secret, hash: SHA256Hasher.digest(of: [1]))
        #expect(fixture.name(behind: other) == nil)
        #expect(fixture.name(behind: Credential(kind: .certificate, hash: credential.hash)) == nil)
    }

    @Test func `a token is nobody from the moment it expires`() throws {
        let fixture = try Fixture()
        try fixture.make("root", secret: 1)
        let credential = try fixture.make("ci", [.writer], expires: 2_000, secret: 2)
        #expect(fixture.name(behind: credential, at: 1_999) == "ci")
        #expect(fixture.name(behind: credential, at: 2_000) == nil)
    }

    @Test func `what was made is there after a restart, and its secret is nowhere`() throws {
        let fixture = try Fixture()
        let scope = TokenScope(projects: [try #require(ProjectName("p"))], views: nil, models: [])
        #expect(throws: AlulaError.self) {
            try fixture.make("x", [.reader], scope: scope, secret: 9)
        }
        try fixture.make("root", secret: 1)
        let views: Set = [try #require(FeatureViewName("v")), try #require(FeatureViewName("w"))]
        let credential = try fixture.make(
            "ci",
            [.writer, .reader],
            scope: TokenScope(views: views),
            secret: 2
        )
        let again = try TokenStore(registry: fixture.registry)
        let token = try #require(again.book.token(of: credential, at: Timestamp(microseconds: 0)))
        #expect(token.identity.roles == [.writer, .reader])
        #expect(token.identity.scope.views == views)
        #expect(token.identity.scope.projects == nil)
        let secret = Data(repeating: 2, count: 32)
        for file in try FileManager.default.contentsOfDirectory(atPath: fixture.directory) {
            let bytes = try Data(contentsOf: URL(filePath: fixture.directory + "/" + file))
            #expect(bytes.range(of: secret) == nil, "\(file) holds the secret")
        }
    }

    @Test func `the first token is an admin's`() throws {
        let fixture = try Fixture()
        #expect(throws: AlulaError.self) { try fixture.make("ci", [.writer], secret: 1) }
        try fixture.make("root", secret: 2)
        try fixture.make("ci", [.writer], secret: 1)
        #expect(try fixture.tokens.list().map(\.grant.name.text) == ["root", "ci"])
    }

    @Test func `what a token must not be`() throws {
        let fixture = try Fixture()
        try fixture.make("root", secret: 1)
        let narrow = TokenScope(projects: [try #require(ProjectName("p"))])
        #expect(throws: AlulaError.self) { try fixture.make("local", secret: 2) }
        #expect(throws: AlulaError.self) { try fixture.make("server", secret: 2) }
        #expect(throws: AlulaError.self) { try fixture.make("x", [], secret: 2) }
        #expect(throws: AlulaError.self) { try fixture.make("x", expires: 999, secret: 2) }
        #expect(throws: AlulaError.self) { try fixture.make("x", scope: narrow, secret: 2) }
        #expect(throws: AlulaError.self) { try fixture.make("x", secret: 1) }
        #expect(try fixture.tokens.list().count == 1)
    }

    @Test func `a repeat makes no second token`() throws {
        let fixture = try Fixture()
        try fixture.make("root", secret: 1, fixture.call(7))
        try fixture.make("root", secret: 1, fixture.call(7))
        #expect(try fixture.tokens.list().count == 1)
    }

    @Test func `a name revokes all its tokens, and the audit log has each`() throws {
        let fixture = try Fixture()
        let first = try fixture.make("anna", secret: 1)
        let second = try fixture.make("anna", secret: 2)
        let other = try fixture.make("bob", secret: 3)
        _ = try fixture.tokens.revoke("anna", call: fixture.call()) { _ in [] }
        #expect(fixture.name(behind: first) == nil)
        #expect(fixture.name(behind: second) == nil)
        #expect(fixture.name(behind: other) == "bob")
        let acts = try fixture.registry.audit().map(\.act)
        #expect(acts.filter { $0 == "create token" }.count == 3)
        #expect(acts.filter { $0 == "revoke token" }.count == 2)
        #expect(throws: AlulaError.self) {
            try fixture.tokens.revoke("nobody", call: fixture.call()) { _ in [] }
        }
    }

    @Test func `the table of tokens takes no change but a revocation`() throws {
        let fixture = try Fixture()
        try fixture.make("anna", secret: 1)
        for sql in ["DELETE FROM token", "UPDATE token SET roles = '[]'"] {
            #expect(throws: DatabaseError.self) {
                try fixture.pool.write { try $0.execute(sql: sql) }
            }
        }
    }
}
