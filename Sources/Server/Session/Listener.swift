import Domain
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// The RPC port: accepts connections until a graceful stop, then lets what is in flight finish.
struct Listener: Service {
    let address: HostAndPort
    let dispatcher: Dispatcher
    let workers: Workers
    let logger: Logger
    let connections: Connections
    let announce: @Sendable (String) -> Void

    /// How long calls in flight may take once the server is stopping.
    private static let drainSeconds: Int64 = 10

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: System.coreCount)
        do {
            try await serve(on: group)
        } catch {
            try? await group.shutdownGracefully()  // the first error is the one that tells
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func serve(on group: MultiThreadedEventLoopGroup) async throws {
        let channel: any Channel
        do {
            channel = try await bootstrap(group).bind(
                host: address.host,
                port: address.port
            ).get()
        } catch {
            throw AlulaError(
                .unavailable,
                "cannot listen on \(address.host):\(address.port): \(error)",
                help: "is another server using the port? choose one with --listen",
                retry: .never
            )
        }
        let port = channel.localAddress?.port ?? address.port
        announce("listening on alula://\(address.host):\(port)")
        try await gracefulShutdown()
        try await channel.close().get()
        connections.quiesce()
        let deadline = ContinuousClock.now + .seconds(Self.drainSeconds)
        while connections.count > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(10))  // cancellation only ends the wait early
        }
        connections.closeAll()
    }

    private func bootstrap(_ group: MultiThreadedEventLoopGroup) -> ServerBootstrap {
        var desks: [ObjectIdentifier: ReadDesk] = [:]
        for loop in group.makeIterator() {
            desks[ObjectIdentifier(loop)] = ReadDesk(dispatcher.services)
        }
        let deskOfLoop = desks
        return bootstrap(group) { deskOfLoop[ObjectIdentifier($0)] }
    }

    private func bootstrap(
        _ group: MultiThreadedEventLoopGroup,
        desk: @escaping @Sendable (any EventLoop) -> ReadDesk?
    ) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: 256)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: false)
            .childChannelOption(
                .writeBufferWaterMark,
                value: .init(low: Limits.callWindow, high: 2 * Limits.callWindow)
            )
            .childChannelInitializer { channel in
                guard let desk = desk(channel.eventLoop), connections.add(channel) else {
                    return channel.close()
                }
                channel.closeFuture.whenComplete { _ in connections.remove(channel) }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        SessionHandler(
                            dispatcher: dispatcher,
                            desk: desk,
                            workers: workers,
                            logger: logger,
                            isLoopback: channel.remoteAddress?.isLoopback ?? false
                        )
                    )
                }
            }
    }
}

/// The open connections, bounded.
final class Connections: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    var count: Int { channels.withLock { $0.count } }

    func add(_ channel: any Channel) -> Bool {
        channels.withLock { open in
            guard open.count < Limits.connections else { return false }
            open[ObjectIdentifier(channel)] = channel
            return true
        }
    }

    func remove(_ channel: any Channel) {
        channels.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(channel)) }
    }

    func quiesce() {
        for channel in channels.withLock({ Array($0.values) }) {
            channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
    }

    /// Has every connection look again who is calling on it.
    func recheck() {
        for channel in channels.withLock({ Array($0.values) }) {
            channel.pipeline.fireUserInboundEventTriggered(CallersChanged())
        }
    }

    func closeAll() {
        for channel in channels.withLock({ Array($0.values) }) { channel.close(promise: nil) }
    }
}

/// A token was made or revoked.
struct CallersChanged: Sendable {}

extension SocketAddress {
    /// Whether the peer is on this machine.
    fileprivate var isLoopback: Bool {
        switch self {
        case .v4: ipAddress?.hasPrefix("127.") ?? false
        case .v6: ipAddress == "::1" || ipAddress?.hasPrefix("::ffff:127.") ?? false
        case .unixDomainSocket: true
        }
    }
}
