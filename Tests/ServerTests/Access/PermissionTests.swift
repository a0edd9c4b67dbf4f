import Domain
import Foundation
import NIOCore
import Testing
import Trust
import Wire

@testable import Server

/// Every operation against every caller who may not make it.
///
/// The operations come from the table, so that a new one is tried by itself.
@Suite(.serialized)
struct PermissionTests {
    private static let guarded = Wire.Operation.allCases.filter { $0.permission != nil }

    private static let definitions = """
        project: p
        entities:
          - {name: person, keys: {id: int64}}
        views:
          - {name: history, entity: person, features: {due: int64}}
          - {name: secret, entity: person, features: {due: int64}}
        services:
          - {name: open, features: ["history:*"]}
          - {name: closed, features: ["secret:*"]}
        """

    private static func named(_ text: String) throws -> ProjectName {
        try ProjectName(text, as: "project")
    }

    /// A request of this project, with this text in every field that names something.
    static func request(
        _ operation: Wire.Operation,
        project: String,
        _ text: String
    ) throws -> ByteBuffer {
        var head = WireHeadOnly()
        head.head.project = project
        // Some calls wait for what may never come.
        head.head.timeoutMs = 2_000
        if operation.isWrite {
            head.head.requestID = Data((0..<16).map { _ in .random(in: 0...255) })
        }
        var control = try Messages.encode(head)
        guard case .named(let fields) = operation.scope else { return control }
        for field in fields {
            control.writeInteger(UInt8(field.number << 3 | 2))
            control.writeInteger(UInt8(text.utf8.count))
            control.writeString(text)
        }
        return control
    }

    @Test
    func `no operation is answered without a token, with a wrong, an expired or a revoked one`()
        async throws
    {
        var tokens: [String: String] = [:]
        let server = try await RunningServer(prepare: { maker in
            try maker.make("root", [.admin])
            tokens["expired"] = try maker.make(
                "old",
                Set(Role.allCases),
                expires: Timestamp(microseconds: 2_000_000)
            )
            tokens["revoked"] = try maker.make("gone", Set(Role.allCases))
            try maker.revoke("gone")
        })
        tokens["wrong"] = "alula_" + String(repeating: "ab", count: 32)
        tokens["not a token"] = "Bearer me"
        for operation in Self.guarded {
            let control = try Self.request(operation, project: "", "x")
            let stranger = try RawClient(port: server.port)
            #expect(try stranger.fail(operation, control) == Gatekeeper.unauthenticated)
            for (what, token) in tokens {
                let client = try RawClient(port: server.port)
                #expect(
                    try client.authenticate(token) == Gatekeeper.unauthenticated,
                    "\(what), \(operation)"
                )
                #expect(try client.next() == nil, "\(what): the connection ends")
            }
        }
        await server.stop()
    }

    @Test func `no operation is answered to a role that has not its permission`() async throws {
        var tokens: [Role: String] = [:]
        let server = try await RunningServer(prepare: { maker in
            try maker.make("root", [.admin])
            for role in Role.allCases { tokens[role] = try maker.make("only-\(role)", [role]) }
        })
        for (role, token) in tokens {
            let client = try RawClient(port: server.port)
            #expect(try client.authenticate(token) == nil)
            for operation in Self.guarded {
                let control = try Self.request(operation, project: "", "x")
                let error = try client.fail(operation, control)
                let may = try #require(operation.permission).roles.contains(role)
                #expect(
                    (error == Gatekeeper.refusal(of: operation)) == !may,
                    "\(role), \(operation): \(error.map(String.init(describing:)) ?? "answered")"
                )
            }
        }
        await server.stop()
    }

    @Test func `a scope is kept, and its refusals say the same whether or not the thing is there`()
        async throws
    {
        let all = Set(Role.allCases).subtracting([.admin])
        var tokens: [String: String] = [:]
        let server = try await RunningServer(prepare: { maker in
            try maker.make("root", [.admin])
            tokens["define"] = try maker.make("definer", [.definer])
            tokens["elsewhere"] = try maker.make(
                "elsewhere",
                all,
                scope: TokenScope(projects: [try Self.named("other")])
            )
            tokens["narrow"] = try maker.make(
                "narrow",
                all,
                scope: TokenScope(
                    projects: [try Self.named("p")],
                    views: [try FeatureViewName("history", as: "view")],
                    models: [try RegisteredModelName("mine", as: "model")]
                )
            )
        })
        let definer = try RawClient(port: server.port)
        #expect(try definer.authenticate(try #require(tokens["define"])) == nil)
        var apply = WireApplyRequest()
        apply.head.requestID = Data(repeating: 7, count: 16)
        var file = WireDefinitionFile()
        (file.name, file.yaml) = ("d.yaml", Self.definitions)
        apply.files = [file]
        #expect(try definer.fail(.apply, try Messages.encode(apply)) == nil)

        try checkElsewhere(server, try #require(tokens["elsewhere"]))
        try checkNarrow(server, try #require(tokens["narrow"]))
        await server.stop()
    }

    private func checkElsewhere(_ server: RunningServer, _ token: String) throws {
        let client = try RawClient(port: server.port)
        #expect(try client.authenticate(token) == nil)
        for operation in Self.guarded {
            if case .narrowedAnswer = operation.scope { continue }
            for (project, name) in [
                ("p", "history"), ("p", "nothere"), ("nothere", "x"), ("", "x"),
            ] {
                // Definitions files name their project themselves.
                if case .definitions = operation.scope, project.isEmpty { continue }
                let error = try client.fail(
                    operation,
                    try Self.request(operation, project: project, name)
                )
                #expect(
                    error == Gatekeeper.refusal(of: operation),
                    "\(operation) \(project) \(name)"
                )
            }
        }
        let status = try #require(
            try client.ask(.status, try Self.request(.status, project: "", ""))
        )
        let answer = try Messages.decode(WireStatusResponse.self, from: status.control)
        #expect(answer.projects.isEmpty && answer.views.isEmpty)
        var apply = WireApplyRequest()
        apply.head.requestID = Data(repeating: 9, count: 16)
        var file = WireDefinitionFile()
        (file.name, file.yaml) = ("d.yaml", Self.definitions)
        apply.files = [file]
        for operation in [Wire.Operation.plan, .apply] {
            #expect(
                try client.fail(operation, try Messages.encode(apply))?.code == .permissionDenied,
                "the file's own project is looked at, too"
            )
        }
    }

    private func checkNarrow(_ server: RunningServer, _ token: String) throws {
        let client = try RawClient(port: server.port)
        #expect(try client.authenticate(token) == nil)
        func error(_ operation: Wire.Operation, _ name: String) throws -> AlulaError? {
            try client.fail(operation, try Self.request(operation, project: "p", name))
        }
        for operation in Self.guarded {
            guard case .named(let fields) = operation.scope else { continue }
            let kinds = fields.map(\.kind)
            // A token with a scope is never an admin's.
            if kinds.contains(.run) || operation.permission?.roles == [.admin] { continue }
            let refusal = Gatekeeper.refusal(of: operation)
            #expect(try error(operation, "secret") == refusal, "\(operation)")
            #expect(try error(operation, "nothere") == refusal, "\(operation)")
            if kinds == [.view] {
                #expect(try error(operation, "history") != refusal, "\(operation)")
                #expect(try error(operation, "")?.code != nil)
            }
            if kinds == [.model], !operation.staysOpen {
                #expect(try error(operation, "mine") != refusal, "\(operation)")
            }
            if kinds == [.service] {
                #expect(try error(operation, "closed") == refusal)
                #expect(try error(operation, "open") != refusal)
            }
            if fields.contains(where: { $0.whenEmpty == .everything }) {
                #expect(try error(operation, "") == refusal, "\(operation): empty means all")
            }
        }
        let answer = try #require(
            try client.ask(
                .describeCatalog,
                try Self.request(.describeCatalog, project: "p", "")
            )
        )
        let catalog = try Messages.decode(WireCatalogResponse.self, from: answer.control)
        #expect(catalog.views.map(\.name) == ["history"])
        #expect(catalog.services.map(\.name) == ["open"])
    }

    @Test func `a revoked token ends its open connections at once`() async throws {
        var tokens: [String: String] = [:]
        let server = try await RunningServer(prepare: { maker in
            tokens["root"] = try maker.make("root", [.admin])
            tokens["ci"] = try maker.make("ci", [.reader])
        })
        let admin = try RawClient(port: server.port)
        #expect(try admin.authenticate(try #require(tokens["root"])) == nil)
        let reader = try RawClient(port: server.port)
        #expect(try reader.authenticate(try #require(tokens["ci"])) == nil)
        let status = try Self.request(.status, project: "", "")
        #expect(try reader.fail(.status, status) == nil)
        var revoke = WireRevokeTokenRequest()
        revoke.head.requestID = Data(repeating: 3, count: 16)
        revoke.token = "ci"
        #expect(try admin.fail(.revokeToken, try Messages.encode(revoke)) == nil)
        let told = try #require(try reader.next())
        #expect(told.kind == .error && told.call == 0)
        #expect(try reader.next() == nil)
        await server.stop()
    }

    @Test func `callers on this machine are local until there is a token, and nobody from then on`()
        async throws
    {
        let server = try await RunningServer()
        let local = try RawClient(port: server.port)
        let status = try Self.request(.status, project: "", "")
        #expect(try local.fail(.status, status) == nil)
        var create = WireCreateTokenRequest()
        create.head.requestID = Data(repeating: 5, count: 16)
        (create.name, create.roles) = ("root", ["admin"])
        create.secretHash = Data(repeating: 1, count: 32)
        #expect(try local.fail(.createToken, try Messages.encode(create)) == nil)
        // It has its answer, is told so, and its connection ends.
        #expect(try local.next()?.call == 0)
        #expect(try local.next() == nil)
        let other = try RawClient(port: server.port)
        #expect(try other.fail(.status, status) == Gatekeeper.unauthenticated)
        await server.stop()
    }

    @Test func `with allow-local they stay local, but cannot approve`() async throws {
        let server = try await RunningServer(
            prepare: { try $0.make("root", [.admin]) },
            { $0.anonymous = .local }
        )
        let local = try RawClient(port: server.port)
        #expect(try local.fail(.status, try Self.request(.status, project: "", "")) == nil)
        #expect(!Identity.local.may(.approve))
        await server.stop()
    }
}
