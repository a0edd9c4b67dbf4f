import Catalog
package import Domain
import GRDB
import NIOCore
import SwiftProtobuf
import Trust
import Wire

/// What it costs with every request to find out whether its caller may make it.
package struct PermissionCost: Sendable {
    package struct Line: Sendable {
        package var scope: String
        package var request: String
        package var nanoseconds: Double
    }

    package private(set) var lines: [Line] = []

    private static let views = 100
    private static let viewsOfService = 10

    /// Measures in a catalog of a hundred views, made in `directory`, which is there and empty.
    package init(directory: String, rounds: Int = 200_000) throws(AlulaError) {
        let snapshot = try Self.snapshot(directory)
        let gatekeeper = Gatekeeper(
            book: TokenBook(),
            anonymous: .untilTokens,
            snapshot: { snapshot },
            now: { Timestamp.now }
        )
        let read = try Self.read(service: "credit@1")
        let push = try Self.push(to: "view7")
        let project = try ProjectName("credit", as: "project")
        var views: Set<FeatureViewName> = []
        for number in 0..<Self.viewsOfService {
            views.insert(try FeatureViewName("view\(number)", as: "view"))
        }
        let model = try RegisteredModelName("credit", as: "model")
        let cases: [(String, TokenScope, [(Wire.Operation, String, ByteBuffer)])] = [
            ("no scope", .everything, [read, push]),
            ("a project", TokenScope(projects: [project]), [read, push]),
            ("views", TokenScope(projects: [project], views: views), [read, push]),
            (
                "a model", TokenScope(projects: [project], models: [model]),
                [try Self.read(model: "credit")]
            ),
        ]
        for (scope, grant, requests) in cases {
            var caller = Caller(isLoopback: false, gatekeeper)
            let credential = try Self.show(grant, gatekeeper.book)
            guard caller.show(credential, gatekeeper) else {
                throw AlulaError(.internal, "a token that was just made is not in force")
            }
            for (operation, what, control) in requests {
                try measure(scope, what, rounds) {
                    caller.refresh(gatekeeper)
                    return gatekeeper.refusal(of: operation, control, from: caller.identity) == nil
                }
            }
            guard !grant.isEverything else { continue }
            try measure(scope, "the same read again", rounds) {
                caller.refresh(gatekeeper)
                guard let identity = caller.identity else { return false }
                return gatekeeper.mayRead(requests[0].2, identity, &caller.granted)
            }
        }
    }

    private mutating func measure(
        _ scope: String,
        _ what: String,
        _ rounds: Int,
        _ isGranted: () -> Bool
    ) throws(AlulaError) {
        var refused = 0
        let begun = ContinuousClock.now
        for _ in 0..<rounds where !isGranted() { refused += 1 }
        let taken = (ContinuousClock.now - begun) / .nanoseconds(1)
        guard refused == 0 else {
            throw AlulaError(.internal, "\(what) was refused to a token with \(scope)")
        }
        lines.append(Line(scope: scope, request: what, nanoseconds: taken / Double(rounds)))
    }

    /// Has a token with this scope, and an end, be the one in force.
    private static func show(
        _ scope: TokenScope,
        _ book: TokenBook
    ) throws(AlulaError) -> Credential {
        let credential = Credential(
            kind: .secret,
            hash: try ContentDigest(hex: String(repeating: "5a", count: 32))
        )
        let grant = TokenGrant(
            name: try TokenName("bench", as: "token"),
            roles: [.reader, .writer],
            scope: scope,
            expires: Timestamp(microseconds: .max)
        )
        book.adopt([
            Token(
                id: "bench",
                credential: credential,
                grant: grant,
                created: .now,
                createdBy: "bench"
            )
        ])
        return credential
    }

    private static func read(
        service: String = "",
        model: String = ""
    ) throws(AlulaError) -> (Wire.Operation, String, ByteBuffer) {
        var request = WireReadRequest()
        (request.head.project, request.service, request.model) = ("credit", service, model)
        let what = model.isEmpty ? "read a service of \(viewsOfService) views" : "read a model"
        return (.read, what, try Messages.encode(request))
    }

    private static func push(
        to view: String
    ) throws(AlulaError) -> (Wire.Operation, String, ByteBuffer) {
        var request = WirePushRequest()
        (request.head.project, request.view) = ("credit", view)
        return (.push, "push", try Messages.encode(request))
    }

    private static func snapshot(_ directory: String) throws(AlulaError) -> CatalogSnapshot {
        let views = (0..<Self.views).map {
            "  - {name: view\($0), entity: person, features: {due: int64}}\n"
        }
        let features = (0..<viewsOfService).map { "\"view\($0):due\"" }.joined(separator: ", ")
        let yaml =
            "project: credit\nentities:\n  - {name: person, keys: {id: int64}}\nviews:\n"
            + views.joined() + "services:\n  - {name: credit, features: [\(features)]}\n"
        let pool = try openCatalogPool(path: directory + "/catalog.sqlite")
        let catalog = try CatalogStore(pool: pool)
        let written = Result {
            try pool.write { database in
                let changes = try CatalogStore.decide(
                    [DefinitionFile(name: "bench.yaml", yaml: yaml)],
                    retire: [],
                    project: "",
                    over: try CatalogStore.state(in: database),
                    dependents: { _ in [] }
                )
                return try CatalogStore.write(changes, now: .distantPast, in: database)
            }
        }
        switch written {
        case .success(let state): catalog.adopt(state)
        case .failure(let error as AlulaError): throw error
        case .failure(let error): throw AlulaError(.internal, "\(error)")
        }
        return catalog.snapshot
    }
}
