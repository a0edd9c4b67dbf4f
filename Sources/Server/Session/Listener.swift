import Domain
import Glibc
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization
import Wire

/// The RPC port: accepts connections until a graceful stop, then lets what is in flight finish.
struct Listener: Service {
    let address: HostAndPort
    let dispatcher: Dispatcher
    let workers: Workers
    let logger: Logger
    let connections: Connections
    /// Nil: calls come in the clear, from this machine.
    let certificates: Certificates?
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
            throw address.cannotListen(error, option: "--listen")
        }
        let port = channel.localAddress?.port ?? address.port
        let scheme = certificates == nil ? "alula" : "alulas"
        announce("listening on \(scheme)://\(address.urlHost):\(port)")
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
        var places: [ObjectIdentifier: SessionHandler.Place] = [:]
        for loop in group.makeIterator() {
            places[ObjectIdentifier(loop)] = SessionHandler.Place(
                desk: ReadDesk(dispatcher.services),
                figures: dispatcher.services.figures.lane()
            )
        }
        let placeOfLoop = places
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: 256)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // A peer that is gone is noticed in two minutes, though it said nothing.
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 60)
            .childChannelOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 15)
            .childChannelOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: 4)
            .childChannelOption(.allowRemoteHalfClosure, value: false)
            .childChannelOption(
                .writeBufferWaterMark,
                value: .init(low: Limits.callWindow, high: 2 * Limits.callWindow)
            )
            .childChannelInitializer { channel in
                guard let place = placeOfLoop[ObjectIdentifier(channel.eventLoop)] else {
                    return channel.close()
                }
                let isAdmitted = connections.add(channel)
                channel.closeFuture.whenComplete { _ in connections.remove(channel) }
                return channel.eventLoop.makeCompletedFuture {
                    try prepare(channel, place, isAdmitted: isAdmitted)
                }
            }
    }

    private func prepare(
        _ channel: any Channel,
        _ place: SessionHandler.Place,
        isAdmitted: Bool
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        if let certificates {
            try pipeline.addHandler(NIOSSLServerHandler(context: certificates.contexts.calls))
        }
        guard isAdmitted else {
            return try pipeline.addHandler(TurnAway(limit: connections.limit))
        }
        try pipeline.addHandler(
            SessionHandler(
                dispatcher: dispatcher,
                place: place,
                workers: workers,
                logger: logger,
                isLoopback: channel.remoteAddress?.isLoopback ?? false
            )
        )
    }
}

/// Tells a connection over the limit so, and closes it.
private final class TurnAway: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func channelActive(context: ChannelHandlerContext) {
        let error = AlulaError(
            .resourceExhausted,
            "the server has \(limit) connections, its limit (connections)",
            help: "close some, or try again in a moment"
        )
        var bytes = Preface.server(chosen: Preface.version)
        let control = (try? Messages.encode(WireFailure(error))) ?? ByteBuffer()  // it is short
        Frame(kind: .error, operation: 0, call: 0, control: control).encode(into: &bytes)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .seconds(1)) { loopBound.value.close(promise: nil) }
    }

    /// What a client sends first is dropped: closing on unread bytes would lose the reason.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// The open connections, bounded.
final class Connections: Sendable {
    let limit: Int
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])
    private let turnedAway = Atomic<UInt64>(0)

    init(limit: Int) { self.limit = limit }

    /// Connections over the limit.
    var refused: UInt64 { turnedAway.load(ordering: .relaxed) }

    var count: Int { channels.withLock { $0.count } }

    func add(_ channel: any Channel) -> Bool {
        let isAdmitted = channels.withLock { open in
            guard open.count < limit else { return false }
            open[ObjectIdentifier(channel)] = channel
            return true
        }
        if !isAdmitted { turnedAway.add(1, ordering: .relaxed) }
        return isAdmitted
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
