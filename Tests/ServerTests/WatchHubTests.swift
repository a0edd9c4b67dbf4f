import Catalog
import Domain
import Foundation
import Logging
import NIOCore
import NIOPosix
import Registry
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Server

/// Watches whose clients take what they are sent when they are told to.
struct WatchHubTests {
    /// The items of a call, each taken by the client only when it is let.
    private final class Client: Sendable {
        private struct State {
            var items: [WireRegistryEvents] = []
            var untaken: [EventLoopPromise<Void>] = []
            var takes = true
        }

        private let state = Mutex(State())

        func receive(_ frame: Frame, _ promise: EventLoopPromise<Void>?) {
            let item = try? Messages.decode(WireRegistryEvents.self, from: frame.control)
            let isTaken = state.withLock { state in
                if let item { state.items.append(item) }
                if !state.takes, let promise { state.untaken.append(promise) }
                return state.takes
            }
            if isTaken { promise?.succeed(()) }
        }

        func stop() { state.withLock { $0.takes = false } }

        func goOn() {
            let untaken = state.withLock { state in
                defer { state.untaken = [] }
                state.takes = true
                return state.untaken
            }
            for promise in untaken { promise.succeed(()) }
        }

        var items: [WireRegistryEvents] { state.withLock { $0.items } }
        var revisions: [UInt64] { items.flatMap(\.events).map(\.revision) }
        var missed: UInt64 { items.reduce(0) { $0 + $1.missed } }
    }

    private let directory: TemporaryDirectory
    private let registry: RegistryStore
    private let hub: WatchHub
    private let project = ProjectName.unnamed

    init() throws {
        directory = try TemporaryDirectory()
        registry = try RegistryStore(
            pool: try openCatalogPool(path: directory.file("catalog.sqlite")),
            artifacts: .init(size: { _ in nil }, firstBytes: { _ in [] }),
            auditKey: try AuditKey(secret: [UInt8](repeating: 7, count: 32))
        )
        hub = WatchHub(registry: registry, logger: Logger(label: "test"))
        hub.start()
        var run: RunID?
        _ = try registry.startRun(
            RunStart(experiment: try ExperimentName("e", as: "experiment")),
            call: call
        ) {
            run = $0.id
            return []
        }
        for name in ["m", "other"] {
            _ = try registry.register(
                VersionRegistration(
                    model: try RegisteredModelName(name, as: "model"),
                    run: try #require(run),
                    artifacts: []
                ),
                call: call
            ) { _ in [] }
        }
    }

    private var call: WriteCall {
        WriteCall(
            requestID: [],
            identity: .local,
            project: project,
            now: Timestamp(microseconds: 1)
        )
    }

    /// One event each.
    private func happen(_ count: Int, to model: String = "m") throws {
        for _ in 0..<count {
            _ = try registry.setAlias(
                try AliasName("a\(registry.modelsRevision)", as: "alias"),
                to: 1,
                of: try RegisteredModelName(model, as: "model"),
                call: call
            ) { _ in [] }
        }
    }

    private func watch(
        _ model: String? = nil,
        after revision: UInt64,
        by identity: Identity = .local
    ) throws -> (Client, Call) {
        let client = Client()
        let call = Call(
            request: Frame(kind: .request, operation: Wire.Operation.watch.rawValue, call: 1),
            operation: .watch,
            identity: identity,
            eventLoop: MultiThreadedEventLoopGroup.singleton.any(),
            write: client.receive
        )
        hub.add(
            Watch(
                call: call,
                project: project,
                model: try model.map { try RegisteredModelName($0, as: "model") },
                after: revision
            )
        )
        return (client, call)
    }

    /// Waits for at most ten seconds.
    private func until(_ condition: () -> Bool) async throws {
        let limit = ContinuousClock.now + .seconds(10)
        while !condition(), ContinuousClock.now < limit { await Task.yield() }
        #expect(condition())
    }

    @Test func `a watch gets what was and what comes, in order, once each`() async throws {
        try happen(600)
        let (client, _) = try watch(after: 2)
        try happen(600)
        try await until { client.revisions.count >= 1_200 }
        #expect(client.revisions == Array(3...1_202) && client.missed == 0)
    }

    @Test func `a watch of a model, or in a scope, gets no other`() async throws {
        let model = try #require(RegisteredModelName("other"))
        let narrow = Identity(
            name: "narrow",
            roles: [.reader],
            isVerified: true,
            scope: TokenScope(models: [model])
        )
        let (own, _) = try watch("other", after: 0)
        let (scoped, _) = try watch(after: 0, by: narrow)
        try happen(3)
        try happen(2, to: "other")
        for client in [own, scoped] {
            try await until { client.revisions.count >= 3 }
            #expect(client.revisions == [2, 6, 7])
        }
    }

    @Test func `who takes nothing is told that it lagged, and goes on from the newest`()
        async throws
    {
        let (client, _) = try watch(after: 2)
        try await until { !client.items.isEmpty }
        client.stop()
        try happen(2_000)
        try await until { client.items.count >= 3 }
        let before = client.revisions.count
        client.goOn()
        try await until { client.missed > 0 }
        #expect(UInt64(client.revisions.count) + client.missed == 2_000)
        #expect(before == client.revisions.count)
        try happen(1)
        try await until { client.revisions.last == 2_003 }
        #expect(client.revisions == client.revisions.sorted())
    }

    @Test func `who is a little late is given all of it`() async throws {
        let (client, _) = try watch(after: 2)
        try await until { !client.items.isEmpty }
        client.stop()
        try happen(900)
        try await until { client.items.count >= 3 }
        client.goOn()
        try await until { client.revisions.count >= 900 }
        #expect(client.revisions == Array(3...902) && client.missed == 0)
    }

    @Test func `a call that has ended gets nothing more`() async throws {
        let (client, call) = try watch(after: 2)
        try await until { !client.items.isEmpty }
        call.end(AlulaError(.cancelled, "gone"))
        let count = client.items.count
        let (other, _) = try watch(after: 2)
        try happen(3)
        try await until { other.revisions.count == 3 }
        #expect(client.items.count == count)
    }
}
