import Domain
import Registry
import Testing

struct AliasTests {
    let fixture: Fixture
    private let promoter = Identity(name: "paula", roles: [.promoter], isVerified: true)

    init() throws {
        fixture = try Fixture()
        let run = try fixture.start()
        for _ in 0..<2 { _ = try fixture.register(run.id) }
    }

    private func call(by identity: Identity) throws -> WriteCall {
        var call = try fixture.call()
        call.identity = identity
        return call
    }

    private func set(
        _ name: String,
        _ version: UInt32,
        protect: Bool? = nil,
        revision: UInt64? = nil,
        by identity: Identity = .local
    ) throws {
        _ = try fixture.registry.setAlias(
            try AliasName(name, as: "alias"),
            to: version,
            of: try fixture.model,
            isProtected: protect,
            expectedRevision: revision,
            call: try call(by: identity)
        ) { _ in [] }
    }

    private func delete(_ name: String, by identity: Identity = .local) throws {
        _ = try fixture.registry.deleteAlias(
            try AliasName(name, as: "alias"),
            of: try fixture.model,
            call: try call(by: identity)
        ) { _ in [] }
    }

    private func served(_ choice: VersionChoice) throws -> UInt32 {
        try fixture.registry.served(
            of: try fixture.model,
            in: try fixture.project,
            choice
        ).parts[0].served.version
    }

    private func served(_ alias: String) throws -> UInt32 {
        try served(.alias(try AliasName(alias, as: "alias")))
    }

    @Test func `an alias points at a version until it is moved or deleted`() throws {
        try set("champion", 1)
        #expect(try served("champion") == 1)
        let revision = fixture.registry.modelsRevision
        try set("champion", 2)
        #expect(try served("champion") == 2 && fixture.registry.modelsRevision != revision)
        try delete("champion")
        #expect(error { _ = try served("champion") }?.code == .notFound)
        #expect(error { try delete("champion") }?.code == .notFound)
        #expect(error { try set("champion", 3) }?.code == .notFound)
        #expect(error { try set("7", 1) }?.code == .invalidArgument)
        let entries = try fixture.registry.audit(.init(object: "model:credit"))
        #expect(entries.map(\.act).suffix(3) == ["set alias", "set alias", "delete alias"])
        #expect(entries.suffix(3).map(\.before)[1] == #"{"protected":false,"version":1}"#)
        #expect(entries.suffix(3).map(\.after)[1] == #"{"protected":false,"version":2}"#)
    }

    @Test func `what is so already is not written again`() throws {
        try set("champion", 1)
        let (audited, revision) = (
            try fixture.registry.audit().count, try fixture.registry.revision()
        )
        try set("champion", 1)
        #expect(try fixture.registry.audit().count == audited)
        #expect(try fixture.registry.revision() == revision)
    }

    @Test func `a protected alias is moved by a verified promoter only`() throws {
        try set("champion", 1, protect: true)
        let verified = Identity(name: "tom", roles: [.trainer], isVerified: true)
        let claimed = Identity(name: "paula", roles: [.promoter], isVerified: false)
        for identity in [.local, verified, claimed] {
            #expect(error { try set("champion", 2, by: identity) }?.code == .permissionDenied)
            #expect(
                error { try set("champion", 1, protect: false, by: identity) }?.code
                    == .permissionDenied
            )
            #expect(error { try delete("champion", by: identity) }?.code == .permissionDenied)
        }
        #expect(try served("champion") == 1)
        try set("champion", 2, by: promoter)
        #expect(try served("champion") == 2)
        #expect(error { try set("champion", 1) }?.code == .permissionDenied, "still protected")
        try set("champion", 2, protect: false, by: promoter)
        try set("champion", 1)
        #expect(try served("champion") == 1)
    }

    @Test func `an alias is compared and set on the model's revision`() throws {
        let revision = try #require(
            try fixture.registry.models(project: try fixture.project).first
        ).revision
        try set("champion", 1, revision: revision)
        #expect(error { try set("champion", 2, revision: revision) }?.code == .aborted)
    }

    @Test func `a version is found by its number, its stage or its alias`() throws {
        #expect(try served(.version(2)) == 2)
        #expect(error { _ = try served(.version(3)) }?.code == .notFound)
        #expect(
            error { _ = try served(.stage(.production, version: nil)) }?.code == .notFound
        )
        #expect(
            error { _ = try served(.stage(.archived, version: nil)) }?.code == .invalidArgument
        )
    }

    @Test func `events have no gaps, and tell who waits`() throws {
        try set("champion", 1)
        try delete("champion")
        let events = try fixture.registry.events(
            after: 0,
            project: try fixture.project,
            limit: 10
        )
        #expect(events.map(\.revision) == [1, 2, 3, 4])
        #expect(events.map(\.kind) == [.registered, .registered, .aliasSet, .aliasDeleted])
        #expect(fixture.registry.events.revision == 4)
        #expect(
            try fixture.registry.events(after: 2, project: try fixture.project, limit: 1)
                .map(\.alias?.text) == ["champion"]
        )
    }
}
