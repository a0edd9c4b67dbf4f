import Domain
import NIOCore
import NIOPosix
import Synchronization
import Wire

/// A server that does what a test tells it, frame by frame.
final class ScriptedServer: Sendable {
    /// What the script may do with the connection a frame came on.
    struct Peer: Sendable {
        let channel: any Channel
        /// 1 for the first connection.
        let connection: Int

        func send(
            _ kind: FrameKind,
            to frame: Frame,
            control: ByteBuffer = ByteBuffer(),
            data: ByteBuffer = ByteBuffer()
        ) {
            send(
                Frame(
                    kind: kind,
                    operation: frame.operation,
                    call: frame.call,
                    control: control,
                    data: data
                )
            )
        }

        func send(_ frame: Frame) {
            var bytes = ByteBuffer()
            frame.encode(into: &bytes)
            channel.writeAndFlush(bytes, promise: nil)
        }

        /// One byte a packet, as far as the kernel lets it.
        func sendByteByByte(_ frame: Frame) {
            var bytes = ByteBuffer()
            frame.encode(into: &bytes)
            while let byte = bytes.readSlice(length: 1) {
                channel.writeAndFlush(byte, promise: nil)
            }
        }

        func close() { channel.close(promise: nil) }
    }

    typealias Script = @Sendable (Frame, Peer) throws -> Void

    let port: Int
    private let channel: any Channel
    private let connections: Counter

    final class Counter: Sendable {
        private let count = Mutex(0)

        func next() -> Int {
            count.withLock {
                $0 += 1
                return $0
            }
        }

        var value: Int { count.withLock { $0 } }
    }

    /// `preface` is what the server answers to the client's.
    init(preface: ByteBuffer = Preface.server(chosen: 1), _ script: @escaping Script) async throws {
        let counter = Counter()
        connections = counter
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Handler(preface: preface, connection: counter.next(), script)
                    )
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    var connectionCount: Int { connections.value }

    func close() async throws { try await channel.close().get() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        let preface: ByteBuffer
        let connection: Int
        let script: Script
        let frames = NIOSingleStepByteToMessageProcessor(FrameDecoder())
        var opening: ByteBuffer? = ByteBuffer()

        init(preface: ByteBuffer, connection: Int, _ script: @escaping Script) {
            self.preface = preface
            self.connection = connection
            self.script = script
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            do {
                if var waiting = opening {
                    waiting.writeBuffer(&bytes)
                    guard try Preface.takeClient(from: &waiting) != nil else {
                        opening = waiting
                        return
                    }
                    opening = nil
                    context.channel.writeAndFlush(preface, promise: nil)
                    bytes = waiting
                }
                let peer = Peer(channel: context.channel, connection: connection)
                try frames.process(buffer: bytes) { try script($0, peer) }
            } catch {
                context.close(promise: nil)
            }
        }
    }
}
